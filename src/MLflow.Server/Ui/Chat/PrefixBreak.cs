using System.Text.Json;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Chat;

/// <summary>Where a prompt stopped beginning like the one before it: from there on the provider's cache could not serve it.</summary>
/// <param name="Message">Place of the first message that differs, from 1; 0 where the tools differ, which stand before all messages.</param>
/// <param name="Role">That message's role.</param>
/// <param name="With">The call before.</param>
/// <param name="LostTokens">Tokens that the cache could have served and did not; null where the provider told nothing of its cache.</param>
/// <param name="Usd">What they cost, in US dollars, about; null where the price is not known.</param>
public sealed record PrefixBreak(int Message, string Role, SpanNode With, long? LostTokens, decimal? Usd)
{
    // OpenAI caches prompts of 1,024 tokens and more, in steps of 128: https://platform.openai.com/docs/guides/prompt-caching
    private const long LeastCached = 1024;
    private const long CacheStep = 128;

    /// <summary>A sentence for people.</summary>
    public string Words =>
        (Message == 0 ? T("The cached prefix broke at the tools, which changed since call {0}.", With.ModelCall) : T("The cached prefix broke at message {0} ({1}), which changed since call {2}.", Message, Role, With.ModelCall))
        + (LostTokens is not > 0 ? ""
            : Usd is { } usd ? " " + T("{0} tokens were read anew, for about {1}.", Figures.Count(LostTokens.Value), Figures.Usd(usd))
            : " " + T("{0} tokens were read anew.", Figures.Count(LostTokens.Value)));

    /// <summary>Compares a call with the one before it; null where it begins with the whole prompt of that one, and where nothing was ever cached: then no cache could break.</summary>
    /// <param name="before">The messages of the call before.</param>
    /// <param name="now">The messages of this one.</param>
    /// <param name="shared">How many at the front are the same.</param>
    /// <param name="previous">The call before.</param>
    /// <param name="node">This call.</param>
    /// <param name="tree">The trace.</param>
    internal static PrefixBreak? Find(IReadOnlyList<ChatMessage> before, IReadOnlyList<ChatMessage> now, int shared, SpanNode previous, SpanNode node, SpanTree tree)
    {
        var span = node.Span;
        var sameTools = SameTools(previous.Span, span);

        // Another conversation is no broken one.
        if ((shared == before.Count && sameTools) || shared == now.Count || (shared == 0 && sameTools) || previous.Span.Model != span.Model || !WasCached(node, tree))
        {
            return null;
        }

        long? lost = previous.Span.InputTokens is { } prompt && span.CachedTokens is { } cached ? Math.Max(0, (prompt < LeastCached ? 0 : prompt / CacheStep * CacheStep) - cached) : null;
        var usd = lost > 0 && span is { Cost: { } cost, InputTokens: > 0 and var input } ? cost.Input / 1e12m / input * lost : null;
        return sameTools ? new PrefixBreak(shared + 1, now[shared].Role, previous, lost, usd) : new PrefixBreak(0, "tools", previous, lost, usd);
    }

    private static bool WasCached(SpanNode node, SpanTree tree) => tree.ModelCalls.Any(call => call.ModelCall <= node.ModelCall && call.Span.CachedTokens > 0 && call.Span.Model == node.Span.Model);

    private static bool SameTools(SpanView before, SpanView now)
    {
        var (first, second) = (ToolDefinitions.Of(before), ToolDefinitions.Of(now));
        return first.Count == second.Count && first.Zip(second).All(pair => pair.First.Key == pair.Second.Key && JsonElement.DeepEquals(pair.First.Value, pair.Second.Value));
    }
}
