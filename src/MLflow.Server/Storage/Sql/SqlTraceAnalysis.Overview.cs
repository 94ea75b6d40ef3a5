using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sql;

/// <content>The overview of an experiment.</content>
internal abstract partial class SqlTraceAnalysis
{
    private const string OfModels = $"s.model IS NOT NULL AND s.type IN ('{SpanType.ChatModel}', '{SpanType.Llm}', '{SpanType.Embedding}')";

    private const string OfTools = $"s.type = '{SpanType.Tool}'";

    private const string CountPeople = $"COUNT(DISTINCT CASE WHEN m.key = '{TraceKeys.User}' THEN m.value END), COUNT(DISTINCT CASE WHEN m.key = '{TraceKeys.Session}' THEN m.value END)";

    public Task<Overview> OverviewAsync(OverviewQuery query, CancellationToken cancellationToken) => SearchAsync(
        async reader =>
        {
            if (await reader.RolledAsync(query, _rollupsFrom, cancellationToken).ConfigureAwait(false) is { } rolled)
            {
                return rolled with { Worst = await WorstAsync(reader, query, rolled.Buckets).ConfigureAwait(false) };
            }

            var people = (await reader.ReadAsync(sql => PeopleOfPieces(sql, query), row => (Number: (int)row.Int64(2), Users: row.Int64(0), Sessions: row.Int64(1))).ConfigureAwait(false)).ToDictionary(row => row.Number);
            var buckets = (await reader.ReadAsync(sql => Buckets(sql, query), row => (Number: (int)row.Int64(12), Figures: Figures(row))).ConfigureAwait(false))
                .ToDictionary(row => row.Number, row => people.TryGetValue(row.Number, out var of) ? row.Figures with { Users = of.Users, Sessions = of.Sessions } : row.Figures);
            var (users, sessions) = (await reader.ReadAsync(sql => People(sql, query), row => (row.Int64(0), row.Int64(1))).ConfigureAwait(false))[0];
            var total = (await reader.ReadAsync(sql => $"SELECT {TraceFigures(sql)} FROM traces t WHERE {OfTime(sql, query)}", Figures).ConfigureAwait(false))[0];
            var models = await reader.ReadAsync(sql => Models(sql, query), Model).ConfigureAwait(false);
            var tools = await reader.ReadAsync(sql => Tools(sql, query), row => new ToolFigures(row.Text(0), row.Int64(1), row.Int64(2), row.DoubleOrNull(3), row.DoubleOrNull(4))).ConfigureAwait(false);
            return new Overview
            {
                Query = query,
                Total = total with { Users = users, Sessions = sessions },
                Buckets = buckets,
                Models = models,
                Tools = tools,
                ModelCalls = await CallsAsync(reader, query, "s.model", OfModels, [.. models.Select(model => model.Model)]).ConfigureAwait(false),
                ToolCalls = await CallsAsync(reader, query, "s.name", OfTools, [.. tools.Select(tool => tool.Tool)]).ConfigureAwait(false),
                Worst = await WorstAsync(reader, query, buckets).ConfigureAwait(false),
            };
        },
        cancellationToken);

    // Pieces in order, and in each the names in the order of the tables.
    private static async Task<IReadOnlyList<PieceCalls>> CallsAsync(IFigureReader reader, OverviewQuery query, string name, string which, List<string> names)
    {
        if (names.Count == 0)
        {
            return [];
        }

        var calls = await reader.ReadAsync(
            sql => $"""
                SELECT {name}, {Piece(sql, query)} AS piece, COUNT(*), COUNT(*) FILTER (WHERE s.status = 'ERROR')
                FROM traces t JOIN spans s ON {sql.SpanOfTrace}
                WHERE {OfTime(sql, query)} AND {which} AND {name} IN ({string.Join(", ", names.Select(sql.Value))})
                GROUP BY {name}, piece
                """,
            row => new PieceCalls(row.Text(0), (int)row.Int64(1), row.Int64(2), row.Int64(3))).ConfigureAwait(false);
        return [.. calls.OrderBy(call => call.Piece).ThenBy(call => names.IndexOf(call.Name))];
    }

    private Task<TraceHistogram> WholeHistogramAsync(HistogramQuery histogram, CancellationToken cancellationToken) => SearchAsync(
        async reader =>
        {
            var query = new OverviewQuery(histogram.ExperimentId, histogram.StartMs, histogram.BucketMs, histogram.Buckets);
            var buckets = (await reader.RolledAsync(query, _rollupsFrom, cancellationToken).ConfigureAwait(false))?.Buckets
                ?? (await reader.ReadAsync(sql => Pieces(sql, query), Piece).ConfigureAwait(false))
                    .ToDictionary(row => row.Piece, row => new OverviewFigures { Traces = row.Bucket.Traces, Failed = row.Bucket.Failed });
            return new TraceHistogram(
                buckets.ToDictionary(bucket => bucket.Key, bucket => new HistogramBucket(bucket.Value.Traces, bucket.Value.Failed)),
                await WorstAsync(reader, query, buckets).ConfigureAwait(false));
        },
        cancellationToken);

