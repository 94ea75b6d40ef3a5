using System.Globalization;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;

namespace MLflow.Server.Storage.Sql;

/// <summary>Figures over the traces in a database; what databases say each in their own way is <see cref="SqlFigures"/>.</summary>
internal abstract partial class SqlTraceAnalysis : ITraceAnalysis
{
    private const string TimeBucket = "time_bucket";

    private readonly int _rollupsFrom;

    /// <param name="rollupsFrom">Traces from which on an overview of a long time is put together from figures of hours.</param>
    protected SqlTraceAnalysis(int rollupsFrom) => _rollupsFrom = rollupsFrom;

    public async Task<IReadOnlyList<MetricPoint>> QueryAsync(MetricQuery query, CancellationToken cancellationToken)
    {
        var dimensions = query.IntervalSeconds is null ? query.Dimensions : [TimeBucket, .. query.Dimensions];
        return await SearchAsync(
            reader => reader.ReadAsync(
                sql => Metrics(sql, query, dimensions),
                row => new MetricPoint(
                    dimensions.Select((name, i) => KeyValuePair.Create(name, name == TimeBucket ? Time(row.Int64(i)) : row.Text(i))).ToDictionary(),
                    query.Aggregations.Select((aggregation, i) => KeyValuePair.Create(aggregation.Name, row.Double(dimensions.Count + i))).ToDictionary())),
            cancellationToken).ConfigureAwait(false);
    }

    public abstract Task<FilterCounts> CountAsync(IReadOnlyList<long> experimentIds, string? baseFilter, string first, string second, CancellationToken cancellationToken);

    public Task<TraceHistogram> HistogramAsync(HistogramQuery query, CancellationToken cancellationToken) =>
        string.IsNullOrWhiteSpace(query.Filter) ? WholeHistogramAsync(query, cancellationToken) : FilteredHistogramAsync(query, cancellationToken);

    /// <summary>A histogram of the traces that match.</summary>
    protected abstract Task<TraceHistogram> FilteredHistogramAsync(HistogramQuery query, CancellationToken cancellationToken);

    /// <summary>Counts where SQL tells exactly what the filter finds; <see cref="Histogram"/> reads its rows.</summary>
    /// <param name="query">What is asked.</param>
    /// <param name="where">The condition on <c>traces t</c>.</param>
    /// <param name="conditions">Takes the values.</param>
    protected static string HistogramSql(HistogramQuery query, string where, SqlConditions conditions) => $"""
        SELECT (t.request_time_ms - {conditions.Value(query.StartMs)}) / {conditions.Value(query.BucketMs)} AS piece, COUNT(*), COUNT(*) FILTER (WHERE t.state = 'ERROR')
        FROM traces t WHERE t.request_time_ms >= {conditions.Value(query.StartMs)} AND t.request_time_ms < {conditions.Value(query.EndMs)} AND {where} GROUP BY 1
        """;

    protected static (int Piece, HistogramBucket Bucket) Piece(IFigureRow row) => ((int)row.Int64(0), new HistogramBucket(row.Int64(1), row.Int64(2)));

    protected static TraceHistogram Histogram(IEnumerable<(int Piece, HistogramBucket Bucket)> pieces)
    {
        var buckets = pieces.ToDictionary(piece => piece.Piece, piece => piece.Bucket);
        var (number, worst) = buckets.OrderByDescending(bucket => bucket.Value.Failed).ThenByDescending(bucket => bucket.Key).FirstOrDefault();
        return new TraceHistogram(buckets, worst.Failed == 0 ? null : new FailureCluster(number, worst.Failed, null, 0, null, 0));
    }

    /// <summary>Reads as long as a search may take, all of one moment.</summary>
    protected abstract Task<T> SearchAsync<T>(Func<IFigureReader, Task<T>> read, CancellationToken cancellationToken);

    /// <summary>Counts where SQL tells exactly what the filters find; <see cref="Counts"/> reads its row.</summary>
    /// <param name="query">Whose traces.</param>
    /// <param name="filters">The base filter and the two others.</param>
    /// <param name="conditions">Takes the values.</param>
    protected static string CountSql(TraceQuery query, IReadOnlyList<FilterTree<TraceCondition>> filters, SqlConditions conditions)
    {
        var sql = new TraceSql(conditions);
        var where = filters.Select(filter => sql.Where(query, filter)).ToList();
        return $"""
            SELECT COUNT(*), COUNT(*) FILTER (WHERE a), COUNT(*) FILTER (WHERE b), COUNT(*) FILTER (WHERE a AND b)
            FROM (SELECT ({where[1]}) AS a, ({where[2]}) AS b FROM traces t WHERE {where[0]}) AS counted
            """;
    }

    protected static FilterCounts Counts(IFigureRow row) => new(row.Int64(0), row.Int64(1), row.Int64(2), row.Int64(3));

    private static string Metrics(SqlFigures sql, MetricQuery query, IReadOnlyList<string> dimensions)
    {
        var groups = dimensions.Select(name => name == TimeBucket ? Bucket(sql, query) : Dimension(sql, name)).ToList();
        var columns = groups.Select((group, i) => $"{group} AS g{i}").Append($"{Value(sql, query)} AS v");
        var keys = string.Join(", ", groups.Select((_, i) => $"g{i}"));
        var where = string.Join(" AND ", groups.Select((_, i) => $"g{i} IS NOT NULL").Append("v IS NOT NULL"));
        return
            $"SELECT {string.Join(", ", groups.Select((_, i) => $"g{i}").Concat(query.Aggregations.Select(aggregation => Aggregate(sql, aggregation, query.Metric))))} "
            + $"FROM (SELECT {string.Join(", ", columns)} FROM {Table(sql, query.View)} WHERE {Where(sql, query)}) AS figures WHERE {where} "
            + (groups.Count > 0 ? $"GROUP BY {keys} ORDER BY {keys} " : "HAVING COUNT(*) > 0 ")
            + $"LIMIT {sql.Value((long)query.PageSize)} OFFSET {sql.Value((long)query.Offset)}";
    }

