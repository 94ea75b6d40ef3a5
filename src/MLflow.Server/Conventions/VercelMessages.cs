using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>Messages of the AI SDK: parts <c>text</c>, <c>tool-call</c>, <c>tool-result</c>, <c>image</c>, <c>file</c>, <c>reasoning</c>.</summary>
internal static class VercelMessages
{
    private const string Text = "ai.response.text";
    private const string Object = "ai.response.object";
    private const string Calls = "ai.response.toolCalls";
    private const string Reasoning = "ai.response.reasoning";
    private const string Finish = "ai.response.finishReason";

    /// <summary>Of the call to the model: the messages as they were sent.</summary>
    public static string? Messages(SpanSource source, string key) => Turns(source.Value(key)) is { Count: > 0 } turns ? ChatJson.Inputs(turns, GenAiMessages.Settings(source)) : null;

    /// <summary>Of the call to the SDK: <c>{"system","prompt"}</c> or <c>{"system","messages"}</c>.</summary>
    public static string? Prompt(SpanSource source, string key)
    {
        var prompt = source.Value(key);
        var turns = Turns(prompt.Member("messages") is { ValueKind: JsonValueKind.Array } messages ? messages : prompt.Member("prompt"));
        if (turns.Count == 0 && prompt.String("prompt") is { } text)
        {
            turns.Add(new ChatTurn { Role = "user", Pieces = { ChatPiece.OfText(text) } });
        }

        if (prompt.String("system") is { } system)
        {
            turns.Insert(0, new ChatTurn { Role = "system", Pieces = { ChatPiece.OfText(system) } });
        }

        return turns.Count > 0 ? ChatJson.Inputs(turns, []) : source.Json(key);
    }

    public static string? Answer(SpanSource source, string key)
    {
        var turn = new ChatTurn { Role = "assistant", FinishReason = source.Text(Finish) };
        if (source.Text(Reasoning) is { } reasoning)
        {
            turn.Pieces.Add(ChatPiece.OfReasoning(reasoning));
        }

        turn.Add(source.Value(Text).IsPresent() ? source.Value(Text) : source.Value(Object));
        turn.Calls.AddRange(source.Value(Calls).Items().Select(Call).OfType<ChatCall>());
        return ChatJson.Outputs([turn]);
    }

    private static List<ChatTurn> Turns(JsonElement messages)
    {
        var turns = new List<ChatTurn>();
        foreach (var message in messages.Items())
        {
            if (message.String("role") is not { } role)
            {
                return [];
            }

            var turn = new ChatTurn { Role = role };
            var answers = new List<ChatTurn>();
            var content = message.Member("content");
            if (content.ValueKind == JsonValueKind.String)
            {
                turn.Add(content);
            }

            foreach (var part in content.Items())
            {
                Add(part, turn, answers);
            }

            if (!turn.IsEmpty || answers.Count == 0)
            {
                turns.Add(turn);
            }

            turns.AddRange(answers);
        }

        return turns;
    }

    private static void Add(JsonElement part, ChatTurn turn, List<ChatTurn> answers)
    {
        switch (part.String("type"))
        {
            case "text" when part.String("text") is { } text:
                turn.Pieces.Add(ChatPiece.OfText(text));
                break;
            case "reasoning" when part.String("text") is { } reasoning:
                turn.Pieces.Add(ChatPiece.OfReasoning(reasoning));
                break;
            case "tool-call" when Call(part) is { } call:
                turn.Calls.Add(call);
                break;
            case "tool-result":
                var output = part.Member("output").IsPresent() ? part.Member("output") : part.Member("result");
                answers.Add(new ChatTurn
                {
                    Role = "tool",
                    Name = part.String("toolName"),
                    CallId = part.String("toolCallId"),
                    Pieces = { ChatPiece.OfText((output.Member("value").IsPresent() ? output.Member("value") : output).Shown() ?? "") },
                });
                break;
            case "image" when Image(part.Member("image")) is { } url:
                turn.Pieces.Add(ChatPiece.OfImage(url));
                break;
            case "file" when (part.String("mediaType") ?? part.String("mimeType"))?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) == true && Image(part.Member("data")) is { } url:
                turn.Pieces.Add(ChatPiece.OfImage(url.Contains(':', StringComparison.Ordinal) ? url : $"data:{part.String("mediaType") ?? part.String("mimeType")};base64,{url}"));
                break;
            default:
                if (part.ValueKind == JsonValueKind.Object)
                {
                    turn.Pieces.Add(ChatPiece.Of(part));
                }

                break;
        }
    }

    private static string? Image(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static ChatCall? Call(JsonElement call) => call.String("toolName") is { } name
        ? new ChatCall(call.String("toolCallId"), name, (call.Member("input").IsPresent() ? call.Member("input") : call.Member("args")).Shown() ?? "")
        : null;
}
