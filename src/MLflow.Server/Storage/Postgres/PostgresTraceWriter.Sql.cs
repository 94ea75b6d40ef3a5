using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Postgres;

/// <content>The statements, each for many rows; numbers in comparisons with <c>settled</c> are those of <see cref="SettledFields"/>.</content>
internal static partial class PostgresTraceWriter
{
    // Of several servers and loops that write the same traces, each locks them in the order of their ids, so that none waits for another in a circle.
    // A trace that is there is locked by the update that never happens.
    private const string InsertTracesSql = """
        INSERT INTO traces (trace_id, experiment_id, client_request_id, request_time_ms, duration_ms, state, request_preview, response_preview, settled,
            root_name, model, input_tokens, output_tokens, total_tokens, cached_input_tokens, first_token_ms, error_type, error_message, stream_end, span_count,
            input_cost, output_cost, unpriced_calls, total_cost, announced_span_count, lease_ms, bucket, last_seen_ms)
        SELECT u.*, $28
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::integer[],
            $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::text[], $18::text[], $19::text[], $20::integer[],
            $21::bigint[], $22::bigint[], $23::integer[], $24::bigint[], $25::bigint[], $26::bigint[], $27::date[]) AS u (trace_id)
        ORDER BY u.trace_id COLLATE "C"
        ON CONFLICT (trace_id) DO UPDATE SET state = excluded.state WHERE FALSE
        RETURNING trace_id
        """;

    private const string SeeTracesSql = """
        UPDATE traces t SET last_seen_ms = $3, lease_ms = COALESCE(u.lease_ms, t.lease_ms) FROM unnest($1::text[], $2::bigint[]) AS u (trace_id, lease_ms) WHERE t.trace_id = u.trace_id
        """;

    private const string SelectHomesSql = "SELECT trace_id, bucket, experiment_id FROM traces WHERE trace_id = ANY($1)";

    private const string LockTraceSql = "SELECT trace_id, bucket, experiment_id FROM traces WHERE trace_id = $1 FOR UPDATE";

    private const string UpdateTracesSql = """
        UPDATE traces t SET
            request_time_ms = CASE WHEN t.settled & 2 <> 0 THEN t.request_time_ms ELSE u.request_time_ms END,
            duration_ms = CASE WHEN t.settled & 4 <> 0 THEN t.duration_ms ELSE u.duration_ms END,
            state = CASE WHEN t.settled & 8 <> 0 OR (t.settled & 1 <> 0 AND u.state = 'IN_PROGRESS') THEN t.state ELSE u.state END,
            request_preview = CASE WHEN t.settled & 16 <> 0 OR NOT u.has_root THEN t.request_preview ELSE u.request_preview END,
            response_preview = CASE WHEN t.settled & 32 <> 0 OR NOT u.has_root THEN t.response_preview ELSE u.response_preview END,
            root_name = u.root_name,
            model = u.model,
            input_tokens = COALESCE(u.input_tokens, t.input_tokens),
            output_tokens = COALESCE(u.output_tokens, t.output_tokens),
            total_tokens = COALESCE(u.total_tokens, t.total_tokens),
            cached_input_tokens = COALESCE(u.cached_input_tokens, t.cached_input_tokens),
            first_token_ms = u.first_token_ms,
            error_type = u.error_type,
            error_message = u.error_message,
            stream_end = u.stream_end,
            span_count = u.span_count,
            input_cost = u.input_cost,
            output_cost = u.output_cost,
            unpriced_calls = u.unpriced_calls,
            total_cost = u.total_cost
        FROM unnest($1::text[], $2::boolean[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
            $14::bigint[], $15::text[], $16::text[], $17::text[], $18::integer[], $19::bigint[], $20::bigint[], $21::integer[], $22::bigint[])
            AS u (trace_id, has_root, request_time_ms, duration_ms, state, request_preview, response_preview, root_name, model, input_tokens, output_tokens, total_tokens, cached_input_tokens,
            first_token_ms, error_type, error_message, stream_end, span_count, input_cost, output_cost, unpriced_calls, total_cost)
        WHERE t.trace_id = u.trace_id
        """;

