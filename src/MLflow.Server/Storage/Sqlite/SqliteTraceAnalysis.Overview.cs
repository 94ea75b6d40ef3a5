using MLflow.Server.Storage.Sql;
using Microsoft.Data.Sqlite;
using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sqlite;

/// <content>The overview of an experiment.</content>
internal sealed partial class SqliteTraceAnalysis
{
    private const string OfTime = "t.experiment_id = $experiment AND t.request_time_ms >= $start AND t.request_time_ms < $end";

    // TOTAL, not SUM: figures that strangers send may add up to more than an integer holds.
    private const string TraceFigures = $"""
        COUNT(*), COUNT(*) FILTER (WHERE t.state = 'ERROR'),
        {PercentileFunction}(t.duration_ms, 50) FILTER (WHERE t.duration_ms IS NOT NULL), {PercentileFunction}(t.duration_ms, 95) FILTER (WHERE t.duration_ms IS NOT NULL),
        {PercentileFunction}(t.first_token_ms, 50) FILTER (WHERE t.first_token_ms IS NOT NULL),
        TOTAL(t.input_tokens), TOTAL(t.cached_input_tokens), TOTAL(t.output_tokens),
        COUNT(COALESCE(t.input_cost, t.output_cost)), TOTAL(t.input_cost), TOTAL(t.output_cost), TOTAL(t.unpriced_calls)
        """;

    private const string TotalSql = $"SELECT {TraceFigures} FROM traces t WHERE {OfTime}";

    private const string BucketsSql = $"SELECT {TraceFigures}, (t.request_time_ms - $start) / $bucket AS bucket FROM traces t WHERE {OfTime} GROUP BY bucket";

    private const string ModelsSql = $"""
        SELECT s.model, COUNT(*), COUNT(*) FILTER (WHERE s.status = 'ERROR'),
            {PercentileFunction}((s.end_ns - s.start_ns) / 1e6, 50) FILTER (WHERE s.end_ns IS NOT NULL), {PercentileFunction}(s.first_token_ms, 50) FILTER (WHERE s.first_token_ms IS NOT NULL),
            TOTAL(s.output_tokens) FILTER (WHERE {Streamed}), TOTAL((s.end_ns - s.start_ns) / 1e9 - s.first_token_ms / 1e3) FILTER (WHERE {Streamed}),
            TOTAL(s.input_tokens), TOTAL(s.cached_input_tokens), COUNT(COALESCE(s.input_cost, s.output_cost)), TOTAL(s.input_cost), TOTAL(s.output_cost)
        FROM traces t JOIN spans s ON s.trace_id = t.trace_id
        WHERE {OfTime} AND s.model IS NOT NULL AND s.type IN ('{SpanType.ChatModel}', '{SpanType.Llm}', '{SpanType.Embedding}') GROUP BY s.model ORDER BY COUNT(*) DESC, s.model LIMIT $groups
        """;

    private const string Streamed = "s.end_ns IS NOT NULL AND s.first_token_ms IS NOT NULL AND s.output_tokens IS NOT NULL AND (s.end_ns - s.start_ns) / 1e6 > s.first_token_ms";

    private const string ToolsSql = $"""
        SELECT s.name, COUNT(*), COUNT(*) FILTER (WHERE s.status = 'ERROR'),
            {PercentileFunction}((s.end_ns - s.start_ns) / 1e6, 50) FILTER (WHERE s.end_ns IS NOT NULL), {PercentileFunction}((s.end_ns - s.start_ns) / 1e6, 95) FILTER (WHERE s.end_ns IS NOT NULL)
        FROM traces t JOIN spans s ON s.trace_id = t.trace_id
        WHERE {OfTime} AND s.type = '{SpanType.Tool}' GROUP BY s.name ORDER BY COUNT(*) DESC, s.name LIMIT $groups
        """;

