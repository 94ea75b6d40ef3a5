using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>Writes <c>traces.json</c>, the form in which servers without OTLP keep spans: every attribute's value is a string that holds JSON.</summary>
internal static class TracesJsonWriter
{
    public static byte[] Write(IEnumerable<LiveSpan> spans)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, AttributeJson.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartArray("spans");
            foreach (var span in spans)
            {
                WriteSpan(json, span);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteSpan(Utf8JsonWriter json, LiveSpan span)
    {
        Span<byte> id = stackalloc byte[16];
        json.WriteStartObject();
        span.Trace.OtelTraceId.CopyTo(id);
        json.WriteBase64String("trace_id", id);
        span.OtelSpanId.CopyTo(id[..8]);
        json.WriteBase64String("span_id", id[..8]);
        if (span.Parent is { } parent)
        {
            parent.OtelSpanId.CopyTo(id[..8]);
            json.WriteBase64String("parent_span_id", id[..8]);
        }
        else
        {
            json.WriteNull("parent_span_id");
        }

        json.WriteString("name", span.Name);
        json.WriteNumber("start_time_unix_nano", span.StartNs);
        json.WriteNumber("end_time_unix_nano", span.EndNs);
        json.WriteStartArray("events");
        foreach (var spanEvent in span.AllEvents)
        {
            WriteEvent(json, spanEvent);
        }

        json.WriteEndArray();
        json.WriteStartObject("status");
        json.WriteString("code", span.StatusCode switch
        {
            SpanStatusCode.Ok => "STATUS_CODE_OK",
            SpanStatusCode.Error => "STATUS_CODE_ERROR",
            _ => "STATUS_CODE_UNSET",
        });
        json.WriteString("message", span.StatusMessage ?? "");
        json.WriteEndObject();
        json.WriteStartObject("attributes");
        json.WriteString(AttributeNames.TraceRequestId, AttributeJson.Of(AttributeValue.FromString(span.TraceId)));
        json.WriteString(AttributeNames.SpanType, AttributeJson.Of(AttributeValue.FromString(span.SpanType)));
        foreach (var (key, value) in span.EndedAttributes)
        {
            if (key is not (AttributeNames.TraceRequestId or AttributeNames.SpanType))
            {
                json.WriteString(key, AttributeJson.Of(value));
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteEvent(Utf8JsonWriter json, SpanEvent spanEvent)
    {
        json.WriteStartObject();
        json.WriteString("name", spanEvent.Name);
        json.WriteNumber("time_unix_nano", spanEvent.TimeNs);
        json.WriteStartObject("attributes");
        foreach (var (key, value) in spanEvent.Attributes)
        {
            // An event's values are not encoded once more, unlike a span's.
            json.WritePropertyName(key);
            if (value.Kind == AttributeValueKind.String)
            {
                json.WriteStringValue(value.String);
            }
            else if (value.Kind == AttributeValueKind.Json && value.Json is [(byte)'{' or (byte)'[', ..])
            {
                // A streamed chunk: text with JSON in it.
                json.WriteStringValue(value.Json);
            }
            else
            {
                json.WriteRawValue(AttributeJson.Of(value), skipInputValidation: true);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
