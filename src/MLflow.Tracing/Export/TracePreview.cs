using System.Text.Json;

namespace MLflow;

/// <summary>
/// The one line that a list shows of a trace's inputs or outputs: the last user or assistant message of a chat, else the JSON text
/// (the rules of MLflow 3's <c>mlflow.tracing.utils.truncation</c>).
/// </summary>
internal static class TracePreview
{
    /// <summary>Characters that a server keeps; longer text ends in three dots.</summary>
    public const int MaxLength = 1000;

    public static string? OfRequest(AttributeValue? inputs) => Of(inputs, "user");

    public static string? OfResponse(AttributeValue? outputs) => Of(outputs, "assistant");

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

    private static string? Of(AttributeValue? value, string role)
    {
        if (value is not { } present)
        {
            return null;
        }

        var json = AttributeJson.StartOf(present, MaxLength);
        return Cut(present.Kind == AttributeValueKind.Json ? LastMessage(present.Json, role) ?? json : json, MaxLength);
    }

    private static string? LastMessage(ReadOnlySpan<byte> json, string role)
    {
        try
        {
            var reader = new Utf8JsonReader(json, AttributeJson.ReaderOptions);
            using var document = JsonDocument.ParseValue(ref reader);
            return ChatText.Last(document.RootElement, role);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
