namespace MLflow;

/// <summary>
/// The one line that a list shows of a trace's inputs or outputs: the last user or assistant message of a chat, else the JSON text
/// (the rules of MLflow 3's <c>mlflow.tracing.utils.truncation</c>).
/// </summary>
internal static class TracePreview
{
    /// <summary>Characters that a server keeps; longer text ends in three dots.</summary>
    public const int MaxLength = 1000;

    public static string? OfRequest(AttributeValue? inputs, int length = MaxLength) => Of(inputs, "user"u8, length);

    public static string? OfResponse(AttributeValue? outputs, int length = MaxLength) => Of(outputs, "assistant"u8, length);

    public static string Cut(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        // Half a surrogate pair is not a character.
        var end = length - 3;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "...");
    }

    /// <summary>Of JSON text, the message that stands for it, else the text itself.</summary>
    public static string? LastMessage(ReadOnlySpan<byte> json, ReadOnlySpan<byte> role, int length = MaxLength) =>
        ChatText.Last(json, role, length + 1) is { } text ? Cut(text, length) : null;

    private static string? Of(AttributeValue? value, ReadOnlySpan<byte> role, int length)
    {
        if (value is not { } present)
        {
            return null;
        }

        return (present.Kind == AttributeValueKind.Json ? LastMessage(present.Json, role, length) : null) ?? Cut(AttributeJson.StartOf(present, length), length);
    }
}
