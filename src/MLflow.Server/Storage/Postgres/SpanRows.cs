using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Reads spans with their payloads.</summary>
internal static class SpanRows
{
    private const int IdPrefixLength = 3;

    /// <summary>The columns of <see cref="ReadColumns"/>, of <c>spans s</c>.</summary>
    public const string Columns = "s.trace_id, s.span_id, s.otel_trace_id, s.parent_span_id, s.name, s.type, s.status, s.status_message, s.start_ns, s.end_ns";

    /// <summary>Codec and payload, of <see cref="WithPayloads"/>.</summary>
    public const string Payload = "CASE WHEN s.frame_place IS NULL THEN p.codec ELSE 3 END, COALESCE(s.frame_place, p.payload)";

    /// <summary>Spans <c>s</c> with what they have in <c>span_payloads p</c>: those whose content is in the frame of another have nothing there.</summary>
    public const string WithPayloads = "spans s LEFT JOIN span_payloads p ON s.frame_place IS NULL AND p.trace_id = s.trace_id AND p.bucket = s.bucket AND p.span_id = s.span_id";

    /// <summary>Whether the content of a span is in this database, and not in the archive.</summary>
    public const string IsHere = "(s.frame_place IS NOT NULL OR p.payload IS NOT NULL)";

    /// <summary>OpenTelemetry's id of a span's trace, which is written only where it does not follow from the trace's.</summary>
    public const string OtelTraceId = "COALESCE(s.otel_trace_id, substr(s.trace_id, 4))";

    /// <param name="row"><see cref="Columns"/>, then codec and payload, both null where the trace is archived. Its owner is among other rows.</param>
    public static StoredSpan Read(PostgresRow row) => row.Int64OrNull(10) is { } codec ? new(ReadColumns(row), (int)codec, row.Bytes(11)) : StoredSpan.Archived(ReadColumns(row));

    /// <param name="row">The same, then the payload of the owner.</param>
    public static StoredSpan ReadWithOwner(PostgresRow row) => Read(row) with { Owner = row.BytesOrNull(12) };

    /// <param name="row"><see cref="Columns"/>.</param>
    public static SpanRecord ReadColumns(PostgresRow row) => new()
    {
        TraceId = row.Text(0),
        SpanId = row.Text(1),
        OtelTraceId = row.TextOrNull(2) ?? row.Text(0)[IdPrefixLength..],
        ParentSpanId = row.TextOrNull(3),
        Name = row.Text(4),
        Type = row.Text(5),
        Status = ColumnText.Status(row.Text(6)),
        StatusMessage = row.TextOrNull(7),
        StartNs = row.Int64(8),
        EndNs = row.Int64OrNull(9),
    };
}
