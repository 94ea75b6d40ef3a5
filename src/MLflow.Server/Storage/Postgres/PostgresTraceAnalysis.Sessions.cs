using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Postgres;

/// <content>The sessions of an experiment.</content>
internal sealed partial class PostgresTraceAnalysis
{
    // What is shown of a session's first trace is looked up for the sessions of the page only.
    private const string SessionsSql = $"""
        WITH found AS (
            SELECT m.value AS session_id, COUNT(*) AS turns, COUNT(*) FILTER (WHERE t.state = 'ERROR') AS failed, MIN(t.request_time_ms) AS first_ms, MAX(t.request_time_ms) AS last_ms,
                COALESCE(SUM(t.duration_ms::double precision), 0) AS wait_ms, COALESCE(SUM(t.input_tokens::double precision), 0) AS input_tokens,
                COALESCE(SUM(t.output_tokens::double precision), 0) AS output_tokens, COUNT(COALESCE(t.input_cost, t.output_cost)) AS priced,
                COALESCE(SUM(t.input_cost::double precision), 0) AS input_cost, COALESCE(SUM(t.output_cost::double precision), 0) AS output_cost,
                COALESCE(SUM(t.unpriced_calls::double precision), 0) AS unpriced_calls
            FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
            WHERE m.key = '{TraceKeys.Session}' AND t.experiment_id = $1
            GROUP BY m.value HAVING $2 IS NULL OR (MAX(t.request_time_ms), m.value) < ($2, $3)
            ORDER BY last_ms DESC, session_id DESC LIMIT $4)
        SELECT s.*,
            (SELECT MAX(u.value) FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id JOIN trace_metadata u ON u.trace_id = t.trace_id AND u.key = '{TraceKeys.User}'
                WHERE m.key = '{TraceKeys.Session}' AND m.value = s.session_id AND t.experiment_id = $1),
            (SELECT COALESCE(t.request_preview, t.root_name) FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
                WHERE m.key = '{TraceKeys.Session}' AND m.value = s.session_id AND t.experiment_id = $1 ORDER BY t.request_time_ms, t.trace_id LIMIT 1)
        FROM found s ORDER BY s.last_ms DESC, s.session_id DESC
        """;

    public Task<IReadOnlyList<SessionSummary>> SessionsAsync(SessionQuery query, CancellationToken cancellationToken) => _database.SearchAsync(
        async (session, clock) =>
        {
            clock.ThrowIfOver();
            return (IReadOnlyList<SessionSummary>)await session.QueryAsync(SessionsSql, Session, query.ExperimentId, query.After?.LastMs, query.After?.SessionId, query.PageSize).ConfigureAwait(false);
        },
        cancellationToken);

    private static SessionSummary Session(PostgresRow row) => new()
    {
        SessionId = row.Text(0),
        Turns = row.Int64(1),
        Failed = row.Int64(2),
        FirstMs = row.Int64(3),
        LastMs = row.Int64(4),
        WaitMs = Whole(row, 5),
        InputTokens = Whole(row, 6),
        OutputTokens = Whole(row, 7),
        Cost = row.Int64(8) == 0 ? null : new CallCost(Whole(row, 9), Whole(row, 10)),
        UnpricedCalls = Whole(row, 11),
        User = row.TextOrNull(12),
        FirstRequest = row.TextOrNull(13),
    };
}
