using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage;

/// <summary>Figures over many traces. Nothing is stored for them: they are of the traces as they are now.</summary>
internal interface ITraceAnalysis
{
    /// <summary>A page of points, ordered by time and dimensions; groups that lack a dimension or any value are left out.</summary>
    Task<IReadOnlyList<MetricPoint>> QueryAsync(MetricQuery query, CancellationToken cancellationToken);

    /// <summary>Counts the traces that each filter finds among those that the base filter finds. Each filter stands for itself: spans that they speak of need not be the same.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: a filter is wrong.</exception>
    Task<FilterCounts> CountAsync(IReadOnlyList<long> experimentIds, string? baseFilter, string first, string second, CancellationToken cancellationToken);

    /// <summary>What happened in an experiment over a time.</summary>
    /// <exception cref="MlflowException">BAD_REQUEST: it took too long.</exception>
    Task<Overview> OverviewAsync(OverviewQuery query, CancellationToken cancellationToken);

    /// <summary>How many traces began when.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the filter is wrong. BAD_REQUEST: it took too long.</exception>
    Task<TraceHistogram> HistogramAsync(HistogramQuery query, CancellationToken cancellationToken);

    /// <summary>A page of sessions.</summary>
    /// <exception cref="MlflowException">BAD_REQUEST: it took too long.</exception>
    Task<IReadOnlyList<SessionSummary>> SessionsAsync(SessionQuery query, CancellationToken cancellationToken);
}
