namespace MLflow.Server.Conventions;

/// <summary>All conventions, those with names of their own before those that extend OpenTelemetry's, and OpenTelemetry's last.</summary>
internal static class ConventionTables
{
    public static IReadOnlyList<ConventionTable> All { get; } =
    [
        LangfuseTable.Table,
        LangSmithTable.Table,
        OpenInferenceTable.Table,
        VercelTable.Table,
        TraceloopTable.Table,
        LogfireTable.Table,
        DotNetTables.ExtensionsAi,
        DotNetTables.AgentFramework,
        DotNetTables.SemanticKernel,
        DotNetTables.OpenAi,
        GenAiTable.Table,
    ];

    /// <summary>Beginnings of the names of attributes and events that the tables read; a span without any of them is left alone at once.</summary>
    public static bool Reads(string name) => name switch
    {
        ['g', 'e', 'n', '_', 'a', 'i', '.', ..] or ['l', 'l', 'm', '.', ..] or ['a', 'i', '.', ..] => true,
        "input.value" or "output.value" or "enduser.id" => true,
        "request_data" or "response_data" or "events" or "all_messages_events" or "agent_name" or "final_result" or "tool_arguments" or "tool_response" => true,
        _ => name.StartsWith("openinference.", StringComparison.Ordinal)
            || name.StartsWith("traceloop.", StringComparison.Ordinal)
            || name.StartsWith("langfuse.", StringComparison.Ordinal)
            || name.StartsWith("langsmith.", StringComparison.Ordinal)
            || name.StartsWith("embedding.", StringComparison.Ordinal)
            || name.StartsWith("retrieval.", StringComparison.Ordinal)
            || name.StartsWith("reranker.", StringComparison.Ordinal)
            || name.StartsWith("pydantic_ai.", StringComparison.Ordinal)
            || name.StartsWith("tool.parameters", StringComparison.Ordinal),
    };
}
