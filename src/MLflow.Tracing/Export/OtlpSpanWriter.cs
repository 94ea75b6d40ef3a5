using System.Text.Json;

namespace MLflow;

/// <summary>
/// Writes the fields of an OTLP <c>Span</c>. Field numbers are those of opentelemetry-proto 1.7 (trace/v1/trace.proto, common/v1/common.proto).
/// </summary>
internal static class OtlpSpanWriter
{
    public const int SpanTraceId = 1;
    public const int SpanSpanId = 2;
    public const int SpanParentSpanId = 4;
    public const int SpanName = 5;
    public const int SpanStart = 7;
    public const int SpanEnd = 8;
    public const int SpanAttributes = 9;
    public const int SpanEvents = 11;
    public const int SpanLinks = 13;
    public const int SpanStatus = 15;
    public const int EventTime = 1;
    public const int EventName = 2;
    public const int EventAttributes = 3;
    public const int LinkTraceId = 1;
    public const int LinkSpanId = 2;
    public const int LinkAttributes = 4;
    public const int StatusMessage = 2;
    public const int StatusCode = 3;
    public const int KeyValueKey = 1;
    public const int KeyValueValue = 2;
    public const int AnyString = 1;
    public const int AnyBool = 2;
    public const int AnyInt = 3;
    public const int AnyDouble = 4;

    /// <summary>Writes a span that no longer changes: one that has ended, or a copy of one that still runs, which has no end.</summary>
    public static void Write(ProtobufWriter writer, LiveSpan span)
    {
        Span<byte> id = stackalloc byte[16];
        span.Trace.OtelTraceId.CopyTo(id);
        writer.WriteBytes(SpanTraceId, id);
        span.OtelSpanId.CopyTo(id[..8]);
        writer.WriteBytes(SpanSpanId, id[..8]);
        if (span.Parent is { } parent)
        {
            parent.OtelSpanId.CopyTo(id[..8]);
            writer.WriteBytes(SpanParentSpanId, id[..8]);
        }
        else if (span.Trace.RemoteParent is { } remote)
        {
            remote.SpanId.CopyTo(id[..8]);
            writer.WriteBytes(SpanParentSpanId, id[..8]);
        }

        writer.WriteString(SpanName, span.Name);
        writer.WriteFixed64(SpanStart, (ulong)span.StartNs);
        if (span.EndNs != 0)
        {
            writer.WriteFixed64(SpanEnd, (ulong)span.EndNs);
        }

        // Plain, never as JSON: a server takes the value verbatim as the trace's id.
        WriteText(writer, SpanAttributes, AttributeNames.TraceRequestId, span.TraceId);
        WriteAttribute(writer, SpanAttributes, AttributeNames.SpanType, AttributeValue.FromString(span.SpanType), isDecodedAgain: true);
        foreach (ref readonly var attribute in span.EndedAttributeSpan)
        {
            if (attribute.Key is not (AttributeNames.TraceRequestId or AttributeNames.SpanType or TraceFactsFeature.Attribute))
            {
                WriteAttribute(writer, SpanAttributes, attribute.Key, attribute.Value, isDecodedAgain: true);
            }
        }

        foreach (var spanEvent in span.EndedEvents)
        {
            WriteEvent(writer, spanEvent);
        }

        if (span.Chunks is { } chunks)
        {
            WriteChunks(writer, chunks);
        }

        foreach (var link in span.EndedLinks)
        {
            WriteLink(writer, link);
        }

        WriteStatus(writer, span);
    }

    private static void WriteLink(ProtobufWriter writer, SpanLink link)
    {
        Span<byte> id = stackalloc byte[16];
        var message = writer.BeginMessage(SpanLinks);
        link.TraceId.CopyTo(id);
        writer.WriteBytes(LinkTraceId, id);
        link.SpanId.CopyTo(id[..8]);
        writer.WriteBytes(LinkSpanId, id[..8]);
        foreach (var (key, value) in link.Attributes)
        {
            WriteAttribute(writer, LinkAttributes, key, value, isDecodedAgain: false);
        }

        writer.EndMessage(message);
    }

    private static void WriteEvent(ProtobufWriter writer, SpanEvent spanEvent)
    {
        var message = writer.BeginMessage(SpanEvents);
        writer.WriteFixed64(EventTime, (ulong)spanEvent.TimeNs);
        writer.WriteString(EventName, spanEvent.Name);
        foreach (var (key, value) in spanEvent.Attributes)
        {
            WriteAttribute(writer, EventAttributes, key, value, isDecodedAgain: false);
        }

        writer.EndMessage(message);
    }

