using System.Text.Json;
using MLflow.Cli.Traces.Parquet;

namespace MLflow.Cli.Traces.Import;

/// <summary>A piece of an import, read.</summary>
internal sealed class ImportPiece : IDisposable
{
    private readonly JsonDocument _document;

    /// <param name="document">Its JSON, which the piece disposes.</param>
    /// <param name="traces">Its traces; null for an OTLP request.</param>
    private ImportPiece(JsonDocument document, IReadOnlyList<TraceDocument>? traces)
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

    /// <param name="line">A trace, an answer of the API with traces, or an OTLP request; all as JSON. It must stay as it is until the piece is disposed.</param>
    /// <param name="takesRequests">Whether the target takes OTLP requests.</param>
    /// <exception cref="FormatException">It is none of them, or a request that the target does not take.</exception>
    public static ImportPiece Read(ReadOnlyMemory<byte> line, bool takesRequests)
    {
        var document = Parse(line);
        try
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("resourceSpans", out _))
            {
                return new ImportPiece(document, TraceDocument.ReadAll(root));
            }

            return takesRequests
                ? new ImportPiece(document, null)
                : throw new FormatException("it is an OTLP request, which has spans alone, and an experiment of a Databricks workspace takes whole traces: export them with --format mlflow");
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    public void Dispose() => _document.Dispose();

    private static JsonDocument Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            return JsonDocument.Parse(line, TraceDocument.ReaderOptions);
        }
        catch (JsonException e)
        {
            throw new FormatException(line.Span.StartsWith(ParquetTraceLines.Magic)
                ? "it is Parquet, which is read from its end: give the file with --file"
                : $"it is not a whole JSON value ({e.Message}); each line must be one, as 'jq -c .' writes them", e);
        }
    }

    private static IEnumerable<JsonElement> Spans(JsonElement request) =>
        ApiJson.Items(request, "resourceSpans").SelectMany(resource => ApiJson.Items(resource, "scopeSpans")).SelectMany(scope => ApiJson.Items(scope, "spans"));
}
