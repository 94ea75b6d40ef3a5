using MLflow.Server.Pricing;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Postgres;

/// <content>The overview of an experiment. Parameters are the experiment, the start and the end, then those of each statement.</content>
internal sealed partial class PostgresTraceAnalysis
{
    private const string OfTime = "t.experiment_id = $1 AND t.request_time_ms >= $2 AND t.request_time_ms < $3";

    // Sums of doubles: figures that strangers send may add up to more than an integer holds.
    private const string TraceFigures = """
        COUNT(*), COUNT(*) FILTER (WHERE t.state = 'ERROR'),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY t.duration_ms::double precision), percentile_cont(0.95) WITHIN GROUP (ORDER BY t.duration_ms::double precision),
        percentile_cont(0.5) WITHIN GROUP (ORDER BY t.first_token_ms::double precision),
        COALESCE(SUM(t.input_tokens::double precision), 0), COALESCE(SUM(t.cached_input_tokens::double precision), 0), COALESCE(SUM(t.output_tokens::double precision), 0),
        COUNT(COALESCE(t.input_cost, t.output_cost)), COALESCE(SUM(t.input_cost::double precision), 0), COALESCE(SUM(t.output_cost::double precision), 0),
        COALESCE(SUM(t.unpriced_calls::double precision), 0)
        """;

    private const string TotalSql = $"SELECT {TraceFigures} FROM traces t WHERE {OfTime}";

    private const string BucketsSql = $"SELECT {TraceFigures}, (t.request_time_ms - $2) / $4 AS piece FROM traces t WHERE {OfTime} GROUP BY piece";

    // The difference is beyond 64 bits where clocks are far off, and neither time alone fits into a double.
    private const string SpanNs = "(s.end_ns::numeric - s.start_ns)::double precision";

    private const string SpanMs = $"({SpanNs} / 1e6::double precision)";

    private const string Streamed = $"s.end_ns IS NOT NULL AND s.first_token_ms IS NOT NULL AND s.output_tokens IS NOT NULL AND {SpanMs} > s.first_token_ms";

    private const string ModelsSql = $"""
        SELECT s.model, COUNT(*), COUNT(*) FILTER (WHERE s.status = 'ERROR'),
            percentile_cont(0.5) WITHIN GROUP (ORDER BY {SpanMs}), percentile_cont(0.5) WITHIN GROUP (ORDER BY s.first_token_ms::double precision),
            COALESCE(SUM(s.output_tokens::double precision) FILTER (WHERE {Streamed}), 0),
            COALESCE(SUM({SpanNs} / 1e9::double precision - s.first_token_ms / 1e3::double precision) FILTER (WHERE {Streamed}), 0),
            COALESCE(SUM(s.input_tokens::double precision), 0), COALESCE(SUM(s.cached_input_tokens::double precision), 0),
            COUNT(COALESCE(s.input_cost, s.output_cost)), COALESCE(SUM(s.input_cost::double precision), 0), COALESCE(SUM(s.output_cost::double precision), 0)
        FROM traces t JOIN spans s ON s.trace_id = t.trace_id AND s.bucket = t.bucket
        WHERE {OfTime} AND s.model IS NOT NULL AND s.type IN ('{SpanType.ChatModel}', '{SpanType.Llm}', '{SpanType.Embedding}') GROUP BY s.model ORDER BY COUNT(*) DESC, s.model LIMIT $4
        """;

    private const string ToolsSql = $"""
        SELECT s.name, COUNT(*), COUNT(*) FILTER (WHERE s.status = 'ERROR'),
            percentile_cont(0.5) WITHIN GROUP (ORDER BY {SpanMs}), percentile_cont(0.95) WITHIN GROUP (ORDER BY {SpanMs})
        FROM traces t JOIN spans s ON s.trace_id = t.trace_id AND s.bucket = t.bucket
        WHERE {OfTime} AND s.type = '{SpanType.Tool}' GROUP BY s.name ORDER BY COUNT(*) DESC, s.name LIMIT $4
        """;

    // What the failures of one piece of time have in common: a row for each kind of error, and one for each model.
    private const string ClusterSql = $"""
        SELECT t.error_type, t.model, COUNT(*) FROM traces t
        WHERE {OfTime} AND t.state = 'ERROR' AND (t.request_time_ms - $2) / $4 = $5
        GROUP BY t.error_type, t.model
        """;

    public Task<Overview> OverviewAsync(OverviewQuery query, CancellationToken cancellationToken) => _database.SearchAsync(
        async (session, clock) =>
        {
            clock.ThrowIfOver();
            var buckets = (await ReadAsync(BucketsSql, row => (Number: (int)row.Int64(12), Figures: Figures(row)), query.BucketMs).ConfigureAwait(false)).ToDictionary(row => row.Number, row => row.Figures);
            var worst = WorstBucket.Find(buckets);
            return new Overview
            {
                Query = query,
                Total = (await ReadAsync(TotalSql, Figures).ConfigureAwait(false))[0],
                Buckets = buckets,
                Models = await ReadAsync(ModelsSql, Model, OverviewQuery.MaxGroups).ConfigureAwait(false),
                Tools = await ReadAsync(ToolsSql, row => new ToolFigures(row.Text(0), row.Int64(1), row.Int64(2), row.DoubleOrNull(3), row.DoubleOrNull(4)), OverviewQuery.MaxGroups).ConfigureAwait(false),
                Worst = worst?.Cluster(await ReadAsync(ClusterSql, row => (row.TextOrNull(0), row.TextOrNull(1), row.Int64(2)), query.BucketMs, (long)worst.Number).ConfigureAwait(false)),
            };

            Task<List<T>> ReadAsync<T>(string sql, Func<PostgresRow, T> read, params PostgresValue[] values) =>
                session.QueryAsync(sql, read, [query.ExperimentId, query.StartMs, query.EndMs, .. values]);
        },
        cancellationToken);

    private static OverviewFigures Figures(PostgresRow row) => new()
    {
        Traces = row.Int64(0),
        Failed = row.Int64(1),
        LatencyP50 = row.DoubleOrNull(2),
        LatencyP95 = row.DoubleOrNull(3),
        FirstTokenP50 = row.DoubleOrNull(4),
        InputTokens = Whole(row, 5),
        CachedTokens = Whole(row, 6),
        OutputTokens = Whole(row, 7),
        Cost = row.Int64(8) == 0 ? null : new CallCost(Whole(row, 9), Whole(row, 10)),
        UnpricedCalls = Whole(row, 11),
    };

    private static ModelFigures Model(PostgresRow row)
    {
        var seconds = row.Double(6);
        return new ModelFigures
        {
            Model = row.Text(0),
            Calls = row.Int64(1),
            Failed = row.Int64(2),
            DurationP50 = row.DoubleOrNull(3),
            FirstTokenP50 = row.DoubleOrNull(4),
            TokensPerSecond = seconds > 0 ? row.Double(5) / seconds : null,
            InputTokens = Whole(row, 7),
            CachedTokens = Whole(row, 8),
            Cost = row.Int64(9) == 0 ? null : new CallCost(Whole(row, 10), Whole(row, 11)),
        };
    }

    // A cast of what is larger stops at the largest integer.
    private static long Whole(PostgresRow row, int column) => (long)row.Double(column);
}
