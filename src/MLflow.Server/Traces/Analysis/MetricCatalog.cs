namespace MLflow.Server.Traces.Analysis;

/// <summary>Which metrics there are, how each can be aggregated and what by.</summary>
internal static class MetricCatalog
{
    private static readonly MetricAggregationType[] Count = [MetricAggregationType.Count];
    private static readonly MetricAggregationType[] Average = [MetricAggregationType.Avg, MetricAggregationType.Percentile];
    private static readonly MetricAggregationType[] Sum = [MetricAggregationType.Sum, .. Average];

    private static readonly Dictionary<MetricView, Dictionary<string, (MetricAggregationType[] Aggregations, string[] Dimensions)>> Views = new()
    {
        [MetricView.Traces] = new()
        {
            ["trace_count"] = (Count, ["trace_name", "trace_status"]),
            ["session_count"] = (Count, []),
            ["latency"] = (Average, ["trace_name"]),
            ["input_tokens"] = (Sum, ["trace_name"]),
            ["output_tokens"] = (Sum, ["trace_name"]),
            ["total_tokens"] = (Sum, ["trace_name"]),
            ["cache_read_input_tokens"] = (Sum, ["trace_name"]),
            ["cache_creation_input_tokens"] = (Sum, ["trace_name"]),
        },
        [MetricView.Spans] = new()
        {
            ["span_count"] = (Count, ["span_model_name", "span_name", "span_status", "span_type"]),
            ["latency"] = (Average, ["span_name", "span_status"]),
            ["input_cost"] = (Sum, ["span_model_name"]),
            ["output_cost"] = (Sum, ["span_model_name"]),
            ["total_cost"] = (Sum, ["span_model_name"]),
        },
        [MetricView.Assessments] = new()
        {
            ["assessment_count"] = (Count, ["assessment_name", "assessment_value"]),
            ["assessment_value"] = (Average, ["assessment_name"]),
        },
    };

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the view has no such metric, or the metric no such aggregation or dimension.</exception>
    public static void Check(MetricView view, string metric, IReadOnlyList<MetricAggregation> aggregations, IReadOnlyList<string> dimensions)
    {
        var metrics = Views[view];
        if (!metrics.TryGetValue(metric, out var allowed))
        {
            throw Invalid($"metric_name must be one of {Names(metrics.Keys)}, got '{metric}'");
        }

        var types = aggregations.Select(aggregation => aggregation.Type).Except(allowed.Aggregations).ToList();
        if (types.Count > 0)
        {
            throw Invalid($"Found invalid aggregation_type(s): {Names(types.Select(Name).Order())}. Supported aggregation types: {Names(allowed.Aggregations.Select(Name).Order())}");
        }

        var unknown = dimensions.Except(allowed.Dimensions).ToList();
        if (unknown.Count > 0)
        {
            throw Invalid($"Found invalid dimension(s): {Names(unknown.Order(StringComparer.Ordinal))}. Supported dimensions: {Names(allowed.Dimensions)}");
        }
    }

    private static string Name(MetricAggregationType type) => type.ToString().ToUpperInvariant();

    private static string Names(IEnumerable<string> names) => $"[{string.Join(", ", names.Select(name => $"'{name}'"))}]";

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);
}
