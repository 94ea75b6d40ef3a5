using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace MLflow;

/// <summary>Writes <c>traces.json</c>, the form in which servers without OTLP keep spans: every attribute's value is a string that holds JSON.</summary>
internal static class TracesJsonWriter
{
    public static ReadOnlyMemory<byte> Write(IEnumerable<EncodedExport> exports)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, AttributeJson.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartArray("spans");
            foreach (var export in exports)
            {
                var position = 0;
                while (export.TryReadSpan(ref position, out var span))
                {
                    WriteSpan(json, span);
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static void WriteSpan(Utf8JsonWriter json, ReadOnlySpan<byte> span)
    {
        json.WriteStartObject();
        WriteScalars(json, span);
        json.WriteStartArray("events");
        for (var field = new ProtobufReader(span); field.Read();)
        {
            if (field.Field == OtlpSpanWriter.SpanEvents)
            {
                WriteEvent(json, field.Bytes);
            }
        }

        json.WriteEndArray();
        json.WriteStartObject("attributes");
        for (var field = new ProtobufReader(span); field.Read();)
        {
            if (field.Field == OtlpSpanWriter.SpanAttributes)
            {
                var value = ReadPair(field.Bytes, out var key);
                json.WriteString(key, JsonOf(value));
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteScalars(Utf8JsonWriter json, ReadOnlySpan<byte> span)
    {
        var hasParent = false;
        for (var field = new ProtobufReader(span); field.Read();)
        {
            switch (field.Field)
            {
                case OtlpSpanWriter.SpanTraceId:
                    json.WriteBase64String("trace_id", field.Bytes);
                    break;
                case OtlpSpanWriter.SpanSpanId:
                    json.WriteBase64String("span_id", field.Bytes);
                    break;
                case OtlpSpanWriter.SpanParentSpanId:
                    hasParent = true;
                    json.WriteBase64String("parent_span_id", field.Bytes);
                    break;
                case OtlpSpanWriter.SpanName:
                    json.WriteString("name", field.Bytes);
                    break;
                case OtlpSpanWriter.SpanStart:
                    json.WriteNumber("start_time_unix_nano", field.Number);
                    break;
                case OtlpSpanWriter.SpanEnd:
                    json.WriteNumber("end_time_unix_nano", field.Number);
                    break;
                case OtlpSpanWriter.SpanStatus:
                    WriteStatus(json, field.Bytes);
                    break;
                default:
                    break;
            }
        }

        if (!hasParent)
        {
            json.WriteNull("parent_span_id");
        }
    }

    private static void WriteStatus(Utf8JsonWriter json, ReadOnlySpan<byte> status)
    {
        var code = SpanStatusCode.Unset;
        ReadOnlySpan<byte> message = default;
        for (var field = new ProtobufReader(status); field.Read();)
        {
            if (field.Field == OtlpSpanWriter.StatusCode)
            {
                code = (SpanStatusCode)field.Number;
            }
            else
            {
                message = field.Bytes;
            }
        }

        json.WriteStartObject("status");
        json.WriteString("code", code switch
        {
            SpanStatusCode.Ok => "STATUS_CODE_OK",
            SpanStatusCode.Error => "STATUS_CODE_ERROR",
            _ => "STATUS_CODE_UNSET",
        });
        json.WriteString("message", message);
        json.WriteEndObject();
    }

    private static void WriteEvent(Utf8JsonWriter json, ReadOnlySpan<byte> message)
    {
        json.WriteStartObject();
        for (var field = new ProtobufReader(message); field.Read();)
        {
            if (field.Field == OtlpSpanWriter.EventName)
            {
                json.WriteString("name", field.Bytes);
            }
            else if (field.Field == OtlpSpanWriter.EventTime)
            {
                json.WriteNumber("time_unix_nano", field.Number);
            }
        }

        json.WriteStartObject("attributes");
        for (var field = new ProtobufReader(message); field.Read();)
        {
            if (field.Field == OtlpSpanWriter.EventAttributes)
            {
                // An event's values are not encoded once more, unlike a span's.
                var value = ReadPair(field.Bytes, out var key);
                json.WritePropertyName(key);
                if (value.Field == OtlpSpanWriter.AnyString)
                {
                    json.WriteStringValue(value.Bytes);
                }
                else
                {
                    json.WriteRawValue(JsonOf(value), skipInputValidation: true);
                }
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <returns>The value, of which the one field is read; none where it is null.</returns>
    private static ProtobufReader ReadPair(ReadOnlySpan<byte> pair, out ReadOnlySpan<byte> key)
    {
        key = default;
        ProtobufReader value = default;
        for (var field = new ProtobufReader(pair); field.Read();)
        {
            if (field.Field == OtlpSpanWriter.KeyValueKey)
            {
                key = field.Bytes;
            }
            else
            {
                value = new ProtobufReader(field.Bytes);
                value.Read();
            }
        }

        return value;
    }

    /// <summary>The value as JSON text. Text that begins as JSON is JSON: other text of that look was quoted when it was encoded.</summary>
    private static ReadOnlySpan<byte> JsonOf(ProtobufReader value) => value.Field switch
    {
        OtlpSpanWriter.AnyString when AttributeJson.CouldBeStructure(value.Bytes) => value.Bytes,
        OtlpSpanWriter.AnyString => AttributeJson.Quote(value.Bytes),
        OtlpSpanWriter.AnyBool => value.Number == 0 ? "false"u8 : "true"u8,
        OtlpSpanWriter.AnyInt => System.Text.Encoding.UTF8.GetBytes(((long)value.Number).ToString(CultureInfo.InvariantCulture)),
        OtlpSpanWriter.AnyDouble => System.Text.Encoding.UTF8.GetBytes(AttributeJson.Of(AttributeValue.FromDouble(BitConverter.UInt64BitsToDouble(value.Number)))),
        _ => "null"u8,
    };
}
