namespace MLflow.Server.Traces.Analysis;

/// <summary>How many traces began in a piece of time.</summary>
public readonly record struct HistogramBucket(long Traces, long Failed);
