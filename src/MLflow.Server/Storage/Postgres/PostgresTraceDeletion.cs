namespace MLflow.Server.Storage.Postgres;

/// <summary>Deletes what belongs to traces; no foreign key does.</summary>
internal static class PostgresTraceDeletion
{
    // Parameters: the traces, and the buckets that their spans are in.
    private const string SelectOtelIdsSql = $"SELECT {SpanRows.OtelTraceId}, s.span_id FROM spans s WHERE s.trace_id = ANY($1) AND s.bucket = ANY($2)";

    // Log records and aliases are kept by OpenTelemetry's ids, on the machine of those. Other traces may have spans of the same id.
    private const string DeleteLogsSql = """
        DELETE FROM span_logs l USING unnest($1::text[], $2::text[]) AS u (otel_trace_id, span_id) WHERE l.otel_trace_id = u.otel_trace_id AND l.span_id = u.span_id
        """;

    private const string DeleteAliasesSql = "DELETE FROM trace_aliases WHERE otel_trace_id = ANY($1) AND trace_id = ANY($2)";

    private const string DeletePayloadsSql = "DELETE FROM span_payloads WHERE trace_id = ANY($1) AND bucket = ANY($2)";

    private const string DeleteSpansSql = "DELETE FROM spans WHERE trace_id = ANY($1) AND bucket = ANY($2)";

    private static readonly string[] RowsSql =
    [
        "DELETE FROM assessments WHERE trace_id = ANY($1)",
        "DELETE FROM trace_runs WHERE trace_id = ANY($1)",
        "DELETE FROM trace_blobs WHERE trace_id = ANY($1)",
        "DELETE FROM trace_tags WHERE trace_id = ANY($1)",
        "DELETE FROM trace_metadata WHERE trace_id = ANY($1)",
        "DELETE FROM text_places WHERE trace_id = ANY($1)",
        "DELETE FROM traces WHERE trace_id = ANY($1)",
    ];

    /// <summary>Deletes traces that are locked.</summary>
    public static async Task DeleteAsync(PostgresSession session, string[] traceIds, DateOnly[] buckets)
    {
        var batch = await StartAsync(session, traceIds, buckets).ConfigureAwait(false);
        batch.Add(DeletePayloadsSql, traceIds, buckets);
        batch.Add(DeleteSpansSql, traceIds, buckets);
        await batch.RunAsync().ConfigureAwait(false);
    }

    /// <summary>Deletes traces that are locked, but for their spans, which are dropped with their partition.</summary>
    public static async Task DeleteLightAsync(PostgresSession session, string[] traceIds, DateOnly[] buckets) =>
        await (await StartAsync(session, traceIds, buckets).ConfigureAwait(false)).RunAsync().ConfigureAwait(false);

    /// <summary>Begins a batch with the deletion of the log records of traces that are locked.</summary>
    public static async Task<(PostgresBatch Batch, string[] OtelTraceIds)> DeleteLogsAsync(PostgresSession session, string[] traceIds, DateOnly[] buckets)
    {
        var spans = await session.QueryAsync(SelectOtelIdsSql, row => (OtelTraceId: row.Text(0), SpanId: row.Text(1)), traceIds, buckets).ConfigureAwait(false);
        var batch = session.Batch();
        batch.Add(DeleteLogsSql, spans.Select(span => span.OtelTraceId).ToArray(), spans.Select(span => span.SpanId).ToArray());
        return (batch, [.. spans.Select(span => span.OtelTraceId).Distinct()]);
    }

    private static async Task<PostgresBatch> StartAsync(PostgresSession session, string[] traceIds, DateOnly[] buckets)
    {
        await PostgresRollupRows.MarkAsync(session, traceIds).ConfigureAwait(false);
        var (batch, otelTraceIds) = await DeleteLogsAsync(session, traceIds, buckets).ConfigureAwait(false);
        batch.Add(DeleteAliasesSql, otelTraceIds, traceIds);
        foreach (var sql in RowsSql)
        {
            batch.Add(sql, (PostgresValue)traceIds);
        }

        return batch;
    }
}
