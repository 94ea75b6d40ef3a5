using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Reads spans with their payloads.</summary>
internal static class SpanRows
{
    /// <param name="row">The columns of <see cref="ReadColumns"/>, then codec and payload, both null where the trace is archived. Its owner is among other rows.</param>
    public static StoredSpan Read(PostgresRow row) => row.Int64OrNull(10) is { } codec ? new(ReadColumns(row), (int)codec, row.Bytes(11)) : StoredSpan.Archived(ReadColumns(row));

    /// <param name="row">The same, then the payload of the owner.</param>
    public static StoredSpan ReadWithOwner(PostgresRow row) => Read(row) with { Owner = row.BytesOrNull(12) };

    /// <param name="row">trace_id, span_id, otel_trace_id, parent_span_id, name, type, status, status_message, start_ns, end_ns.</param>
    public static SpanRecord ReadColumns(PostgresRow row) => new()
    {
        TraceId = row.Text(0),
        SpanId = row.Text(1),
        OtelTraceId = row.Text(2),
        ParentSpanId = row.TextOrNull(3),
        Name = row.Text(4),
        Type = row.Text(5),
        Status = ColumnText.Status(row.Text(6)),
        StatusMessage = row.TextOrNull(7),
        StartNs = row.Int64(8),
        EndNs = row.Int64OrNull(9),
    };
}
