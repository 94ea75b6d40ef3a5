using System.Text.Json;

namespace MLflow.Server.Traces;

/// <summary>
/// The short text that lists show of a root span's inputs and outputs: the last message of a conversation, or the JSON itself
/// (MLflow 3.11, <c>mlflow.tracing.utils.truncation</c>).
/// </summary>
internal static class RootPreview
{
    public const int MaxLength = 1000;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = StoredJson.MaxDepth };

    public static string? Of(string? json, string role)
    {
        if (json is null)
        {
            return null;
        }

        string? text = null;
        if (json.StartsWith('{'))
        {
            try
            {
                using var document = JsonDocument.Parse(json, Options);
                text = Messages(document.RootElement, role, depth: 0);
            }
            catch (JsonException)
            {
                // Shown as it is.
            }
        }

        return Truncate(string.IsNullOrEmpty(text) ? json : text);
    }

    private static string Truncate(string text)
    {
        if (text.Length <= MaxLength)
        {
            return text;
        }

        // Half of a surrogate pair is not text.
        var end = char.IsHighSurrogate(text[MaxLength - 4]) ? MaxLength - 4 : MaxLength - 3;
        return string.Concat(text.AsSpan(0, end), "...");
    }

    private static string? Messages(JsonElement value, string role, int depth)
    {
        if (value.ValueKind != JsonValueKind.Object || depth > 4)
        {
            return null;
        }

        if (IsList(value, "messages", out var messages))
        {
            return Last(messages.EnumerateArray().Where(message => IsMessage(message)), role);
        }

        if (IsList(value, "choices", out var choices) && choices.GetArrayLength() > 0
            && choices[0].ValueKind == JsonValueKind.Object && choices[0].TryGetProperty("message", out var choice))
        {
            return Text(choice);
        }

        if (IsList(value, "input", out var items) || IsList(value, "output", out items))
        {
            return Last(items.EnumerateArray().Where(item => IsMessage(item)), role);
        }

        return value.TryGetProperty("request", out var request) ? Messages(request, role, depth + 1) : null;
    }

    private static bool IsList(JsonElement value, string property, out JsonElement list) =>
        value.TryGetProperty(property, out list) && list.ValueKind == JsonValueKind.Array;

    private static bool IsMessage(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty("role", out _) && item.TryGetProperty("content", out _);

    private static string? Last(IEnumerable<JsonElement> messages, string role)
    {
        JsonElement? last = null;
        JsonElement? lastOfRole = null;
        foreach (var message in messages)
        {
            last = message;
            if (message.GetProperty("role") is { ValueKind: JsonValueKind.String } name && name.ValueEquals(role))
            {
                lastOfRole = message;
            }
        }

        return (lastOfRole ?? last) is { } found ? Text(found) : null;
    }

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

            if (part.ValueKind == JsonValueKind.Object
                && part.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() is "text" or "output_text"
                && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
            {
                return text.GetString();
            }
        }

        return null;
    }
}
