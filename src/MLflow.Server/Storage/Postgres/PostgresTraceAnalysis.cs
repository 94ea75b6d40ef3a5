using System.Globalization;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Figures over the traces in PostgreSQL.</summary>
internal sealed partial class PostgresTraceAnalysis : ITraceAnalysis
{
    private const string TimeBucket = "time_bucket";

    private readonly PostgresDatabase _database;

    public PostgresTraceAnalysis(PostgresDatabase database) => _database = database;

    public Task<IReadOnlyList<MetricPoint>> QueryAsync(MetricQuery query, CancellationToken cancellationToken)
    {
        var parameters = new PostgresParameters();
        var groups = query.Dimensions.Select(name => (Name: name, Sql: Dimension(name, parameters))).ToList();
        if (query.IntervalSeconds is { } seconds)
        {
            var bucketMs = parameters.Add(seconds * 1000);
            groups.Insert(0, (TimeBucket, $"({StartMs(query.View)}) / {bucketMs} * {bucketMs}"));
        }

        var value = Value(query.View, query.Metric, parameters);
        var aggregations = query.Aggregations.Select(aggregation => Aggregate(aggregation, query.Metric, parameters)).ToList();
        var columns = groups.Select((group, i) => $"{group.Sql} AS g{i}").Append($"{value} AS v");
        var keys = string.Join(", ", groups.Select((_, i) => $"g{i}"));
        var where = string.Join(" AND ", groups.Select((_, i) => $"g{i} IS NOT NULL").Append("v IS NOT NULL"));
        var select =
            $"SELECT {string.Join(", ", groups.Select((_, i) => $"g{i}").Concat(aggregations))} "
            + $"FROM (SELECT {string.Join(", ", columns)} FROM {Table(query.View)} WHERE {Where(query, parameters)}) AS figures WHERE {where} "
            + (groups.Count > 0 ? $"GROUP BY {keys} ORDER BY {keys} " : "HAVING COUNT(*) > 0 ")
            + $"LIMIT {parameters.Add((long)query.PageSize)} OFFSET {parameters.Add((long)query.Offset)}";
        return _database.SearchAsync(
            async (session, clock) =>
            {
                clock.ThrowIfOver();
                return (IReadOnlyList<MetricPoint>)await session.QueryAsync(
                    select,
                    row => new MetricPoint(
                        groups.Select((group, i) => KeyValuePair.Create(group.Name, group.Name == TimeBucket ? Time(row.Int64(i)) : row.Text(i))).ToDictionary(),
                        query.Aggregations.Select((aggregation, i) => KeyValuePair.Create(aggregation.Name, row.Double(groups.Count + i))).ToDictionary()),
                    [.. parameters.Values]).ConfigureAwait(false);
            },
            cancellationToken);
    }

    public Task<FilterCounts> CountAsync(IReadOnlyList<long> experimentIds, string? baseFilter, string first, string second, CancellationToken cancellationToken)
    {
        var query = new TraceQuery { ExperimentIds = experimentIds };
        var filters = new[] { baseFilter, first, second }.Select(TraceFilter.Parse).ToList();
        return _database.SearchAsync(
            async (session, clock) =>
            {
                if (filters.TrueForAll(TraceCandidates.IsExact))
                {
                    clock.ThrowIfOver();
                    return await CountInSqlAsync(session, clock, query, filters).ConfigureAwait(false);
                }

                var counts = new FilterCounts(0, 0, 0, 0);
                var found = new TraceCandidates(session, clock).FindAsync(query, filters[0], TraceOrder.Parse([]), filters[1..], int.MaxValue, cancellationToken);
                await foreach (var (_, _, others) in found.ConfigureAwait(false))
                {
                    counts = new FilterCounts(counts.Total + 1, counts.First + (others[0] ? 1 : 0), counts.Second + (others[1] ? 1 : 0), counts.Joint + (others[0] && others[1] ? 1 : 0));
                }

                return counts;
            },
            cancellationToken);
    }

    private static async Task<FilterCounts> CountInSqlAsync(PostgresSession session, SearchClock clock, TraceQuery query, List<FilterTree<TraceCondition>> filters)
    {
        var parameters = new PostgresParameters();
        var sql = new TraceSql(new PostgresConditions(parameters, clock));
        var where = filters.ConvertAll(filter => sql.Where(query, filter));
        var select = $"""
            SELECT COUNT(*), COUNT(*) FILTER (WHERE a), COUNT(*) FILTER (WHERE b), COUNT(*) FILTER (WHERE a AND b)
            FROM (SELECT ({where[1]}) AS a, ({where[2]}) AS b FROM traces t WHERE {where[0]}) AS counted
            """;
        return (await session.QueryAsync(select, row => new FilterCounts(row.Int64(0), row.Int64(1), row.Int64(2), row.Int64(3)), [.. parameters.Values]).ConfigureAwait(false))[0];
    }

