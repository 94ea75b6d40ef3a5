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
        var tokens = SumTokens(ordered);
        var (cost, unpriced) = SumCosts(ordered);
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

    // A span that tells its usage has summed up those below it (a wrapper around the call that it made), so those do not count again.
    private static TokenCounts SumTokens(List<SpanFacts> spans)
    {
        if (!spans.Exists(span => span.HasUsage))
        {
            return default;
        }

        var byId = spans.ToDictionary(span => span.SpanId);
        var covered = new Dictionary<string, bool>(spans.Count);
        long? input = null, output = null, total = null, cached = null;
        foreach (var span in spans)
        {
            if (span.HasUsage && !IsBelowUsage(span))
            {
                input = Add(input, span.InputTokens);
                output = Add(output, span.OutputTokens);
                total = Add(total, span.TotalTokens);
                cached = Add(cached, span.CachedInputTokens);
            }
        }

        return new TokenCounts(input, output, total, cached);

        bool IsBelowUsage(SpanFacts span)
        {
            // Each span is answered once, and a cycle of parents ends after as many steps as there are spans.
            var path = new List<string>();
            var result = false;
            while (span.ParentSpanId is { } parentId && byId.TryGetValue(parentId, out var parent))
            {
                if (parent.HasUsage)
                {
                    result = true;
                    break;
                }

                if (covered.TryGetValue(parentId, out result) || path.Count > byId.Count)
                {
                    break;
                }

                path.Add(parentId);
                span = parent;
            }

            path.ForEach(id => covered[id] = result);
            return result;
        }
    }

    /// <summary>
    /// The calls themselves are counted, never what a wrapper says of them: the sum of a trace is that of its calls. Spans that nobody could price and
    /// that have calls below them are not missing.
    /// </summary>
    private static (CallCost? Cost, int Unpriced) SumCosts(List<SpanFacts> spans)
    {
        var calls = spans.FindAll(span => span.HasUsage || span.Cost is not null);
        if (calls.Count == 0)
        {
            return (null, 0);
        }

        var byId = spans.ToDictionary(span => span.SpanId);
        var above = new HashSet<string>();
        foreach (var call in calls)
        {
            // A parent that is known already has been followed to the root.
            for (var at = call; at.ParentSpanId is { } id && above.Add(id) && byId.TryGetValue(id, out var parent); at = parent)
            {
            }
        }

        CallCost? cost = null;
        var unpriced = 0;
        foreach (var call in calls)
        {
            if (!above.Contains(call.SpanId))
            {
                cost = call.Cost is { } known ? (cost ?? default) + known : cost;
                unpriced += call.Cost is null ? 1 : 0;
            }
        }

        return (cost, unpriced);
    }

    private static long? Add(long? sum, long? count) => count is null ? sum : (sum ?? 0) + count;
}
