using System.Text.Json;

namespace MLflow.Cli.Traces.Import;

/// <summary>A piece of an import, read.</summary>
internal sealed class ImportPiece : IDisposable
{
    private readonly JsonDocument _document;

    /// <param name="document">Its JSON, which the piece disposes.</param>
    /// <param name="traces">Its traces; null for an OTLP request.</param>
    public ImportPiece(JsonDocument document, IReadOnlyList<TraceDocument>? traces)
    {
        _document = document;
        Traces = traces;
        TraceIds = (traces?.Select(trace => StoredSpan.HexTraceId(trace.TraceId[(trace.TraceId.IndexOf('-', StringComparison.Ordinal) + 1)..]) ?? trace.TraceId)
            ?? Spans(document.RootElement).Select(span => StoredSpan.HexTraceId(ApiJson.Text(span, "traceId"))).OfType<string>()).ToHashSet();
    }

    public JsonElement Root => _document.RootElement;

    public IReadOnlyList<TraceDocument>? Traces { get; }

    /// <summary>The traces that it speaks of, each once, without the prefix of their ids.</summary>
    public IReadOnlySet<string> TraceIds { get; }

    public void Dispose() => _document.Dispose();

    private static IEnumerable<JsonElement> Spans(JsonElement request) =>
        ApiJson.Items(request, "resourceSpans").SelectMany(resource => ApiJson.Items(resource, "scopeSpans")).SelectMany(scope => ApiJson.Items(scope, "spans"));
}
