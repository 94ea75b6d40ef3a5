namespace MLflow;

/// <summary>
/// Puts an OTLP <c>ExportTraceServiceRequest</c> together from spans that are encoded already: one resource, one scope. Field numbers are those of
/// opentelemetry-proto 1.7 (collector/trace/v1/trace_service.proto, trace/v1/trace.proto, resource/v1/resource.proto).
/// </summary>
internal sealed class OtlpRequest : IDisposable
{
    private const int RequestResourceSpans = 1;
    private const int ResourceSpansResource = 1;
    private const int ResourceSpansScopeSpans = 2;
    private const int ResourceAttributes = 1;
    private const int ScopeSpansScope = 1;
    private const int ScopeSpansSpans = 2;
    private const int ScopeName = 1;
    private const int ScopeVersion = 2;
    private const string ServiceName = "service.name";

    private readonly ProtobufWriter _writer;
    private int _resourceSpans;
    private int _scopeSpans;

    /// <param name="capacity">Bytes for which there is room at first.</param>
    public OtlpRequest(int capacity = 16 << 10) => _writer = new ProtobufWriter(capacity);

    /// <summary>Spans in the request.</summary>
    public int SpanCount { get; private set; }

    /// <summary>Bytes of the request so far.</summary>
    public int Size => _writer.Position;

    public void Dispose() => _writer.Dispose();

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

    public void Add(ReadOnlySpan<byte> span)
    {
        _writer.WriteBytes(ScopeSpansSpans, span);
        SpanCount++;
    }

    /// <summary>Adds a span and with it more attributes, which are text.</summary>
    public void Add(ReadOnlySpan<byte> span, IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        var message = _writer.BeginMessage(ScopeSpansSpans);
        _writer.Write(span);
        foreach (var (key, value) in attributes)
        {
            OtlpSpanWriter.WriteText(_writer, OtlpSpanWriter.SpanAttributes, key, value);
        }

        _writer.EndMessage(message);
        SpanCount++;
    }

    /// <summary>Adds a span and with it the facts of its trace.</summary>
    public void Add(ReadOnlySpan<byte> span, EncodedFacts facts, string experimentId)
    {
        var message = _writer.BeginMessage(ScopeSpansSpans);
        _writer.Write(span);
        var pair = _writer.BeginMessage(OtlpSpanWriter.SpanAttributes);
        _writer.WriteString(OtlpSpanWriter.KeyValueKey, TraceFactsFeature.Attribute);
        var any = _writer.BeginMessage(OtlpSpanWriter.KeyValueValue);
        var text = _writer.BeginMessage(OtlpSpanWriter.AnyString);
        facts.WriteTo(_writer, experimentId);
        _writer.EndMessage(text);
        _writer.EndMessage(any);
        _writer.EndMessage(pair);
        _writer.EndMessage(message);
        SpanCount++;
    }

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
        OtlpSpanWriter.WriteText(writer, ResourceAttributes, "telemetry.sdk.language", "dotnet");
        OtlpSpanWriter.WriteText(writer, ResourceAttributes, "telemetry.sdk.name", "mlflow");
        OtlpSpanWriter.WriteText(writer, ResourceAttributes, "telemetry.sdk.version", SdkInfo.Version);
        if (ProcessSource.ServiceName is { } serviceName)
        {
            OtlpSpanWriter.WriteText(writer, ResourceAttributes, ServiceName, serviceName);
        }

        foreach (var (key, value) in ProcessSource.ResourceAttributes)
        {
            // What we say of ourselves goes first.
            if (!key.StartsWith("telemetry.sdk.", StringComparison.Ordinal) && !(key == ServiceName && ProcessSource.ServiceName is not null))
            {
                OtlpSpanWriter.WriteText(writer, ResourceAttributes, key, value);
            }
        }

        writer.EndMessage(resource);
    }
}
