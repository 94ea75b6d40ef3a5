using MLflow.Server.Storage.Sql;

namespace MLflow.Server.Storage.Sqlite;

/// <content>The statements, prepared once; numbers in comparisons with <c>settled</c> are those of <see cref="SettledFields"/>.</content>
internal static partial class SqliteTraceWriter
{
    private const string InsertTraceSql = """
        INSERT INTO traces (trace_id, experiment_id, request_time_ms, duration_ms, state, request_preview, response_preview,
            root_name, model, input_tokens, output_tokens, total_tokens, cached_input_tokens, first_token_ms, error_type, error_message, stream_end, span_count, input_cost, output_cost, unpriced_calls,
            client_request_id, settled, announced_span_count, last_seen_ms, lease_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)
        ON CONFLICT (trace_id) DO NOTHING
        """;

    private const string UpdateTraceSql = """
        UPDATE traces SET
            request_time_ms = CASE WHEN settled & 2 THEN request_time_ms ELSE ?3 END,
            duration_ms = CASE WHEN settled & 4 THEN duration_ms ELSE ?4 END,
            state = CASE WHEN settled & 8 OR (settled & 1 AND ?5 = 'IN_PROGRESS') THEN state ELSE ?5 END,
            request_preview = CASE WHEN settled & 16 OR ?2 = 0 THEN request_preview ELSE ?6 END,
            response_preview = CASE WHEN settled & 32 OR ?2 = 0 THEN response_preview ELSE ?7 END,
            root_name = ?8,
            model = ?9,
            input_tokens = COALESCE(?10, input_tokens),
            output_tokens = COALESCE(?11, output_tokens),
            total_tokens = COALESCE(?12, total_tokens),
            cached_input_tokens = COALESCE(?13, cached_input_tokens),
            first_token_ms = ?14,
            error_type = ?15,
            error_message = ?16,
            stream_end = ?17,
            span_count = ?18,
            input_cost = ?19,
            output_cost = ?20,
            unpriced_calls = ?21,
            text_place = MIN(text_place, 0) - 1
        WHERE trace_id = ?1
        """;

    // Token counts of the spans stand above those that the client summed up: the client's are for traces whose spans do not come.
    private const string UpdateInfoSql = """
        UPDATE traces SET
            experiment_id = ?2,
            client_request_id = COALESCE(?22, client_request_id),
            request_time_ms = CASE WHEN ?23 & 2 THEN ?3 ELSE request_time_ms END,
            duration_ms = COALESCE(?4, duration_ms),
            state = CASE WHEN ?23 & 8 OR state NOT IN ('OK', 'ERROR') THEN ?5 ELSE state END,
            request_preview = COALESCE(?6, request_preview),
            response_preview = COALESCE(?7, response_preview),
            settled = settled | ?23,
            input_tokens = COALESCE(input_tokens, ?10),
            output_tokens = COALESCE(output_tokens, ?11),
            total_tokens = COALESCE(total_tokens, ?12),
            cached_input_tokens = COALESCE(cached_input_tokens, ?13),
            announced_span_count = COALESCE(?24, announced_span_count),
            last_seen_ms = ?25,
            text_place = MIN(text_place, 0) - 1
        WHERE trace_id = ?1
        """;

    // What the client told stays, what was derived is replaced.
    private const string UpsertMetadataSql = """
        INSERT INTO trace_metadata (trace_id, key, value, derived) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (trace_id, key) DO UPDATE SET value = excluded.value, derived = excluded.derived
        WHERE derived >= excluded.derived
        """;

    private const string DeleteDerivedMetadataSql = "DELETE FROM trace_metadata WHERE trace_id = ?1 AND key = ?2 AND derived = 1";

    public const string UpsertTagSql = """
        INSERT INTO trace_tags (trace_id, key, value) VALUES (?1, ?2, ?3)
        ON CONFLICT (trace_id, key) DO UPDATE SET value = excluded.value
        """;

