using System.Globalization;
using System.Text.Json;

namespace MLflow.Cli.Traces.Export;

/// <summary>
/// The spans of a trace as <c>ExportTraceServiceRequest</c> in OTLP's JSON: names in lowerCamelCase, ids in hex, 64-bit integers as text, enums as numbers
/// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding). What is of the trace as a whole (tags, metadata, feedback) has no place in it.
/// </summary>
internal static class OtlpJson
{
    /// <exception cref="FormatException">A span has no id.</exception>
    public static void Write(Utf8JsonWriter json, TraceDocument trace)
    {
        json.WriteStartObject();
        json.WriteStartArray("resourceSpans");
        json.WriteStartObject();
        json.WriteStartObject("resource");
        json.WriteEndObject();
        json.WriteStartArray("scopeSpans");
        json.WriteStartObject();
        json.WriteStartObject("scope");
        json.WriteEndObject();
        json.WriteStartArray("spans");
        foreach (var span in trace.Spans)
        {
            WriteSpan(json, span, trace.TraceId);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSpan(Utf8JsonWriter json, JsonElement span, string traceId)
    {
        json.WriteStartObject();
        json.WriteString("traceId", TraceId(span, traceId));
        json.WriteString("spanId", StoredSpan.HexSpanId(ApiJson.Text(span, "span_id")) ?? throw new FormatException($"a span of trace {traceId} has no span_id of {StoredSpan.SpanIdBytes} bytes"));
        if (StoredSpan.HexSpanId(ApiJson.Text(span, "parent_span_id")) is { } parent)
        {
            json.WriteString("parentSpanId", parent);
        }

        json.WriteString("name", ApiJson.Text(span, "name") ?? "");
        json.WriteString("startTimeUnixNano", ApiJson.Text(span, "start_time_unix_nano") ?? "0");
        if (ApiJson.Text(span, "end_time_unix_nano") is { } end)
        {
            json.WriteString("endTimeUnixNano", end);
        }

        // A server finds the trace by it: ids of traces need not be ids of OpenTelemetry.
        var attributes = StoredSpan.Attributes(span);
        attributes[AttributeNames.TraceRequestId] = JsonSerializer.SerializeToElement(traceId);
        WriteAttributes(json, attributes);
        json.WriteStartArray("events");
        foreach (var item in ApiJson.Items(span, "events"))
        {
            json.WriteStartObject();
            json.WriteString("timeUnixNano", ApiJson.Text(item, "time_unix_nano") ?? "0");
            json.WriteString("name", ApiJson.Text(item, "name") ?? "");
            WriteAttributes(json, StoredSpan.Values(ApiJson.Member(item, "attributes"), isJsonText: false));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteLinks(json, span);
        var status = ApiJson.Member(span, "status") ?? default;
        json.WriteStartObject("status");
        json.WriteNumber("code", ApiJson.Text(status, "code") switch { "STATUS_CODE_OK" or "OK" => 1, "STATUS_CODE_ERROR" or "ERROR" => 2, _ => 0 });
        if (ApiJson.Text(status, "message") is { Length: > 0 } message)
        {
            json.WriteString("message", message);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteLinks(Utf8JsonWriter json, JsonElement span)
    {
        json.WriteStartArray("links");
        foreach (var link in ApiJson.Items(span, "links"))
        {
            // Those of MLflow's own traces have the prefix of its ids.
            var linked = ApiJson.Text(link, "trace_id");
            if (StoredSpan.HexTraceId(linked?.StartsWith("tr-", StringComparison.Ordinal) == true ? linked[3..] : linked) is { } traceId
                && StoredSpan.HexSpanId(ApiJson.Text(link, "span_id")) is { } spanId)
            {
                json.WriteStartObject();
                json.WriteString("traceId", traceId);
                json.WriteString("spanId", spanId);
                WriteAttributes(json, StoredSpan.Values(ApiJson.Member(link, "attributes"), isJsonText: false));
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }

    private static void WriteAttributes(Utf8JsonWriter json, Dictionary<string, JsonElement> attributes)
    {
        json.WriteStartArray("attributes");
        foreach (var (key, value) in attributes)
        {
            WritePair(json, key, value);
        }

        json.WriteEndArray();
    }

    private static void WritePair(Utf8JsonWriter json, string key, JsonElement value)
    {
        json.WriteStartObject();
        json.WriteString("key", key);
        json.WritePropertyName("value");
        WriteValue(json, value);
        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, JsonElement value)
    {
        json.WriteStartObject();
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                json.WriteString("stringValue", value.GetString());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                json.WriteBoolean("boolValue", value.GetBoolean());
                break;
            case JsonValueKind.Number when value.TryGetInt64(out var integer):
                json.WriteString("intValue", integer.ToString(CultureInfo.InvariantCulture));
                break;
            case JsonValueKind.Number:
                json.WritePropertyName("doubleValue");
                value.WriteTo(json);
                break;
            case JsonValueKind.Array:
                json.WriteStartObject("arrayValue");
                json.WriteStartArray("values");
                foreach (var item in value.EnumerateArray())
                {
                    WriteValue(json, item);
                }

                json.WriteEndArray();
                json.WriteEndObject();
                break;
            case JsonValueKind.Object:
                json.WriteStartObject("kvlistValue");
                json.WriteStartArray("values");
                foreach (var member in value.EnumerateObject())
                {
                    WritePair(json, member.Name, member.Value);
                }

                json.WriteEndArray();
                json.WriteEndObject();
                break;
            default:
                break;
        }

        json.WriteEndObject();
    }

    private static string TraceId(JsonElement span, string traceId) =>
        StoredSpan.HexTraceId(ApiJson.Text(span, "trace_id"))
        ?? StoredSpan.HexTraceId(traceId.StartsWith("tr-", StringComparison.Ordinal) ? traceId[3..] : traceId)
        ?? throw new FormatException($"the spans of trace {traceId} have no trace_id of {StoredSpan.TraceIdBytes} bytes");
}
