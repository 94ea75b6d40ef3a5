using System.Text;
using System.Text.Json;

namespace MLflow;

/// <content>What a span holds, read where it is asked for; keeping it readable costs a span nothing.</content>
public sealed partial class LiveSpan
{
    /// <summary>
    /// False where nothing that is set has an effect: the span has ended, or its trace is not recorded. Ask it before you prepare what is costly to make.
    /// </summary>
    public bool IsRecording => !HasEnded;

    /// <summary>When the span began.</summary>
    public DateTimeOffset StartTime => UnixNano.ToTime(StartNs);

    /// <summary>When the span ended; null while it runs.</summary>
    public DateTimeOffset? EndTime => EndNs == 0 ? null : UnixNano.ToTime(EndNs);

    /// <summary>The inputs as JSON; null where none were set.</summary>
    public JsonElement? Inputs => GetAttribute(AttributeNames.Inputs);

    /// <summary>The outputs as JSON; null where none were set.</summary>
    public JsonElement? Outputs => GetAttribute(AttributeNames.Outputs);

    /// <summary>An attribute's value as JSON, made at each call; null where it is not set.</summary>
    public JsonElement? GetAttribute(string key)
    {
        lock (_attributes)
        {
            var at = _attributes.FindIndex(attribute => attribute.Key == key);
            return at < 0 ? null : ToJson(_attributes[at].Value);
        }
    }

    /// <summary>All attributes as JSON, as they are now.</summary>
    public IReadOnlyDictionary<string, JsonElement> GetAttributes()
    {
        lock (_attributes)
        {
            return _attributes.ToDictionary(attribute => attribute.Key, attribute => ToJson(attribute.Value));
        }
    }

    /// <summary>The events as they are now, without the chunks of a stream.</summary>
    public IReadOnlyList<TraceSpanEvent> GetEvents()
    {
        lock (_attributes)
        {
            return [.. EndedEvents.Select(e => new TraceSpanEvent(e.Name, e.TimeNs, e.Attributes.ToDictionary(a => a.Key, a => ToJson(a.Value))))];
        }
    }

    private static JsonElement ToJson(AttributeValue value)
    {
        try
        {
            var reader = new Utf8JsonReader(value.Kind == AttributeValueKind.Json ? value.Json : Encoding.UTF8.GetBytes(AttributeJson.Of(value)), AttributeJson.ReaderOptions);
            return JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            // An answer that broke off is kept as it came.
            var reader = new Utf8JsonReader(AttributeJson.Quote(value.Json));
            return JsonElement.ParseValue(ref reader);
        }
    }
}
