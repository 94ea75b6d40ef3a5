namespace MLflow.Server.Conventions;

/// <summary>Traceloop's OpenLLMetry, old (numbered attributes) and current, https://github.com/traceloop/openllmetry</summary>
internal static class TraceloopTable
{
    public static ConventionTable Table { get; } = new()
    {
        Name = "Traceloop",
        Types =
        [
            new("traceloop.span.kind", "workflow", SpanType.Workflow),
            new("traceloop.span.kind", "agent", SpanType.Agent),
            new("traceloop.span.kind", "task", SpanType.Task),
            new("traceloop.span.kind", "tool", SpanType.Tool),
            new("llm.request.type", "chat", SpanType.ChatModel),
            new("llm.request.type", "completion", SpanType.Llm),
            new("llm.request.type", "embedding", SpanType.Embedding),
            new("llm.request.type", "rerank", SpanType.Reranker),
        ],
        Inputs =
        [
            new("traceloop.entity.input", PlainValues.Arguments),
            new("gen_ai.prompt.", NumberedMessages.Inputs),
        ],
        Outputs =
        [
            new("traceloop.entity.output", PlainValues.Unfolded),
            new("gen_ai.completion.", NumberedMessages.Outputs),
        ],
        Tools = [new("llm.request.functions.", ToolDefinitions.NumberedParts)],
        Usage = [new(UsagePart.Total, "llm.usage.total_tokens"), new(UsagePart.CacheRead, "gen_ai.usage.cache_read_input_tokens"), new(UsagePart.CacheWrite, "gen_ai.usage.cache_creation_input_tokens")],
        Sessions = ["traceloop.association.properties.session_id", "traceloop.association.properties.session.id", "traceloop.association.properties.thread_id"],
        Users = ["traceloop.association.properties.user_id", "traceloop.association.properties.user.id"],
    };
}