    private static void WriteChunks(ProtobufWriter writer, ChunkLog chunks)
    {
        for (var i = 0; i < chunks.Count; i++)
        {
            var entry = chunks[i];
            var message = writer.BeginMessage(SpanEvents);
            writer.WriteFixed64(EventTime, (ulong)entry.TimeNs);
            writer.WriteString(EventName, ChunkLog.EventName(i));
            var pair = writer.BeginMessage(EventAttributes);
            writer.WriteString(KeyValueKey, AttributeNames.ChunkValue);
            var any = writer.BeginMessage(KeyValueValue);
            writer.WriteUtf8(AnyString, chunks.DataOf(entry));
            writer.EndMessage(any);
            writer.EndMessage(pair);
            if (entry.EventType is { } type)
            {
                WriteText(writer, EventAttributes, AttributeNames.ChunkEventType, type);
            }

            writer.EndMessage(message);
        }
    }

    private static void WriteStatus(ProtobufWriter writer, LiveSpan span)
    {
        var status = writer.BeginMessage(SpanStatus);
        if (span.StatusMessage is { Length: > 0 } message)
        {
            writer.WriteString(StatusMessage, message);
        }

        if (span.StatusCode != SpanStatusCode.Unset)
        {
            writer.WriteVarint(StatusCode, (ulong)span.StatusCode);
        }

        writer.EndMessage(status);
    }

    public static void WriteText(ProtobufWriter writer, int field, string key, string value)
    {
        var pair = writer.BeginMessage(field);
        writer.WriteString(KeyValueKey, key);
        var any = writer.BeginMessage(KeyValueValue);
        writer.WriteString(AnyString, value);
        writer.EndMessage(any);
        writer.EndMessage(pair);
    }

    private static void WriteAttribute(ProtobufWriter writer, int field, string key, AttributeValue value, bool isDecodedAgain)
    {
        var pair = writer.BeginMessage(field);
        writer.WriteString(KeyValueKey, key);
        var any = writer.BeginMessage(KeyValueValue);
        WriteAny(writer, value, isDecodedAgain);
        writer.EndMessage(any);
        writer.EndMessage(pair);
    }

    private static void WriteAny(ProtobufWriter writer, AttributeValue value, bool isDecodedAgain)
    {
        switch (value.Kind)
        {
            case AttributeValueKind.Boolean:
                writer.WriteVarint(AnyBool, value.Boolean ? 1UL : 0UL);
                break;
            case AttributeValueKind.Int64:
                writer.WriteVarint(AnyInt, (ulong)value.Int64);
                break;
            case AttributeValueKind.Double:
                writer.WriteFixed64(AnyDouble, BitConverter.DoubleToUInt64Bits(value.Double));
                break;
            case AttributeValueKind.String:
                WriteString(writer, value.String, isDecodedAgain);
                break;
            case AttributeValueKind.Json:
                WriteJson(writer, value.Json, isDecodedAgain);
                break;
            default:
                // JSON null is an AnyValue with nothing set.
                break;
        }
    }

    /// <summary>
    /// Objects and arrays travel as JSON text, which servers decode; as a kvlist, an empty object or array would come back as null
    /// (seen with MLflow 3.6). Scalars travel as themselves.
    /// </summary>
    private static void WriteJson(ProtobufWriter writer, ReadOnlySpan<byte> json, bool isDecodedAgain)
    {
        if (json is [(byte)'{' or (byte)'[', ..])
        {
            writer.WriteUtf8(AnyString, json);
            return;
        }

        var reader = new Utf8JsonReader(json, AttributeJson.ReaderOptions);
        try
        {
            reader.Read();
            switch (reader.TokenType)
            {
                case JsonTokenType.String:
                    WriteString(writer, reader.GetString()!, isDecodedAgain);
                    break;
                case JsonTokenType.Number when reader.TryGetInt64(out var number):
                    writer.WriteVarint(AnyInt, (ulong)number);
                    break;
                case JsonTokenType.Number when reader.TryGetDouble(out var number) && double.IsFinite(number):
                    writer.WriteFixed64(AnyDouble, BitConverter.DoubleToUInt64Bits(number));
                    break;
                case JsonTokenType.True:
                case JsonTokenType.False:
                    writer.WriteVarint(AnyBool, reader.TokenType == JsonTokenType.True ? 1UL : 0UL);
                    break;
                case JsonTokenType.Null:
                    break;
                default:
                    writer.WriteUtf8(AnyString, json);
                    break;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON after all: one span must not take the batch with it.
            WriteString(writer, System.Text.Encoding.UTF8.GetString(json), isDecodedAgain);
        }
    }

    /// <summary>
    /// A server removes one layer of JSON from a span attribute's text (not from an event's). Text that could be read as JSON
    /// therefore gets a layer more, and arrives as the text that it was.
    /// </summary>
    private static void WriteString(ProtobufWriter writer, string value, bool isDecodedAgain)
    {
        if (isDecodedAgain && AttributeJson.CouldBeStructure(value))
        {
            writer.WriteBytes(AnyString, AttributeJson.Quote(value));
        }
        else
        {
            writer.WriteString(AnyString, value);
        }
    }
}
