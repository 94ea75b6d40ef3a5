namespace MLflow.Server.Traces.Analysis;

/// <summary>How many traces began when.</summary>
/// <param name="Buckets">By the number of the piece of time, from 0; one without traces is missing.</param>
/// <param name="Worst">The piece with the most failures and what most of them had in common; null where nothing failed, and where a filter was given, only how many.</param>
public sealed record TraceHistogram(IReadOnlyDictionary<int, HistogramBucket> Buckets, FailureCluster? Worst);
