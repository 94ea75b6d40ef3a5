using System.Globalization;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Access.Guards;

/// <summary>
/// Lets each caller do with traces what they may. What is sent for a trace that is stored already concerns the experiment that it is in as well as the one that
/// is named. Infos can be read for sending, too: the calls that end a trace need the start of it.
/// </summary>
internal sealed class GuardedTraceStore : ITraceStore
{
    private readonly ITraceStore _traces;
    private readonly IRunStore _runs;
    private readonly CurrentCaller _caller;
    private readonly AuditLog _audit;

    public GuardedTraceStore(UnguardedStores stores, CurrentCaller caller, AuditLog audit)
    {
        (_traces, _runs) = (stores.Traces, stores.Runs);
        _caller = caller;
        _audit = audit;
    }

    public async Task WriteAsync(TraceBatch batch, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        if (!caller.IsAdministrator)
        {
            var traceIds = batch.Spans.Select(span => span.TraceId).Concat(batch.Infos.Select(info => info.TraceId)).Distinct().ToList();
            var stored = await _traces.GetExperimentsAsync(traceIds, cancellationToken).ConfigureAwait(false);
            var ofSpans = batch.Spans.Select(span => stored.TryGetValue(span.TraceId, out var experimentId) ? experimentId : batch.ExperimentOf(span.TraceId));
            foreach (var experimentId in ofSpans.Concat(batch.Infos.Select(info => info.ExperimentId)).Concat(stored.Values).Distinct())
            {
                caller.Require(ExperimentRights.Ingest, experimentId);
            }
        }

        await _traces.WriteAsync(batch, cancellationToken).ConfigureAwait(false);
    }

    // Records whose span has not come yet belong to no experiment; only who knows the ids of a span can write some for it.
    public async Task WriteLogsAsync(IReadOnlyList<SpanLogRecord> logs, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        if (!caller.IsAdministrator)
        {
            var otelTraceIds = logs.Select(log => log.OtelTraceId).Distinct().ToList();
            foreach (var experimentId in await _traces.GetExperimentsOfOtelAsync(otelTraceIds, cancellationToken).ConfigureAwait(false))
            {
                caller.Require(ExperimentRights.Ingest, experimentId);
            }
        }

        await _traces.WriteLogsAsync(logs, cancellationToken).ConfigureAwait(false);
    }

    public async Task<RemapResult> RemapAsync(CancellationToken cancellationToken)
    {
        await RequireAdministratorAsync().ConfigureAwait(false);
        return await _traces.RemapAsync(cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyDictionary<string, long>> GetExperimentsAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Read | ExperimentRights.Ingest, traceIds, cancellationToken).ConfigureAwait(false);
        return await _traces.GetExperimentsAsync(traceIds, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<long>> GetExperimentsOfOtelAsync(IReadOnlyList<string> otelTraceIds, CancellationToken cancellationToken)
    {
        await RequireAdministratorAsync().ConfigureAwait(false);
        return await _traces.GetExperimentsOfOtelAsync(otelTraceIds, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<TraceInfo>> GetInfosAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Read | ExperimentRights.Ingest, traceIds, cancellationToken).ConfigureAwait(false);
        return await _traces.GetInfosAsync(traceIds, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string>> FindBySpanAsync(string spanId, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        var found = await _traces.FindBySpanAsync(spanId, cancellationToken).ConfigureAwait(false);
        var experiments = await _traces.GetExperimentsAsync(found, cancellationToken).ConfigureAwait(false);
        return [.. found.Where(traceId => experiments.TryGetValue(traceId, out var experimentId) && caller.May(ExperimentRights.Read, experimentId))];
    }

    public async Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Read, [traceId], cancellationToken).ConfigureAwait(false);
        return await _traces.GetSpansAsync(traceId, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<SpanRecord>> GetSpansAsync(string traceId, IReadOnlyCollection<string> spanIds, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Read, [traceId], cancellationToken).ConfigureAwait(false);
        return await _traces.GetSpansAsync(traceId, spanIds, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<SpanRecord>> GetSkeletonAsync(string traceId, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Read, [traceId], cancellationToken).ConfigureAwait(false);
        return await _traces.GetSkeletonAsync(traceId, cancellationToken).ConfigureAwait(false);
    }

    public async Task<TracePage> SearchAsync(TraceQuery query, CancellationToken cancellationToken)
    {
        var readable = ExperimentIds.Readable(await _caller.GetAsync().ConfigureAwait(false), query.ExperimentIds);
        return await _traces.SearchAsync(query with { ExperimentIds = readable }, cancellationToken).ConfigureAwait(false);
    }

    public async Task<int> CountAsync(TraceQuery query, int limit, CancellationToken cancellationToken)
    {
        var readable = ExperimentIds.Readable(await _caller.GetAsync().ConfigureAwait(false), query.ExperimentIds);
        return await _traces.CountAsync(query with { ExperimentIds = readable }, limit, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<string>> DeleteAsync(TraceDeletion deletion, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Edit, deletion.ExperimentId).ConfigureAwait(false);
        var deleted = await _traces.DeleteAsync(deletion, cancellationToken).ConfigureAwait(false);
        var target = string.Create(
            CultureInfo.InvariantCulture,
            $"experiment {deletion.ExperimentId}: {(deletion.TraceIds is { } ids ? string.Join(' ', ids) : $"until {deletion.MaxTimestampMs}")}");
        await _audit.WriteAsync(await _caller.ActorAsync().ConfigureAwait(false), AuditAction.DeleteTraces, target, deleted.Count.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        return deleted;
    }

    public async Task LinkToRunAsync(IReadOnlyList<string> traceIds, string runId, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, traceIds, cancellationToken).ConfigureAwait(false);
        if (await _runs.GetAsync(runId, cancellationToken).ConfigureAwait(false) is { } run)
        {
            await _caller.RequireAsync(ExperimentRights.Edit, run.ExperimentId).ConfigureAwait(false);
        }

        await _traces.LinkToRunAsync(traceIds, runId, cancellationToken).ConfigureAwait(false);
    }

    // Part of what clients send of a trace.
    public async Task LinkPromptsAsync(string traceId, IReadOnlyList<PromptVersion> prompts, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Ingest, [traceId], cancellationToken).ConfigureAwait(false);
        await _traces.LinkPromptsAsync(traceId, prompts, cancellationToken).ConfigureAwait(false);
    }

    public async Task SetTagAsync(string traceId, string key, string value, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, [traceId], cancellationToken).ConfigureAwait(false);
        await _traces.SetTagAsync(traceId, key, value, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteTagAsync(string traceId, string key, CancellationToken cancellationToken)
    {
        await RequireAsync(ExperimentRights.Edit, [traceId], cancellationToken).ConfigureAwait(false);
        await _traces.DeleteTagAsync(traceId, key, cancellationToken).ConfigureAwait(false);
    }

    private async Task RequireAdministratorAsync()
    {
        if (!(await _caller.GetAsync().ConfigureAwait(false)).IsAdministrator)
        {
            throw new MlflowException(ErrorCode.PERMISSION_DENIED, "Permission denied: this is for the server itself and for administrators.");
        }
    }

    // Traces that do not exist are nobody's: what is done with them finds nothing.
    private async Task RequireAsync(ExperimentRights anyOf, IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        var caller = await _caller.GetAsync().ConfigureAwait(false);
        if (!caller.IsAdministrator)
        {
            foreach (var experimentId in (await _traces.GetExperimentsAsync(traceIds, cancellationToken).ConfigureAwait(false)).Values.Distinct())
            {
                caller.Require(anyOf, experimentId);
            }
        }
    }
}
