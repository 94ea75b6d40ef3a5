using System.Text.Json;

namespace MLflow;

/// <summary>
/// Finds the message of a conversation that stands for it in a list (the rules of MLflow 3's <c>mlflow.tracing.utils.truncation</c>).
/// It reads once through the text and builds nothing: conversations are long, and every trace has two.
/// </summary>
internal static class ChatText
{
    /// <summary>Text of the last message of <paramref name="role"/>, else of the last message; null where there is none.</summary>
    /// <param name="json">A request or response in OpenAI's shape, or anything else.</param>
    /// <param name="role"><c>user</c> or <c>assistant</c>.</param>
    /// <param name="maxLength">Characters after which the text may be cut.</param>
    public static string? Last(ReadOnlySpan<byte> json, ReadOnlySpan<byte> role, int maxLength)
    {
        try
        {
            var reader = new Utf8JsonReader(json, AttributeJson.ReaderOptions);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject && Conversation(ref reader, role) is { Length: > 0 } found)
            {
                return AttributeJson.StartOfString(json.Slice(found.Start, found.Length), maxLength) is { Length: > 0 } text ? text : null;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or half of a surrogate pair: shown as it is.
        }

        return null;
    }

    /// <summary>Reads an object. The first of these that it has counts: messages, the first choice, input, output, the same within a request.</summary>
    /// <returns>Where the text is: empty when the conversation has none, null when there is no conversation.</returns>
    private static ChatTextSpan? Conversation(ref Utf8JsonReader reader, ReadOnlySpan<byte> role)
    {
        ChatTextSpan? choice = null, input = null, output = null, request = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (IsBefore(ref reader, "messages"u8, JsonTokenType.StartArray))
            {
                return Messages(ref reader, role);
            }

            if (IsBefore(ref reader, "choices"u8, JsonTokenType.StartArray))
            {
                choice = Choices(ref reader);
            }
            else if (IsBefore(ref reader, "input"u8, JsonTokenType.StartArray))
            {
                input = Messages(ref reader, role);
            }
            else if (IsBefore(ref reader, "output"u8, JsonTokenType.StartArray))
            {
                output = Messages(ref reader, role);
            }
            else if (IsBefore(ref reader, "request"u8, JsonTokenType.StartObject))
            {
                request = Conversation(ref reader, role);
                SkipRest(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return choice ?? input ?? output ?? request;
    }

    /// <summary>Reads the value of the property when it has that name; true when the value begins so.</summary>
    private static bool IsBefore(ref Utf8JsonReader reader, ReadOnlySpan<byte> name, JsonTokenType begin)
    {
        if (reader.TokenType != JsonTokenType.PropertyName || !reader.ValueTextEquals(name))
        {
            return false;
        }

        reader.Read();
        return reader.TokenType == begin;
    }

    /// <summary>Leaves an object in whose midst reading ended.</summary>
    private static void SkipRest(ref Utf8JsonReader reader)
    {
        while (reader.TokenType != JsonTokenType.EndObject && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            reader.Skip();
        }
    }

    private static ChatTextSpan Messages(ref Utf8JsonReader reader, ReadOnlySpan<byte> role)
    {
        ChatTextSpan last = default;
        ChatTextSpan? lastOfRole = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.StartObject && Message(ref reader, role, out var isOfRole) is { } text)
            {
                last = text;
                lastOfRole = isOfRole ? text : lastOfRole;
            }
            else
            {
                reader.Skip();
            }
        }

        return lastOfRole ?? last;
    }

    /// <returns>Null when the first choice has no message.</returns>
    private static ChatTextSpan? Choices(ref Utf8JsonReader reader)
    {
        ChatTextSpan? text = null;
        var isFirst = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (!isFirst || reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
            }
            else
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    if (IsBefore(ref reader, "message"u8, JsonTokenType.StartObject))
                    {
                        text = Message(ref reader, default, out _) ?? default;
                    }
                    else
                    {
                        reader.Skip();
                    }
                }
            }

            isFirst = false;
        }

        return text;
    }

    /// <returns>Where the text is; null when the object has no content.</returns>
    private static ChatTextSpan? Message(ref Utf8JsonReader reader, ReadOnlySpan<byte> role, out bool isOfRole)
    {
        isOfRole = false;
        var hasRole = role.IsEmpty;
        ChatTextSpan? content = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("role"u8))
            {
                hasRole = true;
                reader.Read();
                isOfRole = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(role);
            }
            else if (reader.ValueTextEquals("content"u8))
            {
                reader.Read();
                content = reader.TokenType switch
                {
                    JsonTokenType.String => ChatTextSpan.Of(ref reader),
                    JsonTokenType.StartArray => Parts(ref reader),
                    _ => default(ChatTextSpan),
                };
            }

            reader.Skip();
        }

        return hasRole ? content : null;
    }

    private static ChatTextSpan Parts(ref Utf8JsonReader reader)
    {
        ChatTextSpan? first = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (first is not null)
            {
                reader.Skip();
            }
            else if (reader.TokenType == JsonTokenType.String)
            {
                first = ChatTextSpan.Of(ref reader);
            }
            else if (reader.TokenType == JsonTokenType.StartObject)
            {
                first = Part(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return first ?? default;
    }

    private static ChatTextSpan? Part(ref Utf8JsonReader reader)
    {
        var isText = false;
        ChatTextSpan? text = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                reader.Read();
                isText = reader.TokenType == JsonTokenType.String && (reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("output_text"u8));
            }
            else if (reader.ValueTextEquals("text"u8))
            {
                reader.Read();
                text = reader.TokenType == JsonTokenType.String ? ChatTextSpan.Of(ref reader) : null;
            }

            reader.Skip();
        }

        return isText ? text : null;
    }
}
