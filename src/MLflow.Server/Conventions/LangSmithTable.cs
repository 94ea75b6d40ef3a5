namespace MLflow.Server.Conventions;

/// <summary>LangSmith's OpenTelemetry mode, https://docs.smith.langchain.com/observability/how_to_guides/trace_langchain_with_otel</summary>
internal static class LangSmithTable
{
    private const string Kind = "langsmith.span.kind";

    public static ConventionTable Table { get; } = new()
    {
        Name = "LangSmith",
        Scopes = ["langsmith"],
        Types =
        [
            new(Kind, "llm", SpanType.Llm),
            new(Kind, "chain", SpanType.Chain),
            new(Kind, "prompt", SpanType.Chain),
            new(Kind, "parser", SpanType.Parser),
            new(Kind, "tool", SpanType.Tool),
            new(Kind, "retriever", SpanType.Retriever),
            new(Kind, "embedding", SpanType.Embedding),
        ],
        Inputs = [new("gen_ai.prompt", LangChainMessages.Inputs)],
        Outputs = [new("gen_ai.completion", LangChainMessages.Outputs)],
        Tools = [new("gen_ai.prompt", ToolDefinitions.Member("tools"))],
        Usage =
        [
            new(UsagePart.CacheRead, "gen_ai.usage.input_token_details", "cache_read"),
            new(UsagePart.CacheWrite, "gen_ai.usage.input_token_details", "cache_creation"),
            new(UsagePart.InputAudio, "gen_ai.usage.input_token_details", "audio"),
            new(UsagePart.Reasoning, "gen_ai.usage.output_token_details", "reasoning"),
            new(UsagePart.OutputAudio, "gen_ai.usage.output_token_details", "audio"),
        ],
        Sessions = ["langsmith.metadata.session_id", "langsmith.metadata.thread_id", "langsmith.metadata.conversation_id"],
        Users = ["langsmith.metadata.user_id"],

        // Its status is OK even where the run failed.
        Errors = [new(null, null, null, OverridesOk: true)],
    };
}
