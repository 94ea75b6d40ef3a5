namespace MLflow.Server.Conventions;

/// <summary>OpenInference, https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md</summary>
internal static class OpenInferenceTable
{
    private const string Kind = "openinference.span.kind";

    public static ConventionTable Table { get; } = new()
    {
        Name = "OpenInference",
        Types =
        [
            new(Kind, "LLM", SpanType.Llm),
            new(Kind, "CHAIN", SpanType.Chain),
            new(Kind, "TOOL", SpanType.Tool),
            new(Kind, "AGENT", SpanType.Agent),
            new(Kind, "EMBEDDING", SpanType.Embedding),
            new(Kind, "RETRIEVER", SpanType.Retriever),
            new(Kind, "RERANKER", SpanType.Reranker),
            new(Kind, "GUARDRAIL", SpanType.Guardrail),
            new(Kind, "EVALUATOR", SpanType.Evaluator),
            new(Kind, "PROMPT", SpanType.Parser),
        ],
        Inputs =
        [
            new("input.value", PlainValues.AsIs),
            new("llm.input_messages.", NumberedMessages.OpenInferenceInputs),
            new("embedding.embeddings.", OpenInferenceEmbeddings.Texts),
            new("tool.parameters", PlainValues.Unfolded),
        ],
        Outputs =
        [
            new("retrieval.documents.", OpenInferenceEmbeddings.Documents),
            new("reranker.output_documents.", OpenInferenceEmbeddings.Documents),
            new("output.value", PlainValues.Answer),
            new("llm.output_messages.", NumberedMessages.OpenInferenceOutputs),
            new("embedding.embeddings.", OpenInferenceEmbeddings.Vectors),
        ],
        Tools = [new("llm.tools.", ToolDefinitions.Numbered)],
        Models = ["llm.model_name", "embedding.model_name", "reranker.model_name"],
        Providers = ["llm.provider", "llm.system"],
        Usage =
        [
            new(UsagePart.Input, "llm.token_count.prompt"),
            new(UsagePart.Output, "llm.token_count.completion"),
            new(UsagePart.Total, "llm.token_count.total"),
            new(UsagePart.CacheRead, "llm.token_count.prompt_details.cache_read"),
            new(UsagePart.CacheWrite, "llm.token_count.prompt_details.cache_write"),
            new(UsagePart.InputAudio, "llm.token_count.prompt_details.audio"),
            new(UsagePart.Reasoning, "llm.token_count.completion_details.reasoning"),
            new(UsagePart.OutputAudio, "llm.token_count.completion_details.audio"),
        ],
        Sessions = ["session.id"],
        Users = ["user.id"],
    };
}
