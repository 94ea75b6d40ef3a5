namespace MLflow.Server.Conventions;

/// <summary>Pydantic's Logfire and Pydantic AI, where they have names of their own beside OpenTelemetry's, https://logfire.pydantic.dev/docs/</summary>
internal static class LogfireTable
{
    public static ConventionTable Table { get; } = new()
    {
        Name = "Logfire",
        Scopes = ["logfire", "pydantic-ai", "pydantic_ai"],
        Types =
        [
            new("gen_ai.operation.name", "chat", SpanType.ChatModel),
            new("gen_ai.tool.name", "*", SpanType.Tool),
            new("agent_name", "*", SpanType.Agent),
            new("request_data", "*", SpanType.ChatModel),
        ],
        Inputs =
        [
            new("request_data", PlainValues.Unfolded),
            new("events", EventLists.Inputs),
            new("all_messages_events", EventLists.Inputs),
            new("pydantic_ai.all_messages", GenAiMessages.Inputs),
            new("tool_arguments", PlainValues.Unfolded),
        ],
        Outputs =
        [
            new("response_data", EventLists.ResponseData),
            new("events", EventLists.Outputs),
            new("final_result", PlainValues.AsIs),
            new("tool_response", PlainValues.Unfolded),
        ],
        Tools = [new("request_data", ToolDefinitions.Member("tools"))],
    };
}
