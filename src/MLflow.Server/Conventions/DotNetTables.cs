namespace MLflow.Server.Conventions;

/// <summary>Libraries of .NET that follow OpenTelemetry's conventions, each with its own ways.</summary>
internal static class DotNetTables
{
    /// <summary>Microsoft.Extensions.AI 10: its loop over tools has no operation; conversation ids of the Responses API are ids of responses.</summary>
    public static ConventionTable ExtensionsAi { get; } = GenAiTable.Table with
    {
        Name = "Microsoft.Extensions.AI",
        Scopes = ["Experimental.Microsoft.Extensions.AI", "Microsoft.Extensions.AI"],
        Types = [new(TypeRow.NameOfSpan, "orchestrate_tools*", SpanType.Chain), .. GenAiTable.Table.Types],
    };

    /// <summary>Agent Framework 1: an agent's span has a model and usage as a call to a model has, so the operation decides.</summary>
    public static ConventionTable AgentFramework { get; } = GenAiTable.Table with
    {
        Name = "Agent Framework",
        Scopes = ["Experimental.Microsoft.Agents.AI", "Microsoft.Agents.AI"],
        Types = [.. GenAiTable.Table.Types, new(TypeRow.NameOfSpan, "workflow*", SpanType.Workflow), new(TypeRow.NameOfSpan, "executor.process*", SpanType.Task)],
    };

    /// <summary>Semantic Kernel 1: messages as events of the span; a prompt function is a "tool" around a call to a model.</summary>
    public static ConventionTable SemanticKernel { get; } = GenAiTable.Table with
    {
        Name = "Semantic Kernel",
        Scopes = ["Microsoft.SemanticKernel"],
        Types = [new(TypeRow.NameOfSpan, "execute_tool InvokePromptAsync_*", SpanType.Chain), new("gen_ai.operation.name", "chat.completions", SpanType.ChatModel), new("gen_ai.operation.name", "text.completions", SpanType.Llm), .. GenAiTable.Table.Types],
    };

    /// <summary>The OpenAI package's own telemetry: no content; Responses are <c>chat</c>, too.</summary>
    public static ConventionTable OpenAi { get; } = GenAiTable.Table with
    {
        Name = "OpenAI .NET",
        Scopes = ["OpenAI."],
    };
}
