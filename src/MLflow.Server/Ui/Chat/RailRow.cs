namespace MLflow.Server.Ui.Chat;

/// <summary>A row of the conversation: a message's head and text, or one tool call.</summary>
/// <param name="Row">Grid row, from 1.</param>
/// <param name="Message">The message that the row belongs to.</param>
/// <param name="Call">The tool call, or null for the message itself.</param>
public sealed record RailRow(int Row, ChatMessage Message, ToolCall? Call);
