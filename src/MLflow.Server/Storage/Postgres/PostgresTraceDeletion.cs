namespace MLflow.Server.Storage.Postgres;

/// <summary>Deletes what belongs to traces; no foreign key does.</summary>
internal static class PostgresTraceDeletion
{
    // Parameters: the traces, and the buckets that their spans are in.
    private const string DeleteLogsSql = """
        DELETE FROM span_logs l USING spans s
        WHERE s.trace_id = ANY($1) AND s.bucket = ANY($2) AND l.otel_trace_id = s.otel_trace_id AND l.span_id = s.span_id
        """;

    private const string DeleteAliasesSql = """
        DELETE FROM trace_aliases a USING spans s
        WHERE s.trace_id = ANY($1) AND s.bucket = ANY($2) AND a.otel_trace_id = s.otel_trace_id AND a.trace_id = s.trace_id
        """;

    private const string DeletePayloadsSql = "DELETE FROM span_payloads WHERE trace_id = ANY($1) AND bucket = ANY($2)";

    private const string DeleteSpansSql = "DELETE FROM spans WHERE trace_id = ANY($1) AND bucket = ANY($2)";

    private static readonly string[] RowsSql =
    [
        "DELETE FROM assessments WHERE trace_id = ANY($1)",
        "DELETE FROM trace_runs WHERE trace_id = ANY($1)",
        "DELETE FROM trace_tags WHERE trace_id = ANY($1)",
        "DELETE FROM trace_metadata WHERE trace_id = ANY($1)",
        "DELETE FROM traces WHERE trace_id = ANY($1)",
    ];

    /// <summary>Deletes traces that are locked.</summary>
    public static async Task DeleteAsync(PostgresSession session, string[] traceIds, DateOnly[] buckets)
    {
        await PostgresRollupRows.MarkAsync(session, traceIds).ConfigureAwait(false);
        foreach (var sql in (string[])[DeleteLogsSql, DeleteAliasesSql, DeletePayloadsSql, DeleteSpansSql])
        {
            await session.ExecuteAsync(sql, traceIds, buckets).ConfigureAwait(false);
        }

        foreach (var sql in RowsSql)
        {
            await session.ExecuteAsync(sql, (PostgresValue)traceIds).ConfigureAwait(false);
        }
    }
}
