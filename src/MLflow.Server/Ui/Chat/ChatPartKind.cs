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

    /// <summary>Where a statement comes from.</summary>
    Citation,

    /// <summary>What a tool of the provider did: a search, code that it ran.</summary>
    BuiltIn,

    /// <summary>Data: shown as JSON.</summary>
    Json,

    /// <summary>A part of a kind that the page does not know: a notice, and its JSON.</summary>
    Unknown,
}
