namespace MLflow.Cli.Demo.Scripted;

/// <summary>What the script answers: words, or calls of the tools that were offered.</summary>
internal sealed record ScriptedAnswer(string? Text, IReadOnlyList<ScriptedToolCall> ToolCalls)
{
    public static ScriptedAnswer Say(string text) => new(text, []);

    public static ScriptedAnswer Call(IReadOnlyList<ScriptedToolCall> calls) => new(null, calls);

    /// <summary>The words in pieces about as large as tokens, at most so many of them.</summary>
    public (IReadOnlyList<string> Pieces, bool IsCut) Take(int? maxTokens)
    {
        var pieces = TextPieces.Split(Text ?? "");
        return maxTokens is { } limit && pieces.Count > limit ? ([.. pieces.Take(limit)], true) : (pieces, false);
    }

    public int ToolTokens => ToolCalls.Sum(call => TextPieces.Count(call.Name) + TextPieces.Count(call.Arguments));
}
