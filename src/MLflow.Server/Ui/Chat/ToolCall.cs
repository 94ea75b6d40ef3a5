using System.Text.Json;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Chat;

/// <summary>A function that the model asked for.</summary>
public sealed record ToolCall
{
    public string? Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Arguments as the model wrote them; may not be JSON.</summary>
    public required string Arguments { get; init; }

    /// <summary>The arguments when they are a JSON object.</summary>
    public JsonElement Parsed { get; init; }

    /// <summary>Number of its siding, from 1, within the conversation.</summary>
    public int Number { get; set; }

    /// <summary>The step that ran it, or null when none was found.</summary>
    public SpanNode? RanAs { get; set; }

    /// <summary>What the tool's schema has against the arguments; null when there is no schema to check.</summary>
    public IReadOnlyList<ArgumentProblem>? Problems { get; set; }
}
