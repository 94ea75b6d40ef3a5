namespace MLflow.Server.Runs;

/// <summary>A value of a metric at one time.</summary>
/// <param name="Key">The metric's name.</param>
/// <param name="Value">May be NaN or infinite.</param>
/// <param name="TimestampMs">Milliseconds since the Unix epoch.</param>
/// <param name="Step">The client's own count.</param>
public sealed record RunMetric(string Key, double Value, long TimestampMs, long Step);
