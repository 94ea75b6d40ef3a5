using System.Text;
using System.Text.Json;

namespace MLflow.Server.Ui.Formatting;

/// <summary>Says in one line what a request asked or a response said, whatever shape it was recorded in.</summary>
public static class PreviewText
{
    /// <summary>The user's question out of inputs or a request preview.</summary>
    public static string Request(string? preview) => Of(preview, "user");

    /// <summary>The answer out of outputs or a response preview.</summary>
    public static string Response(string? preview) => Of(preview, "assistant");

    /// <summary>The text in an element, or null when there is none that reads as text.</summary>
    public static string? Find(JsonElement element, string role)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                return element.GetString();
            case JsonValueKind.Array when element.GetArrayLength() > 0:
                return Messages(element, role);
            case JsonValueKind.Object:
                break;
            default:
                return null;
        }

        foreach (var name in (ReadOnlySpan<string>)["messages", "input", "output"])
        {
            var member = element.Member(name);
            if (member.ValueKind == JsonValueKind.Array && Messages(member, role) is { } text)
            {
                return text;
            }
        }

        if (element.Member("choices").Items().Select(Choice).FirstOrDefault(text => text is not null) is { } answer)
        {
            return answer;
        }

        // {"q": "…"}, {"question": "…"}: one text and nothing else, or one text among settings.
        var texts = element.Members().Where(member => member.Value.ValueKind == JsonValueKind.String).ToList();
        return texts.Count == 1 && element.Members().Count() == 1 ? texts[0].Value.GetString()
            : element.Text("input") ?? element.Text("prompt") ?? element.Text("question") ?? element.Text("query");
    }

    /// <summary>Cuts at a length in characters, never inside a surrogate pair.</summary>
    public static string Cut(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        var end = char.IsHighSurrogate(text[length - 2]) ? length - 2 : length - 1;
        return string.Concat(text.AsSpan(0, end).TrimEnd(), "…");
    }

    /// <summary>The text of a message's content: a string, or the text parts of a list; media as words.</summary>
    public static string? Content(JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            return content.GetString();
        }

        var texts = content.Items().Select(part => part.Text("text") ?? part.Text("refusal") ?? Media(part)).Where(text => text is not null);
        var joined = string.Join(" ", texts);
        return joined.Length == 0 ? null : joined;
    }

    private static string Of(string? preview, string role)
    {
        if (string.IsNullOrWhiteSpace(preview))
        {
            return "";
        }

        if (TolerantJson.TryParse(preview, out var element))
        {
            return OneLine(Find(element, role) is { Length: > 0 } text ? text : preview);
        }

        // Previews are cut at 1,000 characters, often in the middle of JSON: the last text before the cut is the best there is.
        return OneLine(preview[0] is '{' or '[' or '"' ? LastText(preview) ?? preview : preview);
    }

    private static string? Messages(JsonElement messages, string role)
    {
        string? any = null;
        string? wanted = null;
        foreach (var message in messages.Items())
        {
            if (message.ValueKind == JsonValueKind.String && messages.GetArrayLength() == 1)
            {
                return message.GetString();
            }

            if (Content(message.Member("content")) is not { Length: > 0 } text)
            {
                continue;
            }

            any = text;
            wanted = message.Text("role") == role ? text : wanted;
        }

        return wanted ?? any ?? messages.Items().Select(ResponseCall).LastOrDefault(call => call is not null);
    }

    private static string? ResponseCall(JsonElement item) => item.Text("type") == "function_call" ? $"{item.Text("name")}({item.Text("arguments")})" : null;

    private static string? Choice(JsonElement choice)
    {
        var message = choice.Member("message");
        if (Content(message.Member("content")) is { Length: > 0 } text)
        {
            return text;
        }

        var calls = message.Member("tool_calls").Items()
            .Select(call => call.Member("function"))
            .Select(function => $"{function.Text("name")}({function.Text("arguments")})")
            .ToList();
        return calls.Count > 0 ? string.Join(", ", calls) : message.Text("refusal") ?? choice.Text("text");
    }

    private static string? Media(JsonElement part) => part.Text("type") switch
    {
        "image_url" or "input_image" => "[image]",
        "input_audio" => "[audio]",
        "file" or "input_file" => "[file]",
        _ => null,
    };

    private static string? LastText(string preview)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(preview), isFinalBlock: false, state: default);
        string? found = null;
        var isText = false;
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    isText = reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("input"u8) || reader.ValueTextEquals("prompt"u8);
                }
                else if (reader.TokenType == JsonTokenType.String && isText)
                {
                    found = reader.GetString() is { Length: > 0 } text ? text : found;
                    isText = false;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON after all, or cut inside an escape: what was read until here counts.
        }

        return found;
    }

    // Marks of Markdown's emphasis and code say nothing on one line.
    private static string OneLine(string text) => string.Join(' ', text.Replace("**", "", StringComparison.Ordinal).Replace("`", "", StringComparison.Ordinal).Split((char[])['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
