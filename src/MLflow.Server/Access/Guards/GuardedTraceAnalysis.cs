using MLflow.Server.Storage;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Access.Guards;

/// <summary>Figures over the traces that the caller may read.</summary>
internal sealed class GuardedTraceAnalysis : ITraceAnalysis
{
    private readonly ITraceAnalysis _analysis;
    private readonly CurrentCaller _caller;

    public GuardedTraceAnalysis(UnguardedStores stores, CurrentCaller caller)
    {
        _analysis = stores.Analysis;
        _caller = caller;
    }

    public async Task<IReadOnlyList<MetricPoint>> QueryAsync(MetricQuery query, CancellationToken cancellationToken)
    {
        var readable = ExperimentIds.Readable(await _caller.GetAsync().ConfigureAwait(false), query.ExperimentIds);
        return await _analysis.QueryAsync(query with { ExperimentIds = readable }, cancellationToken).ConfigureAwait(false);
    }

    public async Task<FilterCounts> CountAsync(IReadOnlyList<long> experimentIds, string? baseFilter, string first, string second, CancellationToken cancellationToken)
    {
        var readable = ExperimentIds.Readable(await _caller.GetAsync().ConfigureAwait(false), experimentIds);
        return await _analysis.CountAsync(readable, baseFilter, first, second, cancellationToken).ConfigureAwait(false);
    }

    public async Task<Overview> OverviewAsync(OverviewQuery query, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Read, query.ExperimentId).ConfigureAwait(false);
        return await _analysis.OverviewAsync(query, cancellationToken).ConfigureAwait(false);
    }

    public async Task<TraceHistogram> HistogramAsync(HistogramQuery query, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Read, query.ExperimentId).ConfigureAwait(false);
        return await _analysis.HistogramAsync(query, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<SessionSummary>> SessionsAsync(SessionQuery query, CancellationToken cancellationToken)
    {
        await _caller.RequireAsync(ExperimentRights.Read, query.ExperimentId).ConfigureAwait(false);
        return await _analysis.SessionsAsync(query, cancellationToken).ConfigureAwait(false);
    }
}
