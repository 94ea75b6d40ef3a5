using Dapper;
using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;

namespace MLflow.Server.Storage.Sqlite;

/// <content>The sessions of an experiment.</content>
internal sealed partial class SqliteTraceAnalysis
{
    // The metadata's index on sessions leads; what is shown of a session's first trace is looked up for the sessions of the page only.
    private const string SessionsSql = $"""
        WITH sessions AS (
            SELECT m.value AS SessionId, COUNT(*) AS Turns, COUNT(*) FILTER (WHERE t.state = 'ERROR') AS Failed, MIN(t.request_time_ms) AS FirstMs, MAX(t.request_time_ms) AS LastMs,
                TOTAL(t.duration_ms) AS WaitMs, TOTAL(t.input_tokens) AS InputTokens, TOTAL(t.output_tokens) AS OutputTokens,
                COUNT(COALESCE(t.input_cost, t.output_cost)) AS Priced, TOTAL(t.input_cost) AS InputCost, TOTAL(t.output_cost) AS OutputCost, TOTAL(t.unpriced_calls) AS UnpricedCalls
            FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
            WHERE m.key = '{TraceKeys.Session}' AND t.experiment_id = @ExperimentId
            GROUP BY m.value HAVING @LastMs IS NULL OR (MAX(t.request_time_ms), m.value) < (@LastMs, @SessionId)
            ORDER BY LastMs DESC, SessionId DESC LIMIT @PageSize)
        SELECT s.*,
            (SELECT MAX(u.value) FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id JOIN trace_metadata u ON u.trace_id = t.trace_id AND u.key = '{TraceKeys.User}'
                WHERE m.key = '{TraceKeys.Session}' AND m.value = s.SessionId AND t.experiment_id = @ExperimentId) AS User,
            (SELECT COALESCE(t.request_preview, t.root_name) FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
                WHERE m.key = '{TraceKeys.Session}' AND m.value = s.SessionId AND t.experiment_id = @ExperimentId ORDER BY t.request_time_ms, t.trace_id LIMIT 1) AS FirstRequest
        FROM sessions s ORDER BY s.LastMs DESC, s.SessionId DESC
        """;

    public Task<IReadOnlyList<SessionSummary>> SessionsAsync(SessionQuery query, CancellationToken cancellationToken)
    {
        using var search = _database.OpenSearch(cancellationToken);
        return Task.FromResult<IReadOnlyList<SessionSummary>>(search.Run(connection => connection
            .Query<SessionRow>(SessionsSql, new { query.ExperimentId, query.PageSize, query.After?.LastMs, query.After?.SessionId })
            .Select(row => new SessionSummary
            {
                SessionId = row.SessionId,
                Turns = row.Turns,
                Failed = row.Failed,
                FirstMs = row.FirstMs,
                LastMs = row.LastMs,
                WaitMs = (long)row.WaitMs,
                InputTokens = (long)row.InputTokens,
                OutputTokens = (long)row.OutputTokens,
                Cost = row.Priced == 0 ? null : new CallCost((long)row.InputCost, (long)row.OutputCost),
                UnpricedCalls = (long)row.UnpricedCalls,
                User = row.User,
                FirstRequest = row.FirstRequest,
            })
            .ToList()));
    }

    // Properties, not a constructor: SQLite knows no types for what is computed, and Dapper converts for properties only.
    private sealed record SessionRow
    {
        public string SessionId { get; init; } = "";

        public long Turns { get; init; }

        public long Failed { get; init; }

        public long FirstMs { get; init; }

        public long LastMs { get; init; }

        public double WaitMs { get; init; }

        public double InputTokens { get; init; }

        public double OutputTokens { get; init; }

        public long Priced { get; init; }

        public double InputCost { get; init; }

        public double OutputCost { get; init; }

        public double UnpricedCalls { get; init; }

        public string? User { get; init; }

        public string? FirstRequest { get; init; }
    }
}
