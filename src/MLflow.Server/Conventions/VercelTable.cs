namespace MLflow.Server.Conventions;

/// <summary>Vercel's AI SDK 5 and 6, and the legacy form of 7; 7's own form is OpenTelemetry's. https://ai-sdk.dev/docs/ai-sdk-core/telemetry</summary>
internal static class VercelTable
{
    private const string Operation = "ai.operationId";

    public static ConventionTable Table { get; } = new()
    {
        Name = "Vercel AI SDK",
        Types =
        [
            new(Operation, "ai.toolCall", SpanType.Tool),
            new(Operation, "ai.embed*", SpanType.Embedding),
            new(Operation, "ai.rerank*", SpanType.Reranker),
            new(Operation, "ai.generateText*", SpanType.Llm),
            new(Operation, "ai.streamText*", SpanType.Llm),
            new(Operation, "ai.generateObject*", SpanType.Llm),
            new(Operation, "ai.streamObject*", SpanType.Llm),
        ],
        Inputs =
        [
            new("ai.prompt.messages", VercelMessages.Messages),
            new("ai.prompt", VercelMessages.Prompt),
            new("ai.toolCall.args", PlainValues.Unfolded),
            new("ai.values", PlainValues.ListOfJson),
            new("ai.value", PlainValues.Unfolded),
        ],
        Outputs =
        [
            new("ai.response.text", VercelMessages.Answer),
            new("ai.toolCall.result", PlainValues.Unfolded),
            new("ai.embeddings", PlainValues.ListOfJson),
            new("ai.embedding", PlainValues.Unfolded),
        ],
        Tools = [new("ai.prompt.tools", ToolDefinitions.List)],
        Models = ["ai.response.model", "ai.model.id"],
        Providers = ["ai.model.provider"],
        Usage =
        [
            new(UsagePart.Input, "ai.usage.inputTokens"),
            new(UsagePart.Input, "ai.usage.promptTokens"),
            new(UsagePart.Input, "ai.usage.tokens"),
            new(UsagePart.Output, "ai.usage.outputTokens"),
            new(UsagePart.Output, "ai.usage.completionTokens"),
            new(UsagePart.Total, "ai.usage.totalTokens"),
            new(UsagePart.CacheRead, "ai.usage.inputTokenDetails.cacheReadTokens"),
            new(UsagePart.CacheRead, "ai.usage.cachedInputTokens"),
            new(UsagePart.CacheWrite, "ai.usage.inputTokenDetails.cacheWriteTokens"),
            new(UsagePart.Reasoning, "ai.usage.outputTokenDetails.reasoningTokens"),
            new(UsagePart.Reasoning, "ai.usage.reasoningTokens"),
        ],
        Sessions = ["ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.session.id", "ai.settings.context.sessionId"],
        Users = ["ai.telemetry.metadata.userId", "ai.telemetry.metadata.user.id", "ai.settings.context.userId"],
        FirstTokens = [new("ai.response.msToFirstChunk", 1), new("ai.stream.msToFirstChunk", 1)],
    };
}
