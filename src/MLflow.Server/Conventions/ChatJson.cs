using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>Writes conversations in the shape of OpenAI's chat completions, which lists, previews and the chat view read.</summary>
internal static class ChatJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1024 };

    /// <summary><c>{"messages":[…]}</c> with more members; null when nothing was said.</summary>
    public static string? Inputs(IReadOnlyList<ChatTurn> turns, IEnumerable<KeyValuePair<string, JsonElement>> more)
    {
        if (turns.All(turn => turn.IsEmpty))
        {
            return null;
        }

        return Write(writer =>
        {
            writer.WriteStartArray("messages");
            foreach (var turn in turns)
            {
                WriteTurn(writer, turn);
            }

            writer.WriteEndArray();
            foreach (var (name, value) in more)
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }
        });
    }

    /// <summary>
    /// <c>{"choices":[{"index":0,"message":{…},"finish_reason":"stop"}]}</c>; null when nothing was said. An agent's answer is several messages and no choices.
    /// </summary>
    public static string? Outputs(IReadOnlyList<ChatTurn> turns) => turns.All(turn => turn.IsEmpty) ? null : turns.Any(turn => turn.Role != "assistant") ? Inputs(turns, []) : Write(writer =>
    {
        writer.WriteStartArray("choices");
        for (var i = 0; i < turns.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteNumber("index", turns[i].Index ?? i);
            writer.WritePropertyName("message");
            WriteTurn(writer, turns[i]);
            if (turns[i].FinishReason is { } reason)
            {
                writer.WriteString("finish_reason", FinishReason(reason));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    /// <summary>The only choice of an answer: <c>{"choices":[{"index":0,"message":{…}}]}</c></summary>
    public static string Choice(JsonElement message) => Write(writer =>
    {
        writer.WriteStartArray("choices");
        writer.WriteStartObject();
        writer.WriteNumber("index", 0);
        writer.WritePropertyName("message");
        message.WriteTo(writer);
        writer.WriteEndObject();
        writer.WriteEndArray();
    });

    /// <summary>An object with what <paramref name="write"/> writes into it.</summary>
    public static string Write(Action<Utf8JsonWriter> write) => Text(writer =>
    {
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
    });

    /// <summary>An array with what <paramref name="write"/> writes into it.</summary>
    public static string WriteArray(Action<Utf8JsonWriter> write) => Text(writer =>
    {
        writer.WriteStartArray();
        write(writer);
        writer.WriteEndArray();
    });

    /// <summary>The value without white space.</summary>
    public static string Compact(JsonElement value) => Text(value.WriteTo);

    private static string Text(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // Libraries have their own words for the same end.
    private static string FinishReason(string reason) => reason.ToUpperInvariant() switch
    {
        "STOP" => "stop",
        "LENGTH" => "length",
        "TOOL_CALL" or "TOOL_CALLS" or "TOOL-CALLS" or "TOOLCALLS" => "tool_calls",
        "CONTENT_FILTER" or "CONTENT-FILTER" or "CONTENTFILTER" => "content_filter",
        _ => reason,
    };

    private static void WriteTurn(Utf8JsonWriter writer, ChatTurn turn)
    {
        writer.WriteStartObject();
        writer.WriteString("role", turn.Role);
        if (turn.Name is { } name)
        {
            writer.WriteString("name", name);
        }

        WriteContent(writer, [.. turn.Pieces.Where(piece => piece.Kind != ChatPieceKind.Reasoning)]);
        var reasoning = turn.Pieces.Where(piece => piece.Kind == ChatPieceKind.Reasoning).Select(piece => piece.Text).ToList();
        if (reasoning.Count > 0)
        {
            writer.WriteString("reasoning_content", string.Join("\n\n", reasoning));
        }

        if (turn.CallId is { } callId)
        {
            writer.WriteString("tool_call_id", callId);
        }

        if (turn.Calls.Count > 0)
        {
            writer.WriteStartArray("tool_calls");
            foreach (var call in turn.Calls)
            {
                writer.WriteStartObject();
                if (call.Id is { } id)
                {
                    writer.WriteString("id", id);
                }

                writer.WriteString("type", "function");
                writer.WriteStartObject("function");
                writer.WriteString("name", call.Name);
                writer.WriteString("arguments", call.Arguments);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter writer, List<ChatPiece> pieces)
    {
        if (pieces.Count == 0)
        {
            writer.WriteNull("content");
            return;
        }

        if (pieces is [{ Kind: ChatPieceKind.Text } only])
        {
            writer.WriteString("content", only.Text);
            return;
        }

        writer.WriteStartArray("content");
        foreach (var piece in pieces)
        {
            switch (piece.Kind)
            {
                case ChatPieceKind.Text:
                    writer.WriteStartObject();
                    writer.WriteString("type", "text");
                    writer.WriteString("text", piece.Text);
                    writer.WriteEndObject();
                    break;
                case ChatPieceKind.Image:
                    writer.WriteStartObject();
                    writer.WriteString("type", "image_url");
                    writer.WriteStartObject("image_url");
                    writer.WriteString("url", piece.Text);
                    writer.WriteEndObject();
                    writer.WriteEndObject();
                    break;
                default:
                    piece.Part.WriteTo(writer);
                    break;
            }
        }

        writer.WriteEndArray();
    }
}
