namespace MLflow.Server.Storage.Rollups;

/// <summary>What is read of traces <c>t</c> and spans <c>s</c> for figures, in SQL of either database.</summary>
internal static class RolledSql
{
    /// <summary>The columns of a <see cref="RolledTrace"/>.</summary>
    public const string TraceColumns = $"""
        t.request_time_ms, t.state = 'ERROR', t.duration_ms, t.first_token_ms, t.input_tokens, t.cached_input_tokens, t.output_tokens, t.input_cost, t.output_cost, t.unpriced_calls,
            (SELECT value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = '{TraceKeys.Session}'),
            (SELECT value FROM trace_metadata x WHERE x.trace_id = t.trace_id AND x.key = '{TraceKeys.User}')
        """;

    /// <summary>The columns of a <see cref="RolledSpan"/>.</summary>
    public const string SpanColumns = $"""
        s.type = '{SpanType.Tool}', CASE WHEN s.type = '{SpanType.Tool}' THEN s.name ELSE s.model END, s.status = 'ERROR', s.start_ns, s.end_ns, s.first_token_ms,
            s.input_tokens, s.cached_input_tokens, s.output_tokens, s.input_cost, s.output_cost, t.request_time_ms
        """;

    /// <summary>Whether a span is a run of a tool or a call of a model.</summary>
    public const string IsCall = $"(s.type = '{SpanType.Tool}' OR (s.model IS NOT NULL AND s.type IN ('{SpanType.ChatModel}', '{SpanType.Llm}', '{SpanType.Embedding}')))";
}
