using System.Text.Json;

namespace MLflow.Server.Ui.Chat;

/// <summary>A message of a conversation.</summary>
public sealed record ChatMessage
{
    /// <summary>As sent: <c>system</c>, <c>developer</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or any other word.</summary>
    public required string Role { get; init; }

    public string? Name { get; init; }

    public IReadOnlyList<ChatPart> Parts { get; init; } = [];

    public IReadOnlyList<ToolCall> Calls { get; init; } = [];

    /// <summary>For a tool's result: the id of the call it answers.</summary>
    public string? AnswersCallId { get; init; }

    /// <summary>The call that this message answers.</summary>
    public ToolCall? Answers { get; set; }

    /// <summary>True when the model said it in this call.</summary>
    public bool IsOutput { get; init; }

    /// <summary>Index of the choice when a response has more than one.</summary>
    public int? Choice { get; init; }

    public string? FinishReason { get; init; }

    /// <summary>The message as recorded; two calls share a message when these are equal.</summary>
    public JsonElement Source { get; init; }

    public bool IsToolResult => AnswersCallId is not null || Role is "tool" or "function";

    /// <summary>The text of all text parts.</summary>
    public string Text => string.Join("\n\n", Parts.Where(part => part.Kind == ChatPartKind.Text).Select(part => part.Text));
}
