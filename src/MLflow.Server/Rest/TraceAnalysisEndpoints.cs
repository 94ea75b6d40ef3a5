using MLflow.Server.Access.Http;
using MLflow.Server.Storage;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Rest;

/// <summary><c>/api/3.0/mlflow/traces/metrics</c> and <c>…/calculate-filter-correlation</c></summary>
internal static class TraceAnalysisEndpoints
{
    public static void MapTraceAnalysis(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/traces/metrics", AccessPolicies.Read, QueryMetricsAsync);
        routes.MapApi(HttpMethods.Post, "3.0/mlflow/traces/calculate-filter-correlation", AccessPolicies.Read, CorrelateAsync);
    }

    private static async Task<IResult> QueryMetricsAsync(HttpRequest request, ITraceAnalysis analysis, CancellationToken cancellationToken)
    {
        var query = Read(await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false));
        var rows = await analysis.QueryAsync(query with { PageSize = query.PageSize + 1 }, cancellationToken).ConfigureAwait(false);
        var hasMore = rows.Count > query.PageSize;
        var points = rows.Take(query.PageSize).ToList();
        return new JsonAnswer(writer =>
        {
            writer.WriteList("data_points", points, (w, point) =>
            {
                w.WriteStartObject();
                w.WriteString("metric_name", query.Metric);
                w.WriteMap("dimensions", point.Dimensions);
                w.WriteStartObject("values");
                foreach (var (name, value) in point.Values)
                {
                    w.WriteNumber(name, value);
                }

                w.WriteEndObject();
                w.WriteEndObject();
            });
            writer.WriteText("next_page_token", hasMore ? OffsetToken.Encode(query.Offset + query.PageSize) : null);
        });
    }

    private static async Task<IResult> CorrelateAsync(HttpRequest request, ITraceAnalysis analysis, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var counts = await analysis.CountAsync(
            ExperimentIds(body), body.String("base_filter"), body.Required("filter_string1"), body.Required("filter_string2"), cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            if (!double.IsNaN(counts.Npmi))
            {
                writer.WriteNumber("npmi", counts.Npmi);
                writer.WriteNumber("npmi_smoothed", counts.NpmiSmoothed);
            }

            writer.WriteNumber("filter1_count", counts.First);
            writer.WriteNumber("filter2_count", counts.Second);
            writer.WriteNumber("joint_count", counts.Joint);
            writer.WriteNumber("total_count", counts.Total);
        });
    }

    private static MetricQuery Read(RequestJson body)
    {
        var view = Enum<MetricView>(body.Required("view_type"), "view_type");
        var metric = body.Required("metric_name");
        var aggregations = body.Objects("aggregations").Select(ReadAggregation).DistinctBy(aggregation => aggregation.Name).ToList();
        var dimensions = body.Strings("dimensions").Distinct().ToList();
        if (aggregations.Count is 0 or > MetricQuery.MaxAggregations)
        {
            throw aggregations.Count == 0 ? RequestJson.Missing("aggregations") : Invalid($"aggregations must be at most {MetricQuery.MaxAggregations}, got {aggregations.Count}");
        }

        MetricCatalog.Check(view, metric, aggregations, dimensions);
        var query = new MetricQuery
        {
            ExperimentIds = ExperimentIds(body),
            View = view,
            Metric = metric,
            Aggregations = aggregations,
            Dimensions = dimensions,
            Filters = [.. body.Strings("filters").Select(filter => MetricFilter.Parse(filter, view))],
            IntervalSeconds = body.Int64("time_interval_seconds"),
            StartMs = body.Int64("start_time_ms"),
            EndMs = body.Int64("end_time_ms"),
            PageSize = (int)Math.Clamp(body.Int64("max_results") ?? 1000, 0, int.MaxValue),
            Offset = OffsetToken.Decode(body.String("page_token")),
        };
        const long MaxInterval = int.MaxValue;
        return query switch
        {
            { IntervalSeconds: < 1 or > MaxInterval } => throw Invalid($"time_interval_seconds must be 1 to {MaxInterval}, got {query.IntervalSeconds}"),
            { IntervalSeconds: not null, StartMs: null } or { IntervalSeconds: not null, EndMs: null } => throw Invalid("time_interval_seconds needs start_time_ms and end_time_ms, too."),
            { PageSize: < 1 or > MetricQuery.MaxPageSize } => throw Invalid($"max_results must be 1 to {MetricQuery.MaxPageSize}, got {query.PageSize}"),
            _ => query,
        };
    }

    private static MetricAggregation ReadAggregation(RequestJson json)
    {
        var type = Enum<MetricAggregationType>(json.Required("aggregation_type"), "aggregation_type");
        return type != MetricAggregationType.Percentile ? new MetricAggregation(type)
            : json.Double("percentile_value") is not { } percentile ? throw RequestJson.Missing("percentile_value")
            : percentile is >= 0 and <= 100 ? new MetricAggregation(type, percentile)
            : throw Invalid($"percentile_value must be 0 to 100, got {json.String("percentile_value")}");
    }

    private static List<long> ExperimentIds(RequestJson body) =>
        body.Strings("experiment_ids") is { Count: > 0 } ids ? [.. ids.Select(ExperimentEndpoints.ParseId).Distinct()] : throw RequestJson.Missing("experiment_ids");

    private static T Enum<T>(string text, string parameter)
        where T : struct, Enum =>
        System.Enum.TryParse<T>(text, ignoreCase: true, out var value) && System.Enum.IsDefined(value)
            ? value
            : throw Invalid($"{parameter} must be one of [{string.Join(", ", System.Enum.GetNames<T>().Select(name => $"'{name.ToUpperInvariant()}'"))}], got '{text}'");

    private static MlflowException Invalid(string message) => new(ErrorCode.INVALID_PARAMETER_VALUE, message);
}
