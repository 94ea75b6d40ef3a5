using System.Text.Json;

namespace MLflow;

/// <summary>A span of a stored trace.</summary>
public sealed class TraceSpan
{
    internal TraceSpan()
    {
    }

    /// <summary>16 lowercase hexadecimal digits.</summary>
    public string SpanId { get; internal init; } = "";

    /// <summary>Id of the span that this one is part of; null for a root.</summary>
    public string? ParentId { get; internal init; }

    /// <summary>The span's name.</summary>
    public string Name { get; internal init; } = "";

    /// <summary>One of <see cref="MLflow.SpanType"/>, or another text.</summary>
    public string SpanType { get; internal init; } = MLflow.SpanType.Unknown;

    /// <summary>Whether the work succeeded.</summary>
    public SpanStatusCode StatusCode { get; internal init; }

    /// <summary>What went wrong; null where nothing was said.</summary>
    public string? StatusMessage { get; internal init; }

    /// <summary>When the span began.</summary>
    public DateTimeOffset StartTime => UnixNano.ToTime(StartNs);

    /// <summary>When the span ended; null while it runs.</summary>
    public DateTimeOffset? EndTime => EndNs is { } end ? UnixNano.ToTime(end) : null;

    /// <summary>What went in; null where nothing was recorded.</summary>
    public JsonElement? Inputs => Value(AttributeNames.Inputs);

    /// <summary>What came out; null where nothing was recorded.</summary>
    public JsonElement? Outputs => Value(AttributeNames.Outputs);

    /// <summary>All attributes, inputs and outputs among them.</summary>
    public IReadOnlyDictionary<string, JsonElement> Attributes { get; internal init; } = new Dictionary<string, JsonElement>();

    /// <summary>Events in the order of their recording.</summary>
    public IReadOnlyList<TraceSpanEvent> Events { get; internal init; } = [];

    /// <summary>Nanoseconds since the Unix epoch.</summary>
    internal long StartNs { get; init; }

    internal long? EndNs { get; init; }

    /// <summary>Name and id.</summary>
    public override string ToString() => $"{Name} ({SpanId})";

    internal JsonElement? Value(string key) => Attributes.TryGetValue(key, out var value) ? value : null;

    /// <summary>An attribute that is text; null where it is absent or something else.</summary>
    internal string? Text(string key) => Value(key) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    internal long? Number(string key) => Value(key) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : null;
}
