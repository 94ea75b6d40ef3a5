using System.Text;
using System.Text.Json;
using System.Text.Unicode;

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
    public const int AnyBytes = 7;

    private static readonly byte[] ChunkValueKey = Encoding.UTF8.GetBytes(AttributeNames.ChunkValue);

    /// <summary>Writes a span that no longer changes: one that has ended, or a copy of one that still runs, which has no end.</summary>
    public static void Write(ProtobufWriter writer, LiveSpan span)
    {
        WriteIds(writer, span);
        if ((span.Parent?.OtelSpanId ?? span.Trace.RemoteParent?.SpanId) is { } parent)
        {
            WriteId(writer, SpanParentSpanId, parent.ToHexString());
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
            if (attribute.Key is not (AttributeNames.TraceRequestId or AttributeNames.SpanType or TraceFactsFeature.Attribute or PlainCallFeature.Attribute))
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

    public static void WriteIds(ProtobufWriter writer, LiveSpan span)
    {
        WriteId(writer, SpanTraceId, span.Trace.OtelTraceId.ToHexString());
        WriteId(writer, SpanSpanId, span.OtelSpanId.ToHexString());
    }

    private static void WriteLink(ProtobufWriter writer, SpanLink link)
    {
        var message = writer.BeginMessage(SpanLinks);
        WriteId(writer, LinkTraceId, link.TraceId.ToHexString());
        WriteId(writer, LinkSpanId, link.SpanId.ToHexString());
        foreach (var (key, value) in link.Attributes)
        {
            WriteAttribute(writer, LinkAttributes, key, value, isDecodedAgain: false);
        }

        writer.EndMessage(message);
    }

    private static void WriteId(ProtobufWriter writer, int field, string hex)
    {
        Span<byte> id = stackalloc byte[16];
        Convert.FromHexString(hex, id, out _, out var length);
        writer.WriteBytes(field, id[..length]);
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
            WriteChunk(writer, chunks.DataOf(entry));
            if (entry.EventType is { } type)
            {
                WriteText(writer, EventAttributes, AttributeNames.ChunkEventType, type);
            }

            writer.EndMessage(message);
        }
    }

    // There are thousands in a stream, and their key is always the same.
    private static void WriteChunk(ProtobufWriter writer, ReadOnlySpan<byte> data)
    {
        if (!Utf8.IsValid(data))
        {
            WriteText(writer, EventAttributes, AttributeNames.ChunkValue, data);
            return;
        }

        var valueSize = ProtobufWriter.SizeOf(data.Length);
        writer.WriteHeader(EventAttributes, ProtobufWriter.SizeOf(ChunkValueKey.Length) + ProtobufWriter.SizeOf(valueSize));
        writer.WriteBytes(KeyValueKey, ChunkValueKey);
        writer.WriteHeader(KeyValueValue, valueSize);
        writer.WriteBytes(AnyString, data);
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
        var size = Encoding.UTF8.GetByteCount(value);
        BeginPair(writer, field, key, ProtobufWriter.SizeOf(size));
        writer.WriteString(AnyString, value, size);
    }

    /// <param name="writer">Takes the attribute.</param>
    /// <param name="field">Number of the attributes' field.</param>
    /// <param name="key">The attribute's name.</param>
    /// <param name="utf8">What should be UTF-8. What is wrong in it is replaced: a server refuses the whole request for one invalid string.</param>
    private static void WriteText(ProtobufWriter writer, int field, string key, ReadOnlySpan<byte> utf8)
    {
        if (!Utf8.IsValid(utf8))
        {
            WriteText(writer, field, key, Encoding.UTF8.GetString(utf8));
            return;
        }

        BeginPair(writer, field, key, ProtobufWriter.SizeOf(utf8.Length));
        writer.WriteBytes(AnyString, utf8);
    }

    /// <summary>Writes an attribute up to its value, an <c>AnyValue</c> of known size.</summary>
    private static void BeginPair(ProtobufWriter writer, int field, string key, int valueSize)
    {
        var keySize = Encoding.UTF8.GetByteCount(key);
        writer.WriteHeader(field, ProtobufWriter.SizeOf(keySize) + ProtobufWriter.SizeOf(valueSize));
        writer.WriteString(KeyValueKey, key, keySize);
        writer.WriteHeader(KeyValueValue, valueSize);
    }

    private static void WriteAttribute(ProtobufWriter writer, int field, string key, AttributeValue value, bool isDecodedAgain)
    {
        switch (value.Kind)
        {
            case AttributeValueKind.Boolean:
                WriteBoolean(writer, field, key, value.Boolean);
                break;
            case AttributeValueKind.Int64:
                WriteInteger(writer, field, key, value.Int64);
                break;
            case AttributeValueKind.Double:
                WriteDouble(writer, field, key, value.Double);
                break;
            case AttributeValueKind.String:
                WriteString(writer, field, key, value.String, isDecodedAgain);
                break;
            case AttributeValueKind.Json:
                WriteJson(writer, field, key, value.Json, isDecodedAgain);
                break;
            default:
                WriteNull(writer, field, key);
                break;
        }
    }

    private static void WriteBoolean(ProtobufWriter writer, int field, string key, bool value)
    {
        BeginPair(writer, field, key, 2);
        writer.WriteVarint(AnyBool, value ? 1UL : 0UL);
    }

    private static void WriteInteger(ProtobufWriter writer, int field, string key, long value)
    {
        BeginPair(writer, field, key, 1 + ProtobufWriter.VarintSize((ulong)value));
        writer.WriteVarint(AnyInt, (ulong)value);
    }

    private static void WriteDouble(ProtobufWriter writer, int field, string key, double value)
    {
        BeginPair(writer, field, key, 1 + sizeof(double));
        writer.WriteFixed64(AnyDouble, BitConverter.DoubleToUInt64Bits(value));
    }

    /// <summary>JSON null is an <c>AnyValue</c> with nothing set.</summary>
    private static void WriteNull(ProtobufWriter writer, int field, string key) => BeginPair(writer, field, key, 0);

    /// <summary>
    /// Objects and arrays travel as JSON text, which servers decode; as a kvlist, an empty object or array would come back as null
    /// (seen with MLflow 3.6). Scalars travel as themselves.
    /// </summary>
    private static void WriteJson(ProtobufWriter writer, int field, string key, ReadOnlySpan<byte> json, bool isDecodedAgain)
    {
        if (json is [(byte)'{' or (byte)'[', ..])
        {
            WriteText(writer, field, key, json);
            return;
        }

        var reader = new Utf8JsonReader(json, AttributeJson.ReaderOptions);
        try
        {
            reader.Read();
            switch (reader.TokenType)
            {
                case JsonTokenType.String:
                    WriteString(writer, field, key, reader.GetString()!, isDecodedAgain);
                    break;
                case JsonTokenType.Number when reader.TryGetInt64(out var number):
                    WriteInteger(writer, field, key, number);
                    break;
                case JsonTokenType.Number when reader.TryGetDouble(out var number) && double.IsFinite(number):
                    WriteDouble(writer, field, key, number);
                    break;
                case JsonTokenType.True:
                case JsonTokenType.False:
                    WriteBoolean(writer, field, key, reader.TokenType == JsonTokenType.True);
                    break;
                case JsonTokenType.Null:
                    WriteNull(writer, field, key);
                    break;
                default:
                    WriteText(writer, field, key, json);
                    break;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON after all: one span must not take the batch with it.
            WriteString(writer, field, key, Encoding.UTF8.GetString(json), isDecodedAgain);
        }
    }

    /// <summary>
    /// A server removes one layer of JSON from a span attribute's text (not from an event's). Text that could be read as JSON
    /// therefore gets a layer more, and arrives as the text that it was.
    /// </summary>
    private static void WriteString(ProtobufWriter writer, int field, string key, string value, bool isDecodedAgain)
    {
        if (isDecodedAgain && AttributeJson.CouldBeStructure(value))
        {
            WriteText(writer, field, key, AttributeJson.Quote(value));
        }
        else
        {
            WriteText(writer, field, key, value);
        }
    }
}
