using System.Globalization;

namespace MLflow.Server.Traces.Analysis;

/// <param name="Type">How values become one.</param>
/// <param name="Percentile">0 to 100, for percentiles only.</param>
internal sealed record MetricAggregation(MetricAggregationType Type, double Percentile = 0)
{
    /// <summary>The name in an answer: <c>AVG</c>, <c>P95.0</c>.</summary>
    public string Name => Type == MetricAggregationType.Percentile
        ? "P" + Percentile.ToString("0.0##############", CultureInfo.InvariantCulture)
        : Type.ToString().ToUpperInvariant();
}
