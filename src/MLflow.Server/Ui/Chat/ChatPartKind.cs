namespace MLflow.Server.Ui.Chat;

/// <summary>What a piece of a message is.</summary>
public enum ChatPartKind
{
    Text,

    /// <summary>A picture as a <c>data:</c> URI, shown.</summary>
    Image,

    /// <summary>A picture somewhere else: named and linked, not loaded.</summary>
    RemoteImage,

    Audio,
    File,
    Refusal,
    Reasoning,

    /// <summary>A part of a kind that the page does not know: shown as JSON.</summary>
    Json,
}
