using System.Text.Json;

namespace MLflow;

/// <summary>
/// Encodes spans as an OTLP <c>ExportTraceServiceRequest</c>: one resource, one scope. Field numbers are those of opentelemetry-proto 1.7
/// (trace/v1/trace.proto, common/v1/common.proto).
/// </summary>
internal sealed class OtlpTraceEncoder : IDisposable
{
    private const int RequestResourceSpans = 1;
    private const int ResourceSpansResource = 1;
    private const int ResourceSpansScopeSpans = 2;
    private const int ResourceAttributes = 1;
    private const int ScopeSpansScope = 1;
    private const int ScopeSpansSpans = 2;
    private const int ScopeName = 1;
    private const int ScopeVersion = 2;
    private const int SpanTraceId = 1;
    private const int SpanSpanId = 2;
    private const int SpanParentSpanId = 4;
    private const int SpanName = 5;
    private const int SpanStart = 7;
    private const int SpanEnd = 8;
    private const int SpanAttributes = 9;
    private const int SpanEvents = 11;
    private const int SpanStatus = 15;
    private const int EventTime = 1;
    private const int EventName = 2;
    private const int EventAttributes = 3;
    private const int StatusMessage = 2;
    private const int StatusCode = 3;
    private const int KeyValueKey = 1;
    private const int KeyValueValue = 2;
    private const int AnyString = 1;
    private const int AnyBool = 2;
    private const int AnyInt = 3;
    private const int AnyDouble = 4;

    private readonly ProtobufWriter _writer = new();
    private Utf8JsonWriter? _json;
    private int _resourceSpans;
    private int _scopeSpans;
    private int _span;

    /// <summary>Spans in the request.</summary>
    public int SpanCount { get; private set; }

    /// <summary>Bytes of the request so far.</summary>
    public int Size => _writer.Position;

    public void Dispose()
    {
        _json?.Dispose();
        _writer.Dispose();
    }

    /// <summary>Begins a request; what was there before is gone.</summary>
    public void Begin()
    {
        _writer.Clear();
        SpanCount = 0;
        _resourceSpans = _writer.BeginMessage(RequestResourceSpans);
        WriteResource(_writer);
        _scopeSpans = _writer.BeginMessage(ResourceSpansScopeSpans);
        var scope = _writer.BeginMessage(ScopeSpansScope);
        _writer.WriteString(ScopeName, SdkInfo.Name);
        _writer.WriteString(ScopeVersion, SdkInfo.Version);
        _writer.EndMessage(scope);
    }

    /// <summary>Encodes a span that has ended; <see cref="EndSpan"/> follows.</summary>
    /// <returns>Its encoded size.</returns>
    public int BeginSpan(LiveSpan span)
    {
        var start = _writer.Position;
        _span = _writer.BeginMessage(ScopeSpansSpans);
        WriteSpan(_writer, span);
        SpanCount++;
        return _writer.Position - start;
    }

    /// <summary>Adds the facts of the trace to its span that has begun.</summary>
    public void WriteFacts(ActiveTrace trace, string experimentId)
    {
        var pair = _writer.BeginMessage(SpanAttributes);
        _writer.WriteString(KeyValueKey, TraceFactsFeature.Attribute);
        var any = _writer.BeginMessage(KeyValueValue);
        var text = _writer.BeginMessage(AnyString);
        if (_json is null)
        {
            _json = new Utf8JsonWriter(_writer, AttributeJson.WriterOptions);
        }
        else
        {
            _json.Reset(_writer);
        }

        TraceInfoWriter.Write(_json, trace, experimentId, isWhole: false);
        _json.Flush();
        _writer.EndMessage(text);
        _writer.EndMessage(any);
        _writer.EndMessage(pair);
    }

    public void EndSpan() => _writer.EndMessage(_span);

    /// <summary>Ends the request.</summary>
    /// <returns>Its bytes, until the next one begins.</returns>
    public ReadOnlyMemory<byte> End()
    {
        _writer.EndMessage(_scopeSpans);
        _writer.EndMessage(_resourceSpans);
        return _writer.Written;
    }

    private static void WriteResource(ProtobufWriter writer)
    {
        var resource = writer.BeginMessage(ResourceSpansResource);
        WriteText(writer, ResourceAttributes, "telemetry.sdk.language", "dotnet");
        WriteText(writer, ResourceAttributes, "telemetry.sdk.name", "mlflow");
        WriteText(writer, ResourceAttributes, "telemetry.sdk.version", SdkInfo.Version);
        if (ProcessSource.ServiceName is { } serviceName)
        {
            WriteText(writer, ResourceAttributes, "service.name", serviceName);
        }

        writer.EndMessage(resource);
    }

    private static void WriteSpan(ProtobufWriter writer, LiveSpan span)
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

        writer.WriteString(SpanName, span.Name);
        writer.WriteFixed64(SpanStart, (ulong)span.StartNs);
        writer.WriteFixed64(SpanEnd, (ulong)span.EndNs);

        // Plain, never as JSON: a server takes the value verbatim as the trace's id.
        WriteText(writer, SpanAttributes, AttributeNames.TraceRequestId, span.TraceId);
        WriteAttribute(writer, SpanAttributes, AttributeNames.SpanType, AttributeValue.FromString(span.SpanType), isDecodedAgain: true);
        foreach (var (key, value) in span.EndedAttributes)
        {
            if (key is not (AttributeNames.TraceRequestId or AttributeNames.SpanType or TraceFactsFeature.Attribute))
            {
                WriteAttribute(writer, SpanAttributes, key, value, isDecodedAgain: true);
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

        WriteStatus(writer, span);
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

    private static void WriteText(ProtobufWriter writer, int field, string key, string value)
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
