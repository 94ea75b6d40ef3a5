namespace MLflow.Server.Conventions;

/// <summary>Messages as one attribute for each of their parts: Traceloop's <c>gen_ai.prompt.0.content</c>, OpenInference's <c>llm.input_messages.0.message.content</c>.</summary>
internal static class NumberedMessages
{
    public static string? Inputs(SpanSource source, string prefix) => Traceloop(source, prefix) is { Count: > 0 } turns ? ChatJson.Inputs(turns, GenAiMessages.Settings(source)) : null;

    public static string? Outputs(SpanSource source, string prefix) => Traceloop(source, prefix) is { Count: > 0 } turns ? ChatJson.Outputs(turns) : null;

    public static string? OpenInferenceInputs(SpanSource source, string prefix) => OpenInference(source, prefix) is { Count: > 0 } turns ? ChatJson.Inputs(turns, []) : null;

    public static string? OpenInferenceOutputs(SpanSource source, string prefix) => OpenInference(source, prefix) is { Count: > 0 } turns ? ChatJson.Outputs(turns) : null;

    private static List<ChatTurn> Traceloop(SpanSource source, string prefix)
    {
        var turns = new List<ChatTurn>();
        foreach (var (_, at) in NumberedKeys.Groups(source, prefix))
        {
            var turn = new ChatTurn
            {
                Role = source.Text(at + "role") ?? "user",
                CallId = source.Text(at + "tool_call_id"),
                FinishReason = source.Text(at + "finish_reason"),
            };

            // A message without content has the text "null".
            if (source.Text(at + "content") != "null")
            {
                turn.Add(source.Value(at + "content"));
            }

            foreach (var (_, call) in NumberedKeys.Groups(source, at + "tool_calls."))
            {
                if (source.Text(call + "name") is { } name)
                {
                    turn.Calls.Add(new ChatCall(source.Text(call + "id"), name, source.Value(call + "arguments").Shown() ?? ""));
                }
            }

            turns.Add(turn);
        }

        return turns;
    }

    private static List<ChatTurn> OpenInference(SpanSource source, string prefix)
    {
        var turns = new List<ChatTurn>();
        foreach (var (_, group) in NumberedKeys.Groups(source, prefix))
        {
            var at = group + "message.";
            var turn = new ChatTurn { Role = source.Text(at + "role") ?? "user", Name = source.Text(at + "name"), CallId = source.Text(at + "tool_call_id") }.Add(source.Value(at + "content"));
            foreach (var (_, item) in NumberedKeys.Groups(source, at + "contents."))
            {
                var part = item + "message_content.";
                if (source.Text(part + "text") is { } text)
                {
                    turn.Pieces.Add(source.Text(part + "type") == "reasoning" ? ChatPiece.OfReasoning(text) : ChatPiece.OfText(text));
                }
                else if (source.Text(part + "image.image.url") is { } url)
                {
                    turn.Pieces.Add(ChatPiece.OfImage(url));
                }
            }

            foreach (var (_, item) in NumberedKeys.Groups(source, at + "tool_calls."))
            {
                var call = item + "tool_call.";
                if (source.Text(call + "function.name") is { } name)
                {
                    turn.Calls.Add(new ChatCall(source.Text(call + "id"), name, source.Value(call + "function.arguments").Shown() ?? ""));
                }
            }

            turns.Add(turn);
        }

        return turns;
    }
}
