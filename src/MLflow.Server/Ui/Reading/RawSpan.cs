using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Ui.Reading;

/// <summary>A span as it is stored, as JSON for people: attribute values as JSON and not as JSON in strings.</summary>
public static class RawSpan
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = false };

    public static string ToJson(SpanRecord span)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("trace_id", span.TraceId);
            json.WriteString("otel_trace_id", span.OtelTraceId);
            json.WriteString("span_id", span.SpanId);
            json.WriteString("parent_span_id", span.ParentSpanId);
            json.WriteString("name", span.Name);
            json.WriteNumber("start_time_unix_nano", span.StartNs);
            if (span.EndNs is { } end)
            {
                json.WriteNumber("end_time_unix_nano", end);
            }
            else
            {
                json.WriteNull("end_time_unix_nano");
            }

            json.WriteStartObject("status");
            json.WriteString("code", span.Status.ToString().ToUpperInvariant());
            json.WriteString("message", span.StatusMessage);
            json.WriteEndObject();
            Attributes(json, "attributes", span.Attributes);
            json.WriteStartArray("events");
            foreach (var @event in span.Events)
            {
                json.WriteStartObject();
                json.WriteString("name", @event.Name);
                json.WriteNumber("time_unix_nano", @event.TimeNs);
                Attributes(json, "attributes", @event.Attributes);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            Attributes(json, "resource", span.Resource);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void Attributes(Utf8JsonWriter json, string name, IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        json.WriteStartObject(name);
        foreach (var (key, value) in attributes)
        {
            json.WritePropertyName(key);
            if (Formatting.TolerantJson.TryParse(value, out var element))
            {
                element.WriteTo(json);
            }
            else
            {
                json.WriteStringValue(value);
            }
        }

        json.WriteEndObject();
    }
}
