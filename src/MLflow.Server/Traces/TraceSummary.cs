using MLflow.Server.Pricing;

namespace MLflow.Server.Traces;

/// <summary>What follows for a trace from all its spans.</summary>
internal sealed record TraceSummary
{
    public required long RequestTimeMs { get; init; }

    /// <summary>Null while the root is missing or runs.</summary>
    public long? DurationMs { get; init; }

    public required TraceState State { get; init; }

    /// <summary>The earliest span without a parent.</summary>
    public string? RootSpanId { get; init; }

    public required TraceFacts Facts { get; init; }

    /// <summary>The root's, else that of the earliest span that has one.</summary>
    public string? Session { get; init; }

    /// <summary>As <see cref="Session"/>.</summary>
    public string? User { get; init; }

    public TokenCounts Tokens => new(Facts.InputTokens, Facts.OutputTokens, Facts.TotalTokens, Facts.CachedInputTokens);

    /// <param name="spans">At least one, in any order.</param>
    public static TraceSummary From(IReadOnlyCollection<SpanFacts> spans)
    {
        // One order for whatever order the spans came in.
        var ordered = spans.OrderBy(span => span.StartNs).ThenBy(span => span.SpanId, StringComparer.Ordinal).ToList();
        var root = ordered.Find(span => span.ParentSpanId is null);
        var startNs = ordered[0].StartNs;
        var ended = root?.EndNs is not null;
        var error = root is { Status: SpanStatus.Error } ? root : ordered.Find(span => span.Status == SpanStatus.Error);
        var streamed = ordered.FindLast(span => span.FirstTokenMs is not null || span.StreamEnd is not null);
        var (tokens, cost, unpriced) = Sum(ordered);
        return new TraceSummary
        {
            RequestTimeMs = startNs / 1_000_000,
            DurationMs = ended ? (ordered.Max(span => span.EndNs ?? span.StartNs) - startNs) / 1_000_000 : null,
            State = !ended ? TraceState.InProgress : root!.Status == SpanStatus.Error ? TraceState.Error : TraceState.Ok,
            RootSpanId = root?.SpanId,
            Session = root?.Session ?? ordered.Find(span => span.Session is not null)?.Session,
            User = root?.User ?? ordered.Find(span => span.User is not null)?.User,
            Facts = new TraceFacts
            {
                Name = root?.Name,
                Model = ordered.Find(span => span.Model is not null)?.Model,
                InputTokens = tokens.Input,
                OutputTokens = tokens.Output,
                TotalTokens = tokens.Total,
                CachedInputTokens = tokens.CachedInput,
                Cost = cost,
                UnpricedCalls = unpriced,
                FirstTokenMs = streamed?.FirstTokenMs is { } firstToken ? (streamed.StartNs - startNs) / 1_000_000 + firstToken : null,
                ErrorType = error?.ErrorType,
                ErrorMessage = error?.ErrorMessage,
                StreamEnd = streamed?.StreamEnd,
                SpanCount = ordered.Count,
            },
        };
    }

    /// <summary>
    /// The calls themselves are counted, never what a wrapper says of them: the sum of a trace is that of its calls. Spans that nobody could price and
    /// that have calls below them are not missing.
    /// </summary>
    private static (TokenCounts Tokens, CallCost? Cost, int Unpriced) Sum(List<SpanFacts> ordered)
    {
        if (!ordered.Exists(span => span.IsCall))
        {
            return default;
        }

        long? input = null, output = null, total = null, cached = null;
        CallCost? cost = null;
        var unpriced = 0;
        foreach (var place in SpanParents.LeafCalls(SpanParents.Of(ordered, span => span.SpanId, span => span.ParentSpanId), i => ordered[i].IsCall))
        {
            var call = ordered[place];
            input = Add(input, call.InputTokens);
            output = Add(output, call.OutputTokens);
            total = Add(total, call.TotalTokens);
            cached = Add(cached, call.CachedInputTokens);
            cost = call.Cost is { } known ? (cost ?? default) + known : cost;
            unpriced += call.Cost is null ? 1 : 0;
        }

        return (new TokenCounts(input, output, total, cached), cost, unpriced);
    }

    private static long? Add(long? sum, long? count) => count is null ? sum : (sum ?? 0) + count;
}