    // What the failures of one piece of time have in common: a row for each kind of error, and one for each model.
    private const string ClusterSql = $"""
        SELECT t.error_type, t.model, COUNT(*) FROM traces t
        WHERE {OfTime} AND t.state = 'ERROR' AND (t.request_time_ms - $start) / $bucket = $worst
        GROUP BY t.error_type, t.model
        """;

    public Task<Overview> OverviewAsync(OverviewQuery query, CancellationToken cancellationToken)
    {
        using var search = _database.OpenSearch(cancellationToken);
        return Task.FromResult(search.Run(connection =>
        {
            AddPercentiles(connection);

            // Figures of one moment, so that the pieces add up to the whole.
            using var transaction = connection.BeginTransaction(deferred: true);
            var buckets = Read(connection, query, BucketsSql, reader => (Number: reader.GetInt32(12), Figures: Figures(reader))).ToDictionary(row => row.Number, row => row.Figures);
            var worst = WorstBucket.Find(buckets);
            return new Overview
            {
                Query = query,
                Total = Read(connection, query, TotalSql, Figures)[0],
                Buckets = buckets,
                Models = Read(connection, query, ModelsSql, Model),
                Tools = Read(connection, query, ToolsSql, reader => new ToolFigures(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2), Number(reader, 3), Number(reader, 4))),
                Worst = worst?.Cluster(Read(connection, query, ClusterSql, reader => (Text(reader, 0), Text(reader, 1), reader.GetInt64(2)), worst.Number)),
            };
        }));
    }

    private static void AddPercentiles(SqliteConnection connection) => connection.CreateAggregate<double, double, PercentileValues?, double?>(
        PercentileFunction, null, (values, value, percentile) => (values ?? new PercentileValues(percentile)).Add(value), values => values?.Result(), isDeterministic: true);

    private static string? Text(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static List<T> Read<T>(SqliteConnection connection, OverviewQuery query, string sql, Func<SqliteDataReader, T> read, int? worst = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$experiment", query.ExperimentId);
        command.Parameters.AddWithValue("$start", query.StartMs);
        command.Parameters.AddWithValue("$end", query.EndMs);
        command.Parameters.AddWithValue("$bucket", query.BucketMs);
        command.Parameters.AddWithValue("$groups", OverviewQuery.MaxGroups);
        command.Parameters.AddWithValue("$worst", (object?)worst ?? DBNull.Value);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    private static OverviewFigures Figures(SqliteDataReader reader) => new()
    {
        Traces = reader.GetInt64(0),
        Failed = reader.GetInt64(1),
        LatencyP50 = Number(reader, 2),
        LatencyP95 = Number(reader, 3),
        FirstTokenP50 = Number(reader, 4),
        InputTokens = Whole(reader, 5),
        CachedTokens = Whole(reader, 6),
        OutputTokens = Whole(reader, 7),
        Cost = reader.GetInt64(8) == 0 ? null : new CallCost(Whole(reader, 9), Whole(reader, 10)),
        UnpricedCalls = Whole(reader, 11),
    };

    private static ModelFigures Model(SqliteDataReader reader)
    {
        var seconds = reader.GetDouble(6);
        return new ModelFigures
        {
            Model = reader.GetString(0),
            Calls = reader.GetInt64(1),
            Failed = reader.GetInt64(2),
            DurationP50 = Number(reader, 3),
            FirstTokenP50 = Number(reader, 4),
            TokensPerSecond = seconds > 0 ? reader.GetDouble(5) / seconds : null,
            InputTokens = Whole(reader, 7),
            CachedTokens = Whole(reader, 8),
            Cost = reader.GetInt64(9) == 0 ? null : new CallCost(Whole(reader, 10), Whole(reader, 11)),
        };
    }

    private static double? Number(SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);

    // A cast of what is larger stops at the largest integer.
    private static long Whole(SqliteDataReader reader, int column) => (long)reader.GetDouble(column);
}
