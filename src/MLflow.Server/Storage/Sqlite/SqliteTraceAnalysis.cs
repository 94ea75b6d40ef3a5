using System.Globalization;
using System.Text.Json;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Figures over the traces in SQLite.</summary>
internal sealed partial class SqliteTraceAnalysis : ITraceAnalysis
{
    private const string PercentileFunction = "mlflow_percentile";
    private const string TimeBucket = "time_bucket";

    private readonly SqliteDatabase _database;

    public SqliteTraceAnalysis(SqliteDatabase database) => _database = database;

    public Task<IReadOnlyList<MetricPoint>> QueryAsync(MetricQuery query, CancellationToken cancellationToken)
    {
        var parameters = new SqlParameters();
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
            + $"FROM (SELECT {string.Join(", ", columns)} FROM {Table(query.View)} WHERE {Where(query, parameters)}) WHERE {where} "
            + (groups.Count > 0 ? $"GROUP BY {keys} ORDER BY {keys} " : "HAVING COUNT(*) > 0 ")
            + $"LIMIT {parameters.Add(query.PageSize)} OFFSET {parameters.Add(query.Offset)}";
        using var search = _database.OpenSearch(cancellationToken);
        return Task.FromResult<IReadOnlyList<MetricPoint>>(search.Run(connection =>
        {
            AddPercentiles(connection);
            using var command = connection.CreateCommand();
            command.CommandText = select;
            parameters.Bind(command);
            var points = new List<MetricPoint>();
            using var reader = command.ExecuteReader();
            while (reader.Read())
            {
                points.Add(new MetricPoint(
                    groups.Select((group, i) => KeyValuePair.Create(group.Name, group.Name == TimeBucket ? Time(reader.GetInt64(i)) : reader.GetString(i))).ToDictionary(),
                    query.Aggregations.Select((aggregation, i) => KeyValuePair.Create(aggregation.Name, reader.GetDouble(groups.Count + i))).ToDictionary()));
            }

            return points;
        }));
    }

    public Task<FilterCounts> CountAsync(IReadOnlyList<long> experimentIds, string? baseFilter, string first, string second, CancellationToken cancellationToken)
    {
        var query = new TraceQuery { ExperimentIds = experimentIds };
        var filters = new[] { baseFilter, first, second }.Select(TraceFilter.Parse).ToList();
        using var search = _database.OpenSearch(cancellationToken);
        var (parameters, functions) = (new SqlParameters(), new SearchFunctions());
        var sql = new TraceSql(new SqliteConditions(parameters, functions, search.Clock));
        var where = filters.ConvertAll(filter => sql.Where(query, filter));
        var select = $"""
            SELECT COUNT(*), COALESCE(SUM(a), 0), COALESCE(SUM(b), 0), COALESCE(SUM(a AND b), 0)
            FROM (SELECT COALESCE(({where[1]}), 0) AS a, COALESCE(({where[2]}), 0) AS b FROM traces t WHERE {where[0]})
            """;
        return Task.FromResult(search.Run(connection =>
        {
            functions.Register(connection, search.Clock);
            using var command = connection.CreateCommand();
            command.CommandText = select;
            parameters.Bind(command);
            using var reader = command.ExecuteReader();
            reader.Read();
            return new FilterCounts(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
        }));
    }

    private static string Table(MetricView view) => view switch
    {
        MetricView.Spans => "spans s JOIN traces t ON t.trace_id = s.trace_id",
        MetricView.Assessments => "assessments a JOIN traces t ON t.trace_id = a.trace_id",
        _ => "traces t",
    };

    private static string StartMs(MetricView view) => view switch
    {
        MetricView.Spans => "s.start_ns / 1000000",
        MetricView.Assessments => "a.create_time_ms",
        _ => "t.request_time_ms",
    };

    private static string Value(MetricView view, string metric, SqlParameters parameters) => (view, metric) switch
    {
        (MetricView.Traces, "latency") => "t.duration_ms",
        (MetricView.Traces, "input_tokens") => "t.input_tokens",
        (MetricView.Traces, "output_tokens") => "t.output_tokens",
        (MetricView.Traces, "total_tokens") => "t.total_tokens",
        (MetricView.Traces, "cache_read_input_tokens") => "t.cached_input_tokens",
        (MetricView.Traces, "cache_creation_input_tokens") =>
            $"(SELECT CASE WHEN json_valid(x.value) THEN x.value ->> '$.cache_creation_input_tokens' END FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(TraceKeys.TokenUsage)})",
        (MetricView.Traces, "session_count") => $"(SELECT x.value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(TraceKeys.Session)})",
        (MetricView.Spans, "input_cost") => "s.input_cost / 1e12",
        (MetricView.Spans, "output_cost") => "s.output_cost / 1e12",
        (MetricView.Spans, "total_cost") => "CASE WHEN COALESCE(s.input_cost, s.output_cost) IS NOT NULL THEN (COALESCE(s.input_cost, 0) + COALESCE(s.output_cost, 0)) / 1e12 END",
        (MetricView.Spans, "latency") => "(s.end_ns - s.start_ns) / 1000000",

        // Judges answer yes and no.
        (MetricView.Assessments, "assessment_value") => """CASE WHEN a.value IN ('true', '"yes"') THEN 1.0 WHEN a.value IN ('false', '"no"') THEN 0.0 ELSE a.value_number END""",
        _ => "1",
    };

    private static string Dimension(string name, SqlParameters parameters) => name switch
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

    private static string Aggregate(MetricAggregation aggregation, string metric, SqlParameters parameters) => aggregation.Type switch
    {
        MetricAggregationType.Count when metric == "session_count" => "COUNT(DISTINCT v)",
        MetricAggregationType.Count => "COUNT(v)",
        MetricAggregationType.Sum => "TOTAL(v)",
        MetricAggregationType.Avg => "AVG(v)",
        _ => $"{PercentileFunction}(v, {parameters.Add(aggregation.Percentile)})",
    };

    private static string Where(MetricQuery query, SqlParameters parameters)
    {
        var clauses = new List<string> { $"t.experiment_id IN (SELECT value FROM json_each({parameters.Add(JsonSerializer.Serialize(query.ExperimentIds))}))" };
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

    private static string Filter(MetricFilter filter, SqlParameters parameters) => (filter.Entity, filter.Field) switch
    {
        ("trace", "status") => $"t.state = {parameters.Add(filter.Value)}",
        ("trace", _) =>
            $"EXISTS (SELECT 1 FROM {(filter.Field == "tag" ? "trace_tags" : "trace_metadata")} x WHERE x.trace_id = t.trace_id AND x.key = {parameters.Add(filter.Key)} AND x.value = {parameters.Add(filter.Value)})",
        ("span", _) => $"s.{filter.Field} = {parameters.Add(filter.Value)}",
        _ => $"a.{filter.Field} = {parameters.Add(filter.Value)}",
    };

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd'T'HH:mm:ss'+00:00'", CultureInfo.InvariantCulture);
}