    private static string Table(MetricView view) => view switch
    {
        MetricView.Spans => "spans s JOIN traces t ON t.trace_id = s.trace_id AND t.bucket = s.bucket",
        MetricView.Assessments => "assessments a JOIN traces t ON t.trace_id = a.trace_id",
        _ => "traces t",
    };

    private static string StartMs(MetricView view) => view switch
    {
        MetricView.Spans => "s.start_ns / 1000000",
        MetricView.Assessments => "a.create_time_ms",
        _ => "t.request_time_ms",
    };

    // Of double precision where it is a figure, so that no sum is beyond its type.
    private static string Value(MetricView view, string metric, PostgresParameters parameters) => (view, metric) switch
    {
        (MetricView.Traces, "latency") => "t.duration_ms::double precision",
        (MetricView.Traces, "input_tokens") => "t.input_tokens::double precision",
        (MetricView.Traces, "output_tokens") => "t.output_tokens::double precision",
        (MetricView.Traces, "total_tokens") => "t.total_tokens::double precision",
        (MetricView.Traces, "cache_read_input_tokens") => "t.cached_input_tokens::double precision",
        (MetricView.Traces, "cache_creation_input_tokens") =>
            $"(SELECT mlflow_json_number(x.value, 'cache_creation_input_tokens') FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(TraceKeys.TokenUsage)})",
        (MetricView.Traces, "session_count") => $"(SELECT x.value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(TraceKeys.Session)})",
        (MetricView.Spans, "input_cost") => "s.input_cost / 1e12::double precision",
        (MetricView.Spans, "output_cost") => "s.output_cost / 1e12::double precision",
        (MetricView.Spans, "total_cost") =>
            "CASE WHEN COALESCE(s.input_cost, s.output_cost) IS NOT NULL THEN (COALESCE(s.input_cost, 0)::double precision + COALESCE(s.output_cost, 0)) / 1e12::double precision END",
        (MetricView.Spans, "latency") => "trunc((s.end_ns::numeric - s.start_ns) / 1000000)::double precision",

        // Judges answer yes and no.
        (MetricView.Assessments, "assessment_value") => """CASE WHEN a.value IN ('true', '"yes"') THEN 1.0 WHEN a.value IN ('false', '"no"') THEN 0.0 ELSE a.value_number END""",
        _ => "1",
    };

    private static string Dimension(string name, PostgresParameters parameters) => name switch
    {
        "trace_name" => $"COALESCE((SELECT x.value FROM trace_tags x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(TraceKeys.TraceName)}), t.root_name)",
        "trace_status" => "t.state",
        "span_name" => "s.name",
        "span_type" => "s.type",
        "span_status" => "s.status",
        "span_model_name" => "s.model",
        "assessment_name" => "a.name",
        "assessment_value" => "a.value",
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static string Aggregate(MetricAggregation aggregation, string metric, PostgresParameters parameters) => aggregation.Type switch
    {
        MetricAggregationType.Count when metric == "session_count" => "COUNT(DISTINCT v)::double precision",
        MetricAggregationType.Count => "COUNT(v)::double precision",
        MetricAggregationType.Sum => "COALESCE(SUM(v), 0)::double precision",
        MetricAggregationType.Avg => "AVG(v)::double precision",

        // Between the two nearest values (linear interpolation, as numpy's default).
        _ => $"percentile_cont({parameters.Add(aggregation.Percentile / 100)}) WITHIN GROUP (ORDER BY v)::double precision",
    };

    private static string Where(MetricQuery query, PostgresParameters parameters)
    {
        var clauses = new List<string> { $"t.experiment_id = ANY({parameters.Add(query.ExperimentIds.ToArray())})" };
        if (query.StartMs is { } start)
        {
            clauses.Add($"t.request_time_ms >= {parameters.Add(start)}");
        }

        if (query.EndMs is { } end)
        {
            clauses.Add($"t.request_time_ms <= {parameters.Add(end)}");
        }

        if (query.View == MetricView.Assessments)
        {
            // As searches see them: without those that others have replaced.
            clauses.Add("a.is_valid = 1");
        }

        clauses.AddRange(query.Filters.Select(filter => Filter(filter, parameters)));
        return string.Join(" AND ", clauses);
    }

    private static string Filter(MetricFilter filter, PostgresParameters parameters) => (filter.Entity, filter.Field) switch
    {
        ("trace", "status") => $"t.state = {parameters.Add(filter.Value)}",
        ("trace", _) =>
            $"EXISTS (SELECT 1 FROM {(filter.Field == "tag" ? "trace_tags" : "trace_metadata")} x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(filter.Key)} AND x.value = {parameters.Add(filter.Value)})",
        ("span", _) => $"s.{filter.Field} = {parameters.Add(filter.Value)}",
        _ => $"a.{filter.Field} = {parameters.Add(filter.Value)}",
    };

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd'T'HH:mm:ss'+00:00'", CultureInfo.InvariantCulture);
}