    // Token counts of the spans stand above those that the client summed up: the client's are for traces whose spans do not come.
    private const string UpdateInfosSql = """
        UPDATE traces t SET
            experiment_id = u.experiment_id,
            client_request_id = COALESCE(u.client_request_id, t.client_request_id),
            request_time_ms = CASE WHEN u.settled & 2 <> 0 THEN u.request_time_ms ELSE t.request_time_ms END,
            duration_ms = COALESCE(u.duration_ms, t.duration_ms),
            state = CASE WHEN u.settled & 8 <> 0 OR t.state NOT IN ('OK', 'ERROR') THEN u.state ELSE t.state END,
            request_preview = COALESCE(u.request_preview, t.request_preview),
            response_preview = COALESCE(u.response_preview, t.response_preview),
            settled = t.settled | u.settled,
            input_tokens = COALESCE(t.input_tokens, u.input_tokens),
            output_tokens = COALESCE(t.output_tokens, u.output_tokens),
            total_tokens = COALESCE(t.total_tokens, u.total_tokens),
            cached_input_tokens = COALESCE(t.cached_input_tokens, u.cached_input_tokens),
            announced_span_count = COALESCE(u.announced_span_count, t.announced_span_count)
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::integer[],
            $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
            AS u (trace_id, experiment_id, client_request_id, request_time_ms, duration_ms, state, request_preview, response_preview, settled,
            input_tokens, output_tokens, total_tokens, cached_input_tokens, announced_span_count)
        WHERE t.trace_id = u.trace_id
        """;

    // New traces wait for the text index, and changed ones wait again.
    private const string WaitForTextSql = """
        INSERT INTO text_places AS p (trace_id, place) SELECT u.trace_id, -1 FROM unnest($1::text[]) AS u (trace_id) ORDER BY u.trace_id COLLATE "C"
        ON CONFLICT (trace_id) DO UPDATE SET place = LEAST(p.place, 0) - 1
        """;

    // What the client told stays, what was derived is replaced.
    private const string UpsertMetadataSql = """
        INSERT INTO trace_metadata AS m (trace_id, key, value, derived)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[])
        ON CONFLICT (trace_id, key) DO UPDATE SET value = excluded.value, derived = excluded.derived
        WHERE m.derived >= excluded.derived
        """;

    private const string DeleteDerivedMetadataSql = "DELETE FROM trace_metadata WHERE trace_id = ANY($1) AND key = $2 AND derived = 1";

    public const string UpsertTagsSql = """
        INSERT INTO trace_tags (trace_id, key, value) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (trace_id, key) DO UPDATE SET value = excluded.value
        """;

    private const string InsertAliasesSql = """
        INSERT INTO trace_aliases (otel_trace_id, trace_id) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING
        """;

    private const string SpanColumns = """
        trace_id, bucket, span_id, otel_trace_id, parent_span_id, name, type, status, status_message, start_ns, end_ns,
        model, input_tokens, output_tokens, total_tokens, cached_input_tokens, first_token_ms, stream_end, error_type, error_message, input_cost, output_cost, session, user_name, frame_place
        """;

    private const string SpansOfParameters = """
        SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[],
            $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::text[], $19::text[], $20::text[], $21::bigint[], $22::bigint[], $23::text[], $24::text[], $25::bytea[])
        """;

    private const string CopySpansSql = $"COPY spans ({SpanColumns}) FROM STDIN (FORMAT BINARY)";

    private const string InsertSpansSql = $"INSERT INTO spans ({SpanColumns}) {SpansOfParameters}";

    // A span that has ended is not replaced by an older report that it runs.
    private const string UpsertSpansSql = $"""
        INSERT INTO spans AS s ({SpanColumns}) {SpansOfParameters}
        ON CONFLICT (trace_id, bucket, span_id) DO UPDATE SET
            otel_trace_id = excluded.otel_trace_id, parent_span_id = excluded.parent_span_id, name = excluded.name, type = excluded.type,
            status = excluded.status, status_message = excluded.status_message, start_ns = excluded.start_ns, end_ns = excluded.end_ns,
            model = excluded.model, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            total_tokens = excluded.total_tokens, cached_input_tokens = excluded.cached_input_tokens,
            first_token_ms = excluded.first_token_ms, stream_end = excluded.stream_end,
            error_type = excluded.error_type, error_message = excluded.error_message,
            input_cost = excluded.input_cost, output_cost = excluded.output_cost,
            session = excluded.session, user_name = excluded.user_name, frame_place = excluded.frame_place
        WHERE excluded.end_ns IS NOT NULL OR s.end_ns IS NULL
        RETURNING s.trace_id, s.span_id
        """;

    private const string InsertRunningSpansSql = InsertSpansSql + " ON CONFLICT DO NOTHING RETURNING trace_id, span_id";

    private const string CopyPayloadsSql = "COPY span_payloads (trace_id, bucket, span_id, codec, payload) FROM STDIN (FORMAT BINARY)";

    private const string InsertPayloadsSql =
        "INSERT INTO span_payloads (trace_id, bucket, span_id, codec, payload) SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::smallint[], $5::bytea[])";

    private const string UpsertPayloadsSql = InsertPayloadsSql + " ON CONFLICT (trace_id, bucket, span_id) DO UPDATE SET codec = excluded.codec, payload = excluded.payload";

    private const string SelectOwnersSql = """
        SELECT trace_id, span_id, payload FROM span_payloads
        WHERE trace_id = ANY($1) AND bucket = ANY($2) AND codec = 2 AND (trace_id, span_id) IN (SELECT * FROM unnest($3::text[], $4::text[]))
        """;

