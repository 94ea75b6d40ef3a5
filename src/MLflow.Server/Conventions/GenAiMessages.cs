using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>
/// Messages as semantic conventions 1.37 and later have them: <c>[{"role","parts":[{"type":"text","content"}]}]</c>,
/// https://github.com/open-telemetry/semantic-conventions-genai
/// </summary>
internal static class GenAiMessages
{
    private const string Instructions = "gen_ai.system_instructions";

    /// <summary>What the request sets, beside its messages: attribute and member of the inputs.</summary>
    private static readonly (string Key, string Member)[] Parameters =
    [
        ("gen_ai.request.model", "model"),
        ("gen_ai.request.temperature", "temperature"),
        ("gen_ai.request.top_p", "top_p"),
        ("gen_ai.request.top_k", "top_k"),
        ("gen_ai.request.max_tokens", "max_tokens"),
        ("gen_ai.request.seed", "seed"),
        ("gen_ai.openai.request.seed", "seed"),
        ("gen_ai.request.stop_sequences", "stop"),
        ("gen_ai.request.frequency_penalty", "frequency_penalty"),
        ("gen_ai.request.presence_penalty", "presence_penalty"),
        ("gen_ai.request.choice.count", "n"),
        ("gen_ai.request.stream", "stream"),
    ];

    public static string? Inputs(SpanSource source, string key)
    {
        var turns = Turns(source.Value(key));
        var instructions = source.Value(Instructions);
        if (instructions.IsPresent())
        {
            var system = new ChatTurn { Role = "system" };
            if (instructions.ValueKind == JsonValueKind.Array)
            {
                AddParts(system, instructions);
            }
            else
            {
                system.Add(instructions);
            }

            // Some write them into both.
            if (turns is not [{ Role: "system" } first, ..] || !first.Pieces.SequenceEqual(system.Pieces))
            {
                turns.Insert(0, system);
            }
        }

        return turns.Count > 0 ? ChatJson.Inputs(turns, Settings(source)) : source.Json(key);
    }

    public static string? Outputs(SpanSource source, string key) => Turns(source.Value(key)) is { Count: > 0 } turns ? ChatJson.Outputs(turns) : source.Json(key);

    /// <summary>The request's settings that the span tells.</summary>
    public static IEnumerable<KeyValuePair<string, JsonElement>> Settings(SpanSource source)
    {
        var seen = new HashSet<string>();
        foreach (var (key, member) in Parameters)
        {
            if (source.Value(key) is var value && value.IsPresent() && seen.Add(member))
            {
                yield return new(member, value);
            }
        }
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

            var parts = message.Member("parts");
            var answers = parts.Items().Where(part => part.String("type") == "tool_call_response").ToList();
            var turn = new ChatTurn { Role = role, Name = message.String("name"), FinishReason = message.String("finish_reason") };
            AddParts(turn, parts);
            turn.Add(message.Member("content"));
            if (!turn.IsEmpty || answers.Count == 0)
            {
                turns.Add(turn);
            }

            // OpenAI has one message for each answer of a tool.
            turns.AddRange(answers.Select(part => new ChatTurn { Role = "tool", CallId = part.String("id") }
                .Add(Answer(part.Member("response") is var response && response.IsPresent() ? response : part.Member("result")))));
        }

        return turns;
    }

    private static JsonElement Answer(JsonElement response) =>
        response.ValueKind is JsonValueKind.Array ? JsonElement.Parse($"\"{System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(response.GetRawText())}\"") : response;

    private static void AddParts(ChatTurn turn, JsonElement parts)
    {
        foreach (var part in parts.Items())
        {
            switch (part.String("type"))
            {
                case "text" when (part.String("content") ?? part.String("text")) is { } text:
                    turn.Pieces.Add(ChatPiece.OfText(text));
                    break;
                case "reasoning" or "thinking" when part.String("content") is { } reasoning:
                    turn.Pieces.Add(ChatPiece.OfReasoning(reasoning));
                    break;
                case "tool_call" when part.String("name") is { } name:
                    turn.Calls.Add(new ChatCall(part.String("id"), name, part.Member("arguments").Shown() ?? ""));
                    break;
                case "tool_call_response":
                    break;
                case "uri" when part.String("uri") is { } uri && IsImage(part):
                    turn.Pieces.Add(ChatPiece.OfImage(uri));
                    break;
                case "blob" when part.String("content") is { } content && IsImage(part):
                    turn.Pieces.Add(ChatPiece.OfImage($"data:{part.String("mime_type") ?? "image/png"};base64,{content}"));
                    break;
                default:
                    if (part.ValueKind == JsonValueKind.Object)
                    {
                        turn.Pieces.Add(ChatPiece.Of(part));
                    }

                    break;
            }
        }
    }

    private static bool IsImage(JsonElement part) =>
        part.String("modality") == "image" || part.String("mime_type")?.StartsWith("image/", StringComparison.OrdinalIgnoreCase) == true;
}
