using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sql;

/// <content>The sessions of an experiment.</content>
internal abstract partial class SqlTraceAnalysis
{
    public async Task<IReadOnlyList<SessionSummary>> SessionsAsync(SessionQuery query, CancellationToken cancellationToken) =>
        await SearchAsync(reader => reader.ReadAsync(sql => Sessions(sql, query), Session), cancellationToken).ConfigureAwait(false);

    // The metadata's index on sessions leads; what is shown of a session's first trace is looked up for the sessions of the page only.
    private static string Sessions(SqlFigures sql, SessionQuery query) => $"""
        WITH found AS (
            SELECT m.value AS session_id, COUNT(*) AS turns, COUNT(*) FILTER (WHERE t.state = 'ERROR') AS failed, MIN(t.request_time_ms) AS first_ms, MAX(t.request_time_ms) AS last_ms,
                {sql.Sum("t.duration_ms")} AS wait_ms, {sql.Sum("t.input_tokens")} AS input_tokens, {sql.Sum("t.output_tokens")} AS output_tokens,
                COUNT(COALESCE(t.input_cost, t.output_cost)) AS priced, {sql.Sum("t.input_cost")} AS input_cost, {sql.Sum("t.output_cost")} AS output_cost,
                {sql.Sum("t.unpriced_calls")} AS unpriced_calls
            FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
            WHERE m.key = '{TraceKeys.Session}' AND t.experiment_id = {sql.Value(query.ExperimentId)}
            GROUP BY m.value {After(sql, query.After)}
            ORDER BY last_ms DESC, session_id DESC LIMIT {sql.Value((long)query.PageSize)})
        SELECT s.*,
            (SELECT MAX(u.value) FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id JOIN trace_metadata u ON u.trace_id = t.trace_id AND u.key = '{TraceKeys.User}'
                WHERE m.key = '{TraceKeys.Session}' AND m.value = s.session_id AND t.experiment_id = {sql.Value(query.ExperimentId)}),
            (SELECT COALESCE(t.request_preview, t.root_name) FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
                WHERE m.key = '{TraceKeys.Session}' AND m.value = s.session_id AND t.experiment_id = {sql.Value(query.ExperimentId)} ORDER BY t.request_time_ms, t.trace_id LIMIT 1)
        FROM found s ORDER BY s.last_ms DESC, s.session_id DESC
        """;

    private static string After(SqlFigures sql, SessionPlace? place) =>
        place is null ? "" : $"HAVING (MAX(t.request_time_ms), m.value) < ({sql.Value(place.LastMs)}, {sql.Value(place.SessionId)})";

    private static SessionSummary Session(IFigureRow row) => new()
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
