using MLflow.Server.Storage.Rollups;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Reads what adds to the figures of a time, and the figures that are kept; and marks hours whose figures are out of date.</summary>
internal static class PostgresRollupRows
{
    private const string OfTime = "t.experiment_id = $1 AND t.request_time_ms >= $2 AND t.request_time_ms < $3";

    private const string CountTracesSql = $"SELECT COUNT(*) FROM (SELECT 1 FROM traces t WHERE {OfTime} LIMIT $4) AS few";

    private const string SelectTracesSql = $"SELECT {RolledSql.TraceColumns} FROM traces t WHERE {OfTime}";

    private const string SelectSpansSql = $"SELECT {RolledSql.SpanColumns} FROM traces t JOIN spans s ON s.trace_id = t.trace_id AND s.bucket = t.bucket WHERE {OfTime} AND {RolledSql.IsCall}";

    private const string SelectKeptSql = "SELECT hour, figures FROM rollup_hours WHERE experiment_id = $1 AND hour >= $2 AND hour <= $3";

    private const string SelectMarkedSql = "SELECT DISTINCT hour FROM rollup_marks WHERE experiment_id = $1 AND hour >= $2 AND hour <= $3";

    private const string MarkSql = """
        INSERT INTO rollup_marks (experiment_id, hour) SELECT DISTINCT experiment_id, request_time_ms / 3600000 FROM traces WHERE trace_id = ANY($1) AND request_time_ms >= 3600000
        """;

    /// <summary>
    /// Says that the figures of the hours of some traces are out of date; in the transaction that changes them, before it where a trace may leave its hour, and behind it.
    /// </summary>
    public static async Task MarkAsync(PostgresSession session, string[] traceIds)
    {
        if (traceIds.Length > 0)
        {
            await session.ExecuteAsync(MarkSql, (PostgresValue)traceIds).ConfigureAwait(false);
        }
    }

    /// <summary>How many traces a time has; at most the limit.</summary>
    public static async Task<long> CountAsync(PostgresSession session, OverviewQuery query, long limit) =>
        (await session.QueryAsync(CountTracesSql, row => row.Int64(0), query.ExperimentId, query.StartMs, query.EndMs, limit).ConfigureAwait(false))[0];

    /// <summary>What is kept for an overview.</summary>
    public static async Task<RollupPlan> PlanAsync(PostgresSession session, OverviewQuery query)
    {
        PostgresValue[] hours = [query.ExperimentId, query.StartMs / IRollups.HourMs, query.EndMs / IRollups.HourMs];
        var kept = await session.QueryAsync(SelectKeptSql, row => (Hour: row.Int64(0), Figures: row.Bytes(1)), hours).ConfigureAwait(false);
        var marked = await session.QueryAsync(SelectMarkedSql, row => row.Int64(0), hours).ConfigureAwait(false);
        return new RollupPlan(query, kept.ToDictionary(row => row.Hour, row => row.Figures), marked.ToHashSet());
    }

    public static async Task ReadAsync(
        PostgresSession session, long experimentId, long startMs, long endMs, Action<RolledTrace> addTrace, Action<RolledSpan> addSpan, CancellationToken cancellationToken)
    {
        PostgresValue[] time = [experimentId, startMs, endMs];
        await foreach (var row in session.StreamAsync(SelectTracesSql, time, cancellationToken).ConfigureAwait(false))
        {
            addTrace(new RolledTrace
            {
                RequestTimeMs = row.Int64(0),
                HasFailed = row.Boolean(1),
                DurationMs = row.Int64OrNull(2),
                FirstTokenMs = row.Int64OrNull(3),
                InputTokens = row.Int64OrNull(4),
                CachedInputTokens = row.Int64OrNull(5),
                OutputTokens = row.Int64OrNull(6),
                InputCost = row.Int64OrNull(7),
                OutputCost = row.Int64OrNull(8),
                UnpricedCalls = row.Int64(9),
                Session = row.TextOrNull(10),
                User = row.TextOrNull(11),
            });
        }

        await foreach (var row in session.StreamAsync(SelectSpansSql, time, cancellationToken).ConfigureAwait(false))
        {
            addSpan(new RolledSpan
            {
                IsTool = row.Boolean(0),
                Name = row.Text(1),
                HasFailed = row.Boolean(2),
                StartNs = row.Int64(3),
                EndNs = row.Int64OrNull(4),
                FirstTokenMs = row.Int64OrNull(5),
                InputTokens = row.Int64OrNull(6),
                CachedInputTokens = row.Int64OrNull(7),
                OutputTokens = row.Int64OrNull(8),
                InputCost = row.Int64OrNull(9),
                OutputCost = row.Int64OrNull(10),
                RequestTimeMs = row.Int64(11),
            });
        }
    }
}
