namespace MLflow.Server.Traces.Analysis;

/// <param name="Dimensions">By name; <c>time_bucket</c> is the start of the bucket.</param>
/// <param name="Values">By <see cref="MetricAggregation.Name"/>.</param>
internal sealed record MetricPoint(IReadOnlyDictionary<string, string> Dimensions, IReadOnlyDictionary<string, double> Values);
