namespace MLflow.Server.Conventions;

/// <summary>
/// OpenTelemetry's conventions for generative AI, each version since 1.28 and the names of 1.27 that some still send,
/// https://github.com/open-telemetry/semantic-conventions-genai
/// </summary>
internal static class GenAiTable
{
    public static ConventionTable Table { get; } = new()
    {
        Name = "OpenTelemetry gen_ai",
        Types =
        [
            new("gen_ai.operation.name", "chat", SpanType.ChatModel),
            new("gen_ai.operation.name", "generate_content", SpanType.Llm),
            new("gen_ai.operation.name", "text_completion", SpanType.Llm),
            new("gen_ai.operation.name", "response", SpanType.Llm),
            new("gen_ai.operation.name", "embeddings", SpanType.Embedding),
            new("gen_ai.operation.name", "execute_tool", SpanType.Tool),
            new("gen_ai.operation.name", "create_agent", SpanType.Agent),
            new("gen_ai.operation.name", "invoke_agent", SpanType.Agent),
            new("gen_ai.operation.name", "invoke_workflow", SpanType.Workflow),
            new("gen_ai.operation.name", "retrieval", SpanType.Retriever),
            new("gen_ai.operation.name", "plan", SpanType.Chain),
            new("gen_ai.operation.name", "agent_step", SpanType.Chain),
        ],
        Inputs =
        [
            new("gen_ai.input.messages", GenAiMessages.Inputs),
            new(".message", MessageEvents.Inputs),
            new("gen_ai.content.prompt", MessageEvents.Attribute("gen_ai.prompt")),
            new("gen_ai.tool.call.arguments", PlainValues.Unfolded),
            new("gen_ai.retrieval.query.text", PlainValues.AsIs),
            new("gen_ai.prompt", PlainValues.Unfolded),
        ],
        Outputs =
        [
            new("gen_ai.output.messages", GenAiMessages.Outputs),
            new(MessageEvents.Choice, MessageEvents.Outputs),
            new("gen_ai.content.completion", MessageEvents.Attribute("gen_ai.completion")),
            new("gen_ai.tool.call.result", PlainValues.Unfolded),
            new("gen_ai.retrieval.documents", PlainValues.Unfolded),
            new("gen_ai.completion", PlainValues.Answer),
        ],
        Tools = [new("gen_ai.tool.definitions", ToolDefinitions.List)],
        Models = ["gen_ai.response.model", "gen_ai.request.model"],
        Providers = ["gen_ai.provider.name", "gen_ai.system"],
        Usage =
        [
            new(UsagePart.Input, "gen_ai.usage.input_tokens"),
            new(UsagePart.Input, "gen_ai.usage.prompt_tokens"),
            new(UsagePart.Output, "gen_ai.usage.output_tokens"),
            new(UsagePart.Output, "gen_ai.usage.completion_tokens"),
            new(UsagePart.Total, "gen_ai.usage.total_tokens"),
            new(UsagePart.CacheRead, "gen_ai.usage.cache_read.input_tokens"),
            new(UsagePart.CacheWrite, "gen_ai.usage.cache_creation.input_tokens"),
            new(UsagePart.InputAudio, "gen_ai.usage.audio.input_tokens"),
            new(UsagePart.Reasoning, "gen_ai.usage.reasoning.output_tokens"),
            new(UsagePart.Reasoning, "gen_ai.usage.reasoning_tokens"),
            new(UsagePart.OutputAudio, "gen_ai.usage.audio.output_tokens"),
        ],
        Sessions = ["session.id", "gen_ai.conversation.id"],
        Users = ["user.id", "enduser.id"],
        FirstTokens = [new("gen_ai.response.time_to_first_chunk", 1000), new("gen_ai.client.operation.time_to_first_chunk", 1000)],
        Errors = [new("error.type", null, null, OverridesOk: false)],
    };
}