    // A span that has ended is not replaced by an older report that it runs, and none by one that says nothing else.
    private const string UpsertSpanSql = """
        INSERT INTO spans (trace_id, span_id, otel_trace_id, parent_span_id, name, type, status, status_message, start_ns, end_ns,
            model, input_tokens, output_tokens, total_tokens, cached_input_tokens, first_token_ms, stream_end, error_type, error_message, input_cost, output_cost, session, user)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)
        ON CONFLICT (trace_id, span_id) DO UPDATE SET
            otel_trace_id = excluded.otel_trace_id, parent_span_id = excluded.parent_span_id, name = excluded.name, type = excluded.type,
            status = excluded.status, status_message = excluded.status_message, start_ns = excluded.start_ns, end_ns = excluded.end_ns,
            model = excluded.model, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            total_tokens = excluded.total_tokens, cached_input_tokens = excluded.cached_input_tokens,
            first_token_ms = excluded.first_token_ms, stream_end = excluded.stream_end,
            error_type = excluded.error_type, error_message = excluded.error_message,
            input_cost = excluded.input_cost, output_cost = excluded.output_cost,
            session = excluded.session, user = excluded.user
        WHERE excluded.end_ns IS NOT NULL OR (spans.end_ns IS NULL AND ?24 = 0)
        """;

    private const string UpsertPayloadSql = """
        INSERT INTO span_payloads (trace_id, span_id, codec, payload) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (trace_id, span_id) DO UPDATE SET codec = excluded.codec, payload = excluded.payload
        """;

    private const string SelectOwnerSql = "SELECT payload FROM span_payloads WHERE trace_id = ?1 AND span_id = ?2 AND codec = 2";

    private const string SelectMembersSql = "SELECT span_id, payload FROM span_payloads WHERE trace_id = ?1 AND codec = 3 AND lower(hex(substr(payload, 1, 8))) = ?2";

    private const string SelectSpanFactsSql = """
        SELECT span_id, parent_span_id, name, status, start_ns, end_ns, model, input_tokens, output_tokens, total_tokens, cached_input_tokens,
            first_token_ms, stream_end, error_type, error_message, input_cost, output_cost, session, user
        FROM spans WHERE trace_id = ?1
        """;

    private const string SeeTraceSql = "UPDATE traces SET last_seen_ms = ?2, lease_ms = COALESCE(?3, lease_ms) WHERE trace_id = ?1";

    private const string SelectAnyLogSql = "SELECT 1 FROM span_logs WHERE otel_trace_id = ?1 LIMIT 1";

    private const string SelectLogsSql = "SELECT name, time_ns, attributes FROM span_logs WHERE otel_trace_id = ?1 AND span_id = ?2 ORDER BY time_ns, rowid";

    private const string SettleLogsSql = "UPDATE span_logs SET is_waiting = 0 WHERE otel_trace_id = ?1 AND span_id = ?2 AND is_waiting = 1";

    private const string InsertLogSql = """
        INSERT INTO span_logs (otel_trace_id, span_id, log_hash, name, time_ns, attributes, received_ms, is_waiting) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)
        ON CONFLICT DO NOTHING
        """;

    private const string DeleteLostLogsSql = """
        DELETE FROM span_logs WHERE rowid IN (SELECT rowid FROM span_logs WHERE is_waiting = 1 AND received_ms < ?1 ORDER BY received_ms, rowid LIMIT 1000)
        """;

    private const string SelectSpanSql = """
        SELECT s.rowid, s.trace_id, s.span_id, s.otel_trace_id, s.parent_span_id, s.name, s.type, s.status, s.status_message, s.start_ns, s.end_ns, p.codec, p.payload,
            (SELECT f.payload FROM span_payloads f WHERE p.codec = 3 AND f.trace_id = p.trace_id AND f.span_id = lower(hex(substr(p.payload, 1, 8))))
        FROM spans s JOIN span_payloads p ON p.trace_id = s.trace_id AND p.span_id = s.span_id
        """;

    private const string SelectSpanOfLogSql = SelectSpanSql + """

        WHERE s.trace_id = 'tr-' || ?1 AND s.otel_trace_id = ?1 AND s.span_id = ?2
        UNION ALL
        """ + "\n" + SelectSpanSql + """

        WHERE s.otel_trace_id = ?1 AND s.span_id = ?2 AND s.trace_id <> 'tr-' || s.otel_trace_id
        """;

    private const string SelectSpansAfterSql = SelectSpanSql + """

        WHERE s.rowid > ?1 ORDER BY s.rowid LIMIT ?2
        """;

    private const string SelectMappingSql = "SELECT version, done_rowid, target FROM convention_mapping";

    private const string UpdateMappingSql = "UPDATE convention_mapping SET version = ?1, done_rowid = ?2, target = ?3";
}
