using System.Globalization;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Ui.Noticing;

namespace MLflow.Server.Ui.Overview;

/// <summary>
/// Reads how models used their tools. What was offered and asked for stands in the contents of calls, of which no figures are kept: those of the newest traces are read.
/// </summary>
internal sealed class ToolUseReader(ITraceStore traces, TimeProvider clock)
{
    /// <summary>Traces that are read. Their ids fit into the address of a list.</summary>
    public const int MostTraces = 100;

    // What is not read by then is left out: the page waits for it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <param name="query">The time.</param>
    /// <param name="before">What was read earlier; traces that have not changed since are not read again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null where the traces could not be found in time.</returns>
    public async Task<ToolHabits?> ReadAsync(OverviewQuery query, ToolHabits? before, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        var known = (before?.Uses ?? []).ToDictionary(use => use.TraceId, StringComparer.Ordinal);
        List<ToolUse>? uses = null;
        try
        {
            var page = await traces.SearchAsync(Newest(query), either.Token).ConfigureAwait(false);
            uses = [];
            foreach (var info in page.Traces.Where(info => !info.Metadata.ContainsKey(TraceKeys.Archived)))
            {
                uses.Add(known.TryGetValue(info.TraceId, out var use) && use.Facts == info.Facts ? use : ToolUse.Of(info, await CallsAsync(info, either.Token).ConfigureAwait(false)));
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The newest of them are read.
        }
        catch (MlflowException e) when (e.ErrorCode is ErrorCode.BAD_REQUEST or ErrorCode.PERMISSION_DENIED)
        {
            // It took too long, or may not be read any more: the other figures stand.
        }

        return uses is null ? null : new ToolHabits(uses);
    }

    private static TraceQuery Newest(OverviewQuery query) => new()
    {
        ExperimentIds = [query.ExperimentId],
        Filter = string.Create(CultureInfo.InvariantCulture, $"span.type IN ('{SpanType.ChatModel}', '{SpanType.Llm}') AND timestamp_ms >= {query.StartMs} AND timestamp_ms < {query.EndMs}"),
        PageSize = MostTraces,
    };

    // Of a long trace its last calls, which are those that the page of the trace tells of, too.
    private async Task<IReadOnlyList<SpanRecord>> CallsAsync(TraceInfo info, CancellationToken cancellationToken)
    {
        if (info.Facts.SpanCount <= Notices.MostCallsRead)
        {
            return await traces.GetSpansAsync(info.TraceId, cancellationToken).ConfigureAwait(false);
        }

        var skeleton = await traces.GetSkeletonAsync(info.TraceId, cancellationToken).ConfigureAwait(false);
        var calls = skeleton.Where(span => span.Type is SpanType.ChatModel or SpanType.Llm).OrderBy(span => span.StartNs).TakeLast(Notices.MostCallsRead);
        return await traces.GetSpansAsync(info.TraceId, [.. calls.Select(span => span.SpanId)], cancellationToken).ConfigureAwait(false);
    }
}
