using System.Globalization;
using System.IO.Compression;
using Google.Protobuf;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Otlp;

/// <summary>
/// Spans of an archived trace as OTLP's TracesData, compressed with gzip: what any receiver of OTLP takes as it is. As MLflow's clients do, values that are neither
/// truth values nor whole numbers are the text of their JSON, so that nothing of them changes.
/// </summary>
internal sealed class OtlpArchive : IArchiveFormat
{
    public byte[] Write(IReadOnlyList<SpanRecord> spans)
    {
        var data = new ExportTraceServiceRequest();
        foreach (var span in spans)
        {
            // Few spans of a trace share all of it; gzip folds what is alike.
            var scope = new ScopeSpans
            {
                Scope = new InstrumentationScope { Name = span.ScopeName ?? "", Version = span.ScopeVersion ?? "", Attributes = { Attributes(span.ScopeAttributes) } },
                SchemaUrl = span.SchemaUrl ?? "",
                Spans = { Convert(span) },
            };
            data.ResourceSpans.Add(new ResourceSpans { Resource = new Resource { Attributes = { Attributes(span.Resource) } }, ScopeSpans = { scope } });
        }

        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal))
        {
            data.WriteTo(gzip);
        }

        return bytes.ToArray();
    }

    public IReadOnlyList<SpanRecord> Read(string traceId, byte[] content)
    {
        try
        {
            using var gzip = new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
            var data = ExportTraceServiceRequest.Parser.ParseFrom(gzip);
            return [.. from resource in data.ResourceSpans from scope in resource.ScopeSpans from span in scope.Spans select Convert(traceId, resource, scope, span)];
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException($"the archive of the trace cannot be read ({e.Message.TrimEnd('.')})", e);
        }
    }

    private static Span Convert(SpanRecord span) => new()
    {
        TraceId = Bytes(span.OtelTraceId),
        SpanId = Bytes(span.SpanId),
        ParentSpanId = span.ParentSpanId is { } parent ? Bytes(parent) : ByteString.Empty,
        Name = span.Name,
        TraceState = span.TraceState ?? "",
        Kind = KindOf(span.Kind),
        StartTimeUnixNano = (ulong)span.StartNs,
        EndTimeUnixNano = (ulong)(span.EndNs ?? 0),
        Status = new Status
        {
            Code = span.Status switch
            {
                SpanStatus.Ok => Status.Types.StatusCode.Ok,
                SpanStatus.Error => Status.Types.StatusCode.Error,
                _ => Status.Types.StatusCode.Unset,
            },
            Message = span.StatusMessage ?? "",
        },
        Attributes = { Attributes(span.Attributes) },
        Events = { span.Events.Select(e => new Span.Types.Event { Name = e.Name, TimeUnixNano = (ulong)e.TimeNs, Attributes = { Attributes(e.Attributes) } }) },
        Links = { span.Links.Select(link => new Span.Types.Link { TraceId = Bytes(link.OtelTraceId), SpanId = Bytes(link.SpanId), Attributes = { Attributes(link.Attributes) } }) },
    };

    private static SpanRecord Convert(string traceId, ResourceSpans resource, ScopeSpans scope, Span span) => new()
    {
        TraceId = traceId,
        OtelTraceId = Hex(span.TraceId),
        SpanId = Hex(span.SpanId),
        ParentSpanId = span.ParentSpanId.IsEmpty ? null : Hex(span.ParentSpanId),
        Name = span.Name,
        Type = SpanType.Unknown,
        StartNs = (long)span.StartTimeUnixNano,
        EndNs = span.EndTimeUnixNano == 0 ? null : (long)span.EndTimeUnixNano,
        TraceState = Text(span.TraceState),
        Kind = span.Kind == Span.Types.SpanKind.Unspecified ? null : span.Kind.ToString().ToUpperInvariant(),
        Attributes = Json(span.Attributes),
        Events = [.. span.Events.Select(e => new SpanEventRecord(e.Name, (long)e.TimeUnixNano, Json(e.Attributes)))],
        Links = [.. span.Links.Select(link => new SpanLinkRecord(Hex(link.TraceId), Hex(link.SpanId), Json(link.Attributes)))],
        Resource = Json(resource.Resource?.Attributes ?? []),
        ScopeName = Text(scope.Scope?.Name),
        ScopeVersion = Text(scope.Scope?.Version),
        ScopeAttributes = Json(scope.Scope?.Attributes ?? []),
        SchemaUrl = Text(scope.SchemaUrl),
    };

    private static IEnumerable<KeyValue> Attributes(IReadOnlyList<KeyValuePair<string, string>> attributes) =>
        attributes.Select(attribute => new KeyValue { Key = attribute.Key, Value = ValueOf(attribute.Value) });

    private static AnyValue ValueOf(string json) => json switch
    {
        "true" or "false" => new AnyValue { BoolValue = json == "true" },
        _ when long.TryParse(json, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number.ToString(CultureInfo.InvariantCulture) == json => new AnyValue { IntValue = number },
        _ => new AnyValue { StringValue = json },
    };

    private static List<KeyValuePair<string, string>> Json(IReadOnlyCollection<KeyValue> attributes) =>
        [.. attributes.Select(attribute => KeyValuePair.Create(attribute.Key, attribute.Value?.ValueCase == AnyValue.ValueOneofCase.StringValue ? attribute.Value.StringValue : AnyValueJson.Text(attribute.Value)))];

    private static Span.Types.SpanKind KindOf(string? kind) => Enum.TryParse<Span.Types.SpanKind>(kind, ignoreCase: true, out var known) ? known : Span.Types.SpanKind.Unspecified;

    private static ByteString Bytes(string hex) => ByteString.CopyFrom(System.Convert.FromHexString(hex));

    private static string Hex(ByteString bytes) => System.Convert.ToHexStringLower(bytes.Span);

    private static string? Text(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
