using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary>A span in the shape of MLflow's API: OTLP's messages as JSON in snake_case, ids in base64, integers as numbers, absent parts left out.</summary>
internal static class SpanJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 1024 };

    public static void Write(Utf8JsonWriter writer, SpanRecord span)
    {
        writer.WriteStartObject();
        writer.WriteBase64String("trace_id", Convert.FromHexString(span.OtelTraceId));
        writer.WriteBase64String("span_id", Convert.FromHexString(span.SpanId));
        if (span.ParentSpanId is not null)
        {
            writer.WriteBase64String("parent_span_id", Convert.FromHexString(span.ParentSpanId));
        }

        writer.WriteString("name", span.Name);
        writer.WriteNumber("start_time_unix_nano", span.StartNs);
        if (span.EndNs is { } end)
        {
            writer.WriteNumber("end_time_unix_nano", end);
        }

        // Clients refuse a span without the trace's id; traces of plain OpenTelemetry have none.
        KeyValuePair<string, string>[] missing = span[AttributeNames.TraceRequestId] is null ? [new(AttributeNames.TraceRequestId, StoredJson.Quote(span.TraceId))] : [];
        writer.WriteArray("attributes", missing.Concat(span.Attributes), WriteAttribute);
        writer.WriteList("events", span.Events, WriteEvent);
        writer.WriteStartObject("status");
        if (span.Status != SpanStatus.Unset)
        {
            writer.WriteString("code", span.Status == SpanStatus.Ok ? "STATUS_CODE_OK" : "STATUS_CODE_ERROR");
        }

        if (!string.IsNullOrEmpty(span.StatusMessage))
        {
            writer.WriteString("message", span.StatusMessage);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteEvent(Utf8JsonWriter writer, SpanEventRecord @event)
    {
        writer.WriteStartObject();
        writer.WriteNumber("time_unix_nano", @event.TimeNs);
        writer.WriteString("name", @event.Name);
        writer.WriteList("attributes", @event.Attributes, WriteAttribute);
        writer.WriteEndObject();
    }

    private static void WriteAttribute(Utf8JsonWriter writer, KeyValuePair<string, string> attribute) => WriteKeyValue(writer, attribute.Key, attribute.Value);

    private static void WriteKeyValue(Utf8JsonWriter writer, string key, string json)
    {
        using var value = JsonDocument.Parse(json, Options);
        WriteKeyValue(writer, key, value.RootElement);
    }

    private static void WriteKeyValue(Utf8JsonWriter writer, string key, JsonElement value)
    {
        writer.WriteStartObject();
        writer.WriteString("key", key);
        if (value.ValueKind != JsonValueKind.Null)
        {
            writer.WritePropertyName("value");
            WriteAnyValue(writer, value);
        }

        writer.WriteEndObject();
    }

    // 1e999 is JSON, and more than a double holds: protobuf's JSON has words for that.
    private static void WriteDouble(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber("double_value", value);
        }
        else
        {
            writer.WriteString("double_value", value > 0 ? "Infinity" : "-Infinity");
        }
    }

    private static void WriteAnyValue(Utf8JsonWriter writer, JsonElement value)
    {
        writer.WriteStartObject();
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                writer.WriteString("string_value", value.GetString());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                writer.WriteBoolean("bool_value", value.GetBoolean());
                break;
            case JsonValueKind.Number when value.TryGetInt64(out var integer):
                writer.WriteNumber("int_value", integer);
                break;
            case JsonValueKind.Number:
                WriteDouble(writer, value.GetDouble());
                break;
            case JsonValueKind.Array:
                writer.WriteStartObject("array_value");
                writer.WriteList("values", [.. value.EnumerateArray()], WriteAnyValue);
                writer.WriteEndObject();
                break;
            case JsonValueKind.Object:
                writer.WriteStartObject("kvlist_value");
                writer.WriteList("values", [.. value.EnumerateObject()], (w, property) => WriteKeyValue(w, property.Name, property.Value));
                writer.WriteEndObject();
                break;
            default:
                break;
        }

        writer.WriteEndObject();
    }
}
