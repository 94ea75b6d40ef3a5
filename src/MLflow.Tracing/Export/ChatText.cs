using System.Text.Json;

namespace MLflow;

/// <summary>Finds the message of a conversation that stands for it in a list (the rules of MLflow 3's <c>mlflow.tracing.utils.truncation</c>).</summary>
internal static class ChatText
{
    /// <summary>Text of the last message of <paramref name="role"/>, else of the last message; null where there is none.</summary>
    /// <param name="value">A request or response in OpenAI's shape, or anything else.</param>
    /// <param name="role"><c>user</c> or <c>assistant</c>.</param>
    /// <exception cref="InvalidOperationException">The text holds half of a surrogate pair.</exception>
    public static string? Last(JsonElement value, string role) =>
        value.ValueKind == JsonValueKind.Object && Messages(value) is { Count: > 0 } messages
            && Text(messages.LastOrDefault(m => HasRole(m, role), messages[^1])) is { Length: > 0 } text
            ? text
            : null;

    private static List<JsonElement>? Messages(JsonElement value)
    {
        if (value.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
        {
            return [.. messages.EnumerateArray().Where(IsMessage)];
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
                return [.. items.EnumerateArray().Where(IsMessage)];
            }
        }

        return value.TryGetProperty("request", out var request) && request.ValueKind == JsonValueKind.Object ? Messages(request) : null;
    }

    private static bool IsMessage(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty("role", out _) && item.TryGetProperty("content", out _);

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
