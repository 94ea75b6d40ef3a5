using System.Text;
using MLflow.Server.Traces;

namespace MLflow.Server.Mcp;

/// <summary>The parts of a span as JSON text, which tools show in slices and search in: the same text whoever asks, so that places in it stay.</summary>
internal static class SpanText
{
    public const string Inputs = "inputs";
    public const string Outputs = "outputs";
    public const string Attributes = "attributes";
    public const string Events = "events";

    public static readonly IReadOnlyList<string> Parts = [Inputs, Outputs, Attributes, Events];

    /// <summary>The part's text; empty where the span has none of it.</summary>
    public static string Of(SpanRecord span, string part) => StoredJson.Readable(part switch
    {
        Inputs => span[AttributeNames.Inputs] ?? "",
        Outputs => span[AttributeNames.Outputs] ?? "",
        Events => EventsOf(span),
        _ => span.Attributes.Any(IsOther) ? Object([.. span.Attributes.Where(IsOther)]) : "",
    });

    private static bool IsOther(KeyValuePair<string, string> attribute) =>
        attribute.Key is not (AttributeNames.Inputs or AttributeNames.Outputs or AttributeNames.TraceRequestId or AttributeNames.SpanType);

    private static string EventsOf(SpanRecord span)
    {
        if (span.Events.Count == 0)
        {
            return "";
        }

        var json = new StringBuilder("[");
        foreach (var @event in span.Events)
        {
            json.Append(json.Length == 1 ? "" : ", ").Append("{\"name\": ").Append(StoredJson.Quote(@event.Name))
                .Append(", \"time\": \"").Append(ToolAnswer.Time(@event.TimeNs / 1_000_000)).Append("\", \"attributes\": ").Append(Object(@event.Attributes)).Append('}');
        }

        return json.Append(']').ToString();
    }

    private static string Object(IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        var json = new StringBuilder("{");
        foreach (var (key, value) in attributes)
        {
            json.Append(json.Length == 1 ? "" : ", ").Append(StoredJson.Quote(key)).Append(": ").Append(value);
        }

        return json.Append('}').ToString();
    }
}
