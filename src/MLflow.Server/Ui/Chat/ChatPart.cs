namespace MLflow.Server.Ui.Chat;

/// <summary>A piece of a message.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text, the address, the JSON, or words for what is not shown.</param>
public sealed record ChatPart(ChatPartKind Kind, string Text)
{
    /// <summary>A file's name, a tool's, the type of a part that is not known.</summary>
    public string? Name { get; init; }

    /// <summary>Audio or a file as a <c>data:</c> address; of a citation the address of its page.</summary>
    public string? Url { get; init; }

    /// <summary>Of a tool that the provider runs: everything that it told, as JSON.</summary>
    public string? Json { get; init; }
}
