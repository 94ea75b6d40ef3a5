namespace MLflow.Server.Traces.Analysis;

/// <summary>A checked query of metrics (MLflow's QueryTraceMetrics).</summary>
internal sealed record MetricQuery
{
    public const int MaxPageSize = 10_000;

    /// <summary>Aggregations of one query; each percentile holds the values of its group in memory.</summary>
    public const int MaxAggregations = 20;

    public required IReadOnlyList<long> ExperimentIds { get; init; }

    public required MetricView View { get; init; }

    /// <summary>A name that <see cref="MetricCatalog"/> has for the view.</summary>
    public required string Metric { get; init; }

    public required IReadOnlyList<MetricAggregation> Aggregations { get; init; }

    public IReadOnlyList<string> Dimensions { get; init; } = [];

    public IReadOnlyList<MetricFilter> Filters { get; init; } = [];

    /// <summary>Length of a bucket of time; null for all time together.</summary>
    public long? IntervalSeconds { get; init; }

    /// <summary>Traces that started then or later, in milliseconds since the Unix epoch.</summary>
    public long? StartMs { get; init; }

    /// <summary>Traces that started then or earlier.</summary>
    public long? EndMs { get; init; }

    public int PageSize { get; init; } = 1000;

    public int Offset { get; init; }
}
