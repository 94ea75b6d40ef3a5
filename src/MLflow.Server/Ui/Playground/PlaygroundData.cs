using MLflow.Server.Gateway;
using MLflow.Server.Storage;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Playground;

/// <summary>A recorded call that is done again.</summary>
/// <param name="Call">The trace and the span.</param>
/// <param name="Span">What was recorded; null where there is no such span, or not for this reader.</param>
internal sealed record PlaygroundData(ReplayedCall? Call, SpanView? Span)
{
    public static readonly PlaygroundData None = new(null, null);

    /// <summary>What the model answered then; null where that was not recorded.</summary>
    public string? Answer => Span is { } span && MessageReader.Outputs(span.Outputs) is { Count: > 0 } said ? StreamedAnswer.Said(said) : null;

    /// <summary>Whether only the beginnings of images, audio or files are recorded of what was asked.</summary>
    public bool HasCutMedia => TolerantJson.Parse(Span?.Record[AttributeNames.Media]).Items().Any(media => media.Text("path")?.StartsWith("inputs", StringComparison.Ordinal) == true);

    /// <summary>The endpoint that it went through, if it did.</summary>
    public string? Endpoint => TolerantJson.Unquote(Span?.Record[AttributeNames.Endpoint]);

    /// <param name="traces">Those that the reader may see.</param>
    /// <param name="traceId">The trace.</param>
    /// <param name="spanId">The span; null for the last call of a model.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<PlaygroundData> ReadAsync(ITraceStore traces, string traceId, string? spanId, CancellationToken cancellationToken)
    {
        try
        {
            var recorded = string.IsNullOrEmpty(spanId) ? await traces.GetSpansAsync(traceId, cancellationToken) : await traces.GetSpansAsync(traceId, [spanId], cancellationToken);
            var spans = recorded.Select(span => new SpanView(span, span.StartNs)).Where(span => !string.IsNullOrEmpty(spanId) || PlaygroundRequest.IsOne(span)).OrderBy(span => span.Record.StartNs).ToList();
            return spans.Count == 0 ? None : new PlaygroundData(new ReplayedCall(traceId, spans[^1].Record.OtelTraceId, spans[^1].Record.SpanId), spans[^1]);
        }
        catch (MlflowException e) when (e.ErrorCode is ErrorCode.PERMISSION_DENIED or ErrorCode.RESOURCE_DOES_NOT_EXIST)
        {
            // What somebody may not see is not there for them.
            return None;
        }
    }
}
