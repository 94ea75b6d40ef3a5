namespace MLflow.Server.Conventions;

/// <summary>Langfuse's SDKs, https://langfuse.com/integrations/native/opentelemetry</summary>
internal static class LangfuseTable
{
    private const string Type = "langfuse.observation.type";
    private const string Input = "langfuse.observation.input";
    private const string Usage = "langfuse.observation.usage_details";

    public static ConventionTable Table { get; } = new()
    {
        Name = "Langfuse",
        Types =
        [
            new(Type, "generation", SpanType.Llm),
            new(Type, "span", SpanType.Chain),
            new(Type, "chain", SpanType.Chain),
            new(Type, "agent", SpanType.Agent),
            new(Type, "tool", SpanType.Tool),
            new(Type, "retriever", SpanType.Retriever),
            new(Type, "embedding", SpanType.Embedding),
            new(Type, "evaluator", SpanType.Evaluator),
            new(Type, "guardrail", SpanType.Guardrail),
        ],
        Inputs = [new(Input, PlainValues.AsIs), new("langfuse.trace.input", PlainValues.AsIs)],
        Outputs = [new("langfuse.observation.output", PlainValues.Answer), new("langfuse.trace.output", PlainValues.AsIs)],
        Tools = [new(Input, ToolDefinitions.Member("tools")), new("langfuse.observation.metadata.tools", ToolDefinitions.List)],
        Models = ["langfuse.observation.model.name"],
        Usage =
        [
            new(UsagePart.Input, Usage, "input"),
            new(UsagePart.Input, Usage, "prompt_tokens"),
            new(UsagePart.Output, Usage, "output"),
            new(UsagePart.Output, Usage, "completion_tokens"),
            new(UsagePart.Total, Usage, "total"),
            new(UsagePart.Total, Usage, "total_tokens"),
            new(UsagePart.CacheRead, Usage, "input_cached_tokens"),
            new(UsagePart.CacheRead, Usage, "cache_read_input_tokens"),
            new(UsagePart.CacheWrite, Usage, "cache_creation_input_tokens"),
            new(UsagePart.InputAudio, Usage, "input_audio_tokens"),
            new(UsagePart.Reasoning, Usage, "output_reasoning_tokens"),
            new(UsagePart.OutputAudio, Usage, "output_audio_tokens"),
        ],
        Costs = [new("langfuse.observation.cost_details", PlainValues.Cost)],
        Sessions = ["langfuse.session.id", "session.id"],
        Users = ["langfuse.user.id", "user.id"],
        Errors = [new("langfuse.observation.level", "ERROR", "langfuse.observation.status_message", OverridesOk: true)],
    };
}