    private const string SelectMembersSql = """
        SELECT trace_id, span_id, frame_place FROM spans
        WHERE trace_id = ANY($1) AND bucket = ANY($2) AND encode(substring(frame_place FOR 8), 'hex') = ANY($3)
        UNION ALL
        SELECT trace_id, span_id, payload FROM span_payloads
        WHERE trace_id = ANY($1) AND bucket = ANY($2) AND codec = 3 AND encode(substring(payload FOR 8), 'hex') = ANY($3)
        """;

    private const string LeaveFrameSql = """
        UPDATE spans s SET frame_place = NULL FROM unnest($1::text[], $2::date[], $3::text[]) AS u (trace_id, bucket, span_id)
        WHERE s.trace_id = u.trace_id AND s.bucket = u.bucket AND s.span_id = u.span_id
        """;

    private const string DeletePayloadsSql = """
        DELETE FROM span_payloads p USING unnest($1::text[], $2::date[], $3::text[]) AS u (trace_id, bucket, span_id)
        WHERE p.trace_id = u.trace_id AND p.bucket = u.bucket AND p.span_id = u.span_id
        """;

    private const string SelectSpanFactsSql = """
        SELECT trace_id, span_id, parent_span_id, name, status, start_ns, end_ns, model, input_tokens, output_tokens, total_tokens, cached_input_tokens,
            first_token_ms, stream_end, error_type, error_message, input_cost, output_cost, session, user_name
        FROM spans WHERE trace_id = ANY($1) AND bucket = ANY($2)
        """;

    private const string SelectLogsSql = "SELECT otel_trace_id, span_id, log_hash, name, time_ns, attributes, is_waiting FROM span_logs WHERE otel_trace_id = ANY($1) ORDER BY time_ns, arrival";

    private const string SelectWaitingSql = "SELECT DISTINCT otel_trace_id, span_id FROM span_logs WHERE otel_trace_id = ANY($1) AND is_waiting = 1";

    // Only those that were read: others may have come since.
    private const string SettleLogsSql = """
        UPDATE span_logs l SET is_waiting = 0 FROM unnest($1::text[], $2::text[], $3::bytea[]) AS u (otel_trace_id, span_id, log_hash)
        WHERE l.otel_trace_id = u.otel_trace_id AND l.span_id = u.span_id AND l.log_hash = u.log_hash AND l.is_waiting = 1
        """;

    private const string InsertLogsSql = """
        INSERT INTO span_logs (otel_trace_id, span_id, log_hash, name, time_ns, attributes, arrival, received_ms, is_waiting)
        SELECT u.*, $8, 1 FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bigint[], $6::text[], $7::bigint[]) AS u (otel_trace_id)
        ORDER BY u.otel_trace_id COLLATE "C"
        ON CONFLICT DO NOTHING
        """;

    private const string SelectLostLogsSql = "SELECT otel_trace_id, span_id, log_hash FROM span_logs WHERE is_waiting = 1 AND received_ms < $1 ORDER BY received_ms, arrival LIMIT 1000";

    private const string DeleteLostLogsSql = """
        DELETE FROM span_logs l USING unnest($1::text[], $2::text[], $3::bytea[]) AS u (otel_trace_id, span_id, log_hash)
        WHERE l.otel_trace_id = u.otel_trace_id AND l.span_id = u.span_id AND l.log_hash = u.log_hash AND l.is_waiting = 1
        """;

    private const string SelectAliasesSql = "SELECT trace_id FROM trace_aliases WHERE otel_trace_id = ANY($1)";

    private const string SelectSpansSql = $"""
        SELECT {SpanRows.Columns}, {SpanRows.Payload},
            (SELECT f.payload FROM span_payloads f WHERE f.trace_id = s.trace_id AND f.bucket = s.bucket
                AND f.span_id = encode(substring(COALESCE(s.frame_place, CASE WHEN p.codec = 3 THEN p.payload END) FOR 8), 'hex'))
        FROM {SpanRows.WithPayloads}
        WHERE s.trace_id = ANY($1) AND s.bucket = ANY($2) AND {SpanRows.IsHere}
        """;

    private const string SelectSpansOfLogsSql = SelectSpansSql + $" AND ({SpanRows.OtelTraceId}, s.span_id) IN (SELECT * FROM unnest($3::text[], $4::text[]))";

    private const string SelectMappingSql = "SELECT version, done_trace_id, target FROM convention_mapping WHERE id = 1 FOR UPDATE";

    private const string SelectTracesAfterSql = "SELECT trace_id, span_count FROM traces WHERE trace_id > $1 ORDER BY trace_id LIMIT $2";

    private const string UpdateMappingSql = "UPDATE convention_mapping SET version = $1, done_trace_id = $2, target = $3 WHERE id = 1";
}
