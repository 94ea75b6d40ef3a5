using System.Text.Json;

namespace MLflow;

/// <summary>Something that happened within a span of a stored trace: an exception, a streamed chunk, an attempt.</summary>
public sealed class TraceSpanEvent
{
    internal TraceSpanEvent(string name, long timeNs, IReadOnlyDictionary<string, JsonElement> attributes)
    {
        Name = name;
        TimeNs = timeNs;
        Attributes = attributes;
    }

    /// <summary>The event's name.</summary>
    public string Name { get; }

    /// <summary>When it happened.</summary>
    public DateTimeOffset Time => UnixNano.ToTime(TimeNs);

    /// <summary>Its attributes. A streamed chunk is text with JSON in it.</summary>
    public IReadOnlyDictionary<string, JsonElement> Attributes { get; }

    /// <summary>Nanoseconds since the Unix epoch.</summary>
    internal long TimeNs { get; }

    /// <summary>An attribute that is text; what is none as its JSON. Null where it is absent.</summary>
    internal string? Text(string key) => Attributes.TryGetValue(key, out var value)
        ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText()
        : null;
}