    private static string Table(SqlFigures sql, MetricView view) => view switch
    {
        MetricView.Spans => $"spans s JOIN traces t ON {sql.SpanOfTrace}",
        MetricView.Assessments => "assessments a JOIN traces t ON t.trace_id = a.trace_id",
        _ => "traces t",
    };

    private static string Bucket(SqlFigures sql, MetricQuery query)
    {
        var start = query.View switch
        {
            MetricView.Spans => "s.start_ns / 1000000",
            MetricView.Assessments => "a.create_time_ms",
            _ => "t.request_time_ms",
        };
        var lengthMs = sql.Value(query.IntervalSeconds!.Value * 1000);
        return $"({start}) / {lengthMs} * {lengthMs}";
    }

    private static string Value(SqlFigures sql, MetricQuery query) => (query.View, query.Metric) switch
    {
        (MetricView.Traces, "latency") => sql.Number("t.duration_ms"),
        (MetricView.Traces, "input_tokens") => sql.Number("t.input_tokens"),
        (MetricView.Traces, "output_tokens") => sql.Number("t.output_tokens"),
        (MetricView.Traces, "total_tokens") => sql.Number("t.total_tokens"),
        (MetricView.Traces, "cache_read_input_tokens") => sql.Number("t.cached_input_tokens"),
        (MetricView.Traces, "cache_creation_input_tokens") =>
            $"(SELECT {sql.JsonNumber("x.value", "cache_creation_input_tokens")} FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {sql.Value(TraceKeys.TokenUsage)})",
        (MetricView.Traces, "session_count") => $"(SELECT x.value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = {sql.Value(TraceKeys.Session)})",
        (MetricView.Spans, "input_cost") => $"{sql.Number("s.input_cost")} / 1e12",
        (MetricView.Spans, "output_cost") => $"{sql.Number("s.output_cost")} / 1e12",
        (MetricView.Spans, "total_cost") =>
            $"CASE WHEN COALESCE(s.input_cost, s.output_cost) IS NOT NULL THEN (COALESCE({sql.Number("s.input_cost")}, 0) + COALESCE({sql.Number("s.output_cost")}, 0)) / 1e12 END",
        (MetricView.Spans, "latency") => sql.Number(sql.SpanMs),

        // Judges answer yes and no.
        (MetricView.Assessments, "assessment_value") => """CASE WHEN a.value IN ('true', '"yes"') THEN 1.0 WHEN a.value IN ('false', '"no"') THEN 0.0 ELSE a.value_number END""",
        _ => "1",
    };

    private static string Dimension(SqlFigures sql, string name) => name switch
    {
        "trace_name" => $"COALESCE((SELECT x.value FROM trace_tags x WHERE x.trace_id = t.trace_id AND x.key = {sql.Value(TraceKeys.TraceName)}), t.root_name)",
        "trace_status" => "t.state",
        "span_name" => "s.name",
        "span_type" => "s.type",
        "span_status" => "s.status",
        "span_model_name" => "s.model",
        "assessment_name" => "a.name",
        "assessment_value" => "a.value",
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static string Aggregate(SqlFigures sql, MetricAggregation aggregation, string metric) => aggregation.Type switch
    {
        MetricAggregationType.Count when metric == "session_count" => sql.Number("COUNT(DISTINCT v)"),
        MetricAggregationType.Count => sql.Number("COUNT(v)"),
        MetricAggregationType.Sum => sql.Sum("v"),
        MetricAggregationType.Avg => sql.Number("AVG(v)"),
        _ => sql.Percentile("v", aggregation.Percentile),
    };

    private static string Where(SqlFigures sql, MetricQuery query)
    {
        var clauses = new List<string> { sql.In("t.experiment_id", query.ExperimentIds) };
        if (query.StartMs is { } start)
        {
            clauses.Add($"t.request_time_ms >= {sql.Value(start)}");
        }

        if (query.EndMs is { } end)
        {
            clauses.Add($"t.request_time_ms <= {sql.Value(end)}");
        }

        if (query.View == MetricView.Assessments)
        {
            // As searches see them: without those that others have replaced.
            clauses.Add("a.is_valid = 1");
        }

        clauses.AddRange(query.Filters.Select(filter => Filter(sql, filter)));
        return string.Join(" AND ", clauses);
    }

    private static string Filter(SqlFigures sql, MetricFilter filter) => (filter.Entity, filter.Field) switch
    {
        ("trace", "status") => $"t.state = {sql.Value(filter.Value)}",
        ("trace", _) =>
            $"EXISTS (SELECT 1 FROM {(filter.Field == "tag" ? "trace_tags" : "trace_metadata")} x WHERE x.trace_id = t.trace_id AND x.key = {sql.Value(filter.Key!)} AND x.value = {sql.Value(filter.Value)})",
        ("span", _) => $"s.{filter.Field} = {sql.Value(filter.Value)}",
        _ => $"a.{filter.Field} = {sql.Value(filter.Value)}",
    };

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd'T'HH:mm:ss'+00:00'", CultureInfo.InvariantCulture);
}
