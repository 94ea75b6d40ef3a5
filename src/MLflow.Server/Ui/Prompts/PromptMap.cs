using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Prompts;

/// <summary>
/// Where the tokens of prompts go: one bar for each call, on one scale. Providers count a prompt as a whole; its parts share that count by their length,
/// and what was cached is the beginning.
/// </summary>
public static class PromptMap
{
    /// <summary>More bars than one compares.</summary>
    public const int MostCalls = 12;

    // A picture weighs hundreds of tokens and its address many thousand characters.
    private const long PictureLength = 3000;

    public static IReadOnlyList<PromptBar> Of(SpanTree tree)
    {
        var calls = tree.ModelCalls.Where(call => call.Span.InputTokens > 0).ToList();
        return [.. calls.Skip(Math.Max(0, calls.Count - MostCalls)).Select(Bar).OfType<PromptBar>()];
    }

    private static PromptBar? Bar(SpanNode call)
    {
        if (MessageReader.Inputs(call.Span.Inputs) is not { Count: > 0 } messages)
        {
            return null;
        }

        var lengths = new long[Enum.GetValues<PromptPart>().Length];
        lengths[(int)PromptPart.Tools] = ToolDefinitions.Of(call.Span).Sum(tool => (long)tool.Value.GetRawText().Length);
        foreach (var message in messages)
        {
            lengths[(int)PartOf(message)] += message.Parts.Sum(Length) + message.Calls.Sum(made => (long)made.Name.Length + made.Arguments.Length);
        }

        var whole = lengths.Sum();
        if (whole == 0)
        {
            return null;
        }

        var (tokens, cached) = (call.Span.InputTokens!.Value, Math.Clamp(call.Span.CachedTokens ?? 0, 0, call.Span.InputTokens!.Value));
        var pieces = new List<PromptPiece>();
        var (length, at) = (0L, 0L);
        foreach (var part in Enum.GetValues<PromptPart>().Where(part => lengths[(int)part] > 0))
        {
            length += lengths[(int)part];
            var end = (long)Math.Round((double)length / whole * tokens);
            pieces.Add(new PromptPiece(part, end - at, Math.Clamp(cached - at, 0, end - at)));
            at = end;
        }

        return new PromptBar(call, tokens, pieces);
    }

    private static PromptPart PartOf(ChatMessage message) => message switch
    {
        { IsToolResult: true } => PromptPart.ToolResults,
        { Role: "system" or "developer" } => PromptPart.System,
        { Role: "assistant" or "model" } => PromptPart.Assistant,
        _ => PromptPart.User,
    };

    private static long Length(ChatPart part) => part.Kind is ChatPartKind.Image or ChatPartKind.RemoteImage ? PictureLength : part.Text.Length;
}
