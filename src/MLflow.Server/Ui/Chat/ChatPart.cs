namespace MLflow.Server.Ui.Chat;

/// <summary>A piece of a message.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text, the URI, the JSON, or words for what is not shown.</param>
public sealed record ChatPart(ChatPartKind Kind, string Text);
