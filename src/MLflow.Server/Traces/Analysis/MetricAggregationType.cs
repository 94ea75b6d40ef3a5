namespace MLflow.Server.Traces.Analysis;

/// <summary>How values become one, in the numbers of MLflow's <c>AggregationType</c> enum.</summary>
internal enum MetricAggregationType
{
    Count = 1,
    Sum = 2,
    Avg = 3,
    Percentile = 4,
    Min = 5,
    Max = 6,
}
