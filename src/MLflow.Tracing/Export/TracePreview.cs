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
        return Cut(present.Kind == AttributeValueKind.Json ? ChatText(present.Json, role) ?? json : json, MaxLength);
    }

    private static string? ChatText(ReadOnlySpan<byte> json, string role)
    {
        try
        {
            var reader = new Utf8JsonReader(json, AttributeJson.ReaderOptions);
            using var document = JsonDocument.ParseValue(ref reader);
            return document.RootElement.ValueKind == JsonValueKind.Object && Messages(document.RootElement) is { Count: > 0 } messages
                && Text(messages.LastOrDefault(m => HasRole(m, role), messages[^1])) is { Length: > 0 } text
                ? text
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static List<JsonElement>? Messages(JsonElement value)
    {
        if (value.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
        {
            return [.. messages.EnumerateArray().Where(m => m.ValueKind == JsonValueKind.Object && m.TryGetProperty("role", out _) && m.TryGetProperty("content", out _))];
        }

        if (value.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array && choices.GetArrayLength() > 0
            && choices[0].ValueKind == JsonValueKind.Object && choices[0].TryGetProperty("message", out var message))
        {
            return [message];
        }

        foreach (var name in (ReadOnlySpan<string>)["input", "output"])
        {
            if (value.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array)
            {
                return [.. items.EnumerateArray().Where(m => m.ValueKind == JsonValueKind.Object && m.TryGetProperty("role", out _) && m.TryGetProperty("content", out _))];
            }
        }

        return value.TryGetProperty("request", out var request) && request.ValueKind == JsonValueKind.Object ? Messages(request) : null;
    }

    private static bool HasRole(JsonElement message, string role) =>
        message.ValueKind == JsonValueKind.Object && message.TryGetProperty("role", out var value) && value.ValueKind == JsonValueKind.String && value.ValueEquals(role);

    private static string? Text(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("content", out var content))
        {
            return null;
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return content.GetString();
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        foreach (var part in content.EnumerateArray())
        {
            if (part.ValueKind == JsonValueKind.String)
            {
                return part.GetString();
            }

            if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
                && (type.ValueEquals("text") || type.ValueEquals("output_text")) && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
            {
                return text.GetString();
            }
        }

        return null;
    }
}
