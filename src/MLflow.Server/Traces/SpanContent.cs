using System.Text;
using System.Text.Json;

namespace MLflow.Server.Traces;

/// <summary>A span as searches read it.</summary>
internal sealed class SpanContent
{
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 1024 };

    public SpanContent(SpanRecord span) => Span = span;

    public SpanRecord Span { get; }

    /// <summary>
    /// The span as JSON, spaced as Python writes it, characters as themselves:
    /// <c>{"name": "…", "type": "…", "status": "…", "status_message": "…", "attributes": {…}, "events": [{"name": "…", "attributes": {…}}]}</c>.
    /// </summary>
    public string Json => field ??= WriteJson();

    /// <summary>
    /// What can be read in the span, one piece a line: name, status message, then keys, texts and figures of the attributes and the events.
    /// Texts are as they were before they became JSON.
    /// </summary>
    public string Text => field ??= WriteText();

    private string WriteJson()
    {
        var json = new StringBuilder();
        json.Append("{\"name\": ").Append(StoredJson.Quote(Span.Name))
            .Append(", \"type\": ").Append(StoredJson.Quote(Span.Type))
            .Append(", \"status\": \"").Append(StatusName(Span.Status)).Append('"');
        if (Span.StatusMessage is { } message)
        {
            json.Append(", \"status_message\": ").Append(StoredJson.Quote(message));
        }

        json.Append(", \"attributes\": ");
        WriteAttributes(json, Span.Attributes);
        json.Append(", \"events\": [");
        for (var i = 0; i < Span.Events.Count; i++)
        {
            json.Append(i == 0 ? "" : ", ").Append("{\"name\": ").Append(StoredJson.Quote(Span.Events[i].Name)).Append(", \"attributes\": ");
            WriteAttributes(json, Span.Events[i].Attributes);
            json.Append('}');
        }

        return StoredJson.Readable(json.Append("]}").ToString());
    }

    private static void WriteAttributes(StringBuilder json, IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        json.Append('{');
        for (var i = 0; i < attributes.Count; i++)
        {
            json.Append(i == 0 ? "" : ", ").Append(StoredJson.Quote(attributes[i].Key)).Append(": ").Append(attributes[i].Value);
        }

        json.Append('}');
    }

    private string WriteText()
    {
        var text = new StringBuilder();
        Line(text, Span.Name);
        Line(text, Span.StatusMessage);
        ReadAttributes(text, Span.Attributes);
        foreach (var @event in Span.Events)
        {
            Line(text, @event.Name);
            ReadAttributes(text, @event.Attributes);
        }

        return text.ToString();
    }

    private static void ReadAttributes(StringBuilder text, IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        foreach (var (key, json) in attributes)
        {
            Line(text, key);
            try
            {
                ReadJson(text, Encoding.UTF8.GetBytes(json));
            }
            catch (JsonException)
            {
                // NaN, for one, which Python takes for JSON.
                Line(text, json);
            }
        }
    }

    private static void ReadJson(StringBuilder text, byte[] json)
    {
        var reader = new Utf8JsonReader(json, ReaderOptions);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName or JsonTokenType.String:
                    Line(text, reader.GetString());
                    break;
                case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False:
                    Line(text, Encoding.UTF8.GetString(reader.ValueSpan));
                    break;
                default:
                    break;
            }
        }
    }

    private static void Line(StringBuilder text, string? piece) => text.Append(piece).Append('\n');

    private static string StatusName(SpanStatus status) => status switch
    {
        SpanStatus.Ok => "OK",
        SpanStatus.Error => "ERROR",
        _ => "UNSET",
    };
}