    private static async Task<FailureCluster?> WorstAsync(IFigureReader reader, OverviewQuery query, IReadOnlyDictionary<int, OverviewFigures> buckets)
    {
        var worst = WorstBucket.Find(buckets);
        return worst?.Cluster(await reader.ReadAsync(sql => Causes(sql, query, worst.Number), row => (row.TextOrNull(0), row.TextOrNull(1), row.Int64(2))).ConfigureAwait(false));
    }

    private static string OfTime(SqlFigures sql, OverviewQuery query) =>
        $"t.experiment_id = {sql.Value(query.ExperimentId)} AND t.request_time_ms >= {sql.Value(query.StartMs)} AND t.request_time_ms < {sql.Value(query.EndMs)}";

    private static string Piece(SqlFigures sql, OverviewQuery query) => $"(t.request_time_ms - {sql.Value(query.StartMs)}) / {sql.Value(query.BucketMs)}";

    private static string TraceFigures(SqlFigures sql) => $"""
        COUNT(*), COUNT(*) FILTER (WHERE t.state = 'ERROR'),
        {sql.Percentile("t.duration_ms", 50)}, {sql.Percentile("t.duration_ms", 95)}, {sql.Percentile("t.first_token_ms", 50)},
        {sql.Sum("t.input_tokens")}, {sql.Sum("t.cached_input_tokens")}, {sql.Sum("t.output_tokens")},
        COUNT(COALESCE(t.input_cost, t.output_cost)), {sql.Sum("t.input_cost")}, {sql.Sum("t.output_cost")}, {sql.Sum("t.unpriced_calls")}
        """;

    private static string Buckets(SqlFigures sql, OverviewQuery query) => $"SELECT {TraceFigures(sql)}, {Piece(sql, query)} AS piece FROM traces t WHERE {OfTime(sql, query)} GROUP BY piece";

    private static string Pieces(SqlFigures sql, OverviewQuery query) =>
        $"SELECT {Piece(sql, query)} AS piece, COUNT(*), COUNT(*) FILTER (WHERE t.state = 'ERROR') FROM traces t WHERE {OfTime(sql, query)} GROUP BY piece";

    private static string Models(SqlFigures sql, OverviewQuery query)
    {
        var streamed = $"s.end_ns IS NOT NULL AND s.first_token_ms IS NOT NULL AND s.output_tokens IS NOT NULL AND {sql.SpanNs} / 1e6 > s.first_token_ms";
        return $"""
            SELECT s.model, COUNT(*), COUNT(*) FILTER (WHERE s.status = 'ERROR'), {sql.Percentile($"{sql.SpanNs} / 1e6", 50)}, {sql.Percentile("s.first_token_ms", 50)},
                {sql.Sum("s.output_tokens", streamed)}, {sql.Sum($"{sql.SpanNs} / 1e9 - {sql.Number("s.first_token_ms")} / 1e3", streamed)},
                {sql.Sum("s.input_tokens")}, {sql.Sum("s.cached_input_tokens")}, COUNT(COALESCE(s.input_cost, s.output_cost)), {sql.Sum("s.input_cost")}, {sql.Sum("s.output_cost")}
            FROM traces t JOIN spans s ON {sql.SpanOfTrace}
            WHERE {OfTime(sql, query)} AND {OfModels}
            GROUP BY s.model ORDER BY COUNT(*) DESC, s.model LIMIT {sql.Value((long)OverviewQuery.MaxGroups)}
            """;
    }

    private static string Tools(SqlFigures sql, OverviewQuery query) => $"""
        SELECT s.name, COUNT(*), COUNT(*) FILTER (WHERE s.status = 'ERROR'), {sql.Percentile($"{sql.SpanNs} / 1e6", 50)}, {sql.Percentile($"{sql.SpanNs} / 1e6", 95)}
        FROM traces t JOIN spans s ON {sql.SpanOfTrace}
        WHERE {OfTime(sql, query)} AND {OfTools}
        GROUP BY s.name ORDER BY COUNT(*) DESC, s.name LIMIT {sql.Value((long)OverviewQuery.MaxGroups)}
        """;

    private static string People(SqlFigures sql, OverviewQuery query) => $"SELECT {CountPeople} FROM {Named(sql, query)}";

    private static string PeopleOfPieces(SqlFigures sql, OverviewQuery query) => $"SELECT {CountPeople}, {Piece(sql, query)} AS piece FROM {Named(sql, query)} GROUP BY piece";

    private static string Named(SqlFigures sql, OverviewQuery query) =>
        $"traces t JOIN trace_metadata m ON m.trace_id = t.trace_id WHERE {OfTime(sql, query)} AND m.key IN ('{TraceKeys.User}', '{TraceKeys.Session}') AND m.value <> ''";

    // What the failures of one piece of time have in common: a row for each kind of error, and one for each model.
    private static string Causes(SqlFigures sql, OverviewQuery query, int worst) => $"""
        SELECT t.error_type, t.model, COUNT(*) FROM traces t
        WHERE {OfTime(sql, query)} AND t.state = 'ERROR' AND {Piece(sql, query)} = {sql.Value((long)worst)}
        GROUP BY t.error_type, t.model
        """;

    private static OverviewFigures Figures(IFigureRow row) => new()
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

    private static ModelFigures Model(IFigureRow row)
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
    private static long Whole(IFigureRow row, int column) => (long)row.Double(column);
}
