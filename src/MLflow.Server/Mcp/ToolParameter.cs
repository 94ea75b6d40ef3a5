namespace MLflow.Server.Mcp;

/// <summary>An argument of a tool.</summary>
/// <param name="Name">As MLflow's own MCP server names it, where it has it.</param>
/// <param name="Type">What JSON may stand there.</param>
/// <param name="Description">For the model that calls: what it means, and what is taken without it.</param>
internal sealed record ToolParameter(string Name, ToolParameterType Type, string Description)
{
    public bool IsRequired { get; init; }

    /// <summary>The least that a number may be.</summary>
    public int Minimum { get; init; }

    /// <summary>The most that a number may be.</summary>
    public int Maximum { get; init; } = int.MaxValue;

    /// <summary>What a number is that is not given.</summary>
    public int Default { get; init; }

    /// <summary>The texts that may stand there; empty for any.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}
