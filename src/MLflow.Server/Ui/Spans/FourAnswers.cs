using MLflow.Server.Ui.Formatting;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Spans;

/// <summary>The page's four sentences, made by rules from the spans and never by a model.</summary>
public static class FourAnswers
{
    private const int MessageLength = 80;
    private const int MostNamed = 4;

    public static IReadOnlyList<Answer> Of(SpanTree tree) => [Did(tree), Slow(tree), Wrong(tree), Used(tree)];

    private static Answer Did(SpanTree tree)
    {
        var tools = Groups(tree, SpanKind.Tool);
        var searches = Groups(tree, SpanKind.Retriever);
        var embeddings = tree.Rows.Count(node => node.Span.Kind == SpanKind.Embedding);
        var calls = tree.ModelCalls.Count;
        var last = tree.ModelCalls.Count == 0 ? null : tree.ModelCalls[^1];
        var failed = tree.Roots.Any(root => root.Span.IsFailed);
        var first = tools.Count == 1 ? (tools[0].Count() switch { 1 => T("Called {0}", tools[0].Key), 2 => T("Called {0} twice", tools[0].Key), var times => T("Called {0} {1} times", tools[0].Key, times) })
            : tools.Count > 1 ? T("Used {0} tools", Figures.Count(tools.Count))
            : searches.Count > 0 ? T("Looked up documents")
            : null;
        var result = tree.IsRunning ? Running(tree)
            : first is not null ? failed ? T("{0}, then failed", first) : last is null ? first : T("{0}, then answered", first)
            : calls > 0 && failed ? (last!.Span.FirstTokenMs is null ? T("Asked the model, got no answer") : T("Began an answer, then failed"))
            : calls > 1 ? T("Called the model {0} times", calls)
            : calls == 1 ? (last!.Span.FirstTokenMs is null ? T("Answered in one call") : T("Streamed one answer"))
            : embeddings > 0 ? T("Turned text into vectors")
            : failed ? T("Ran, then failed")
            : tree.Rows.Count > 1 ? T("Ran {0} steps", tree.Rows.Count) : T("Ran one step");

        var evidence = new List<Phrase>();
        if (calls > 0)
        {
            evidence.Add(new Phrase(calls == 1 ? T("1 model call") : T("{0} model calls", Figures.Count(calls))));
        }

        foreach (var group in tools.Concat(searches).Take(MostNamed))
        {
            evidence.Add(new Phrase(evidence.Count == 0 ? "" : T("; ")));
            evidence.Add(new Phrase(group.Key, group.First().Id));
            evidence.Add(new Phrase((group.Count() > 1 ? $" ×{group.Count()}" : "") + (AreSideBySide(group) ? " " + T("side by side") : "")));
        }

        if (tools.Count + searches.Count > MostNamed)
        {
            evidence.Add(new Phrase(T("; ") + T("and {0} more", Figures.Count(tools.Count + searches.Count - MostNamed))));
        }

        if (evidence.Count > 0)
        {
            evidence.Add(new Phrase(T(".")));
        }

        return new Answer { Question = T("What did it do?"), Result = result, Evidence = evidence };
    }

    private static string Running(SpanTree tree)
    {
        var open = tree.Rows.Where(node => node.Span.EndMs is null && node.Children.All(child => child.Span.EndMs is not null)).ToList();
        var tools = open.Where(node => node.Span.Kind == SpanKind.Tool).ToList();
        return tools.Count > 0 ? tools.Count > 1 ? T("Calling {0}, {1} running", tools[^1].Span.Title, tools.Count) : T("Calling {0}", tools[^1].Span.Title)
            : open.Any(node => node.Span.IsModelCall) ? T("Waiting for the model")
            : open.Count > 0 ? T("Running {0}", open[^1].Span.Title) : T("Running");
    }

    private static Answer Slow(SpanTree tree)
    {
        var split = TimeSplit.Of(tree);
        var shares = split.Where(part => part.Share >= 0.01).OrderByDescending(part => part.Share).Take(4)
            .Select((part, i) => $"{(i == 0 ? Capital(part.Words) : part.Words)} {Figures.Percent(part.Share)}");
        var evidence = new List<Phrase> { new(string.Join(T(", "), shares) + T(".")) };
        double Took(SpanNode node) => node.Span.DurationMs ?? tree.TotalMs - node.Span.StartMs;
        var longest = tree.Rows.Where(node => node.Children.Count == 0).MaxBy(Took);
        if (tree.Rows.Count > 1 && longest is not null && Took(longest) is > 0 and var duration)
        {
            evidence.Add(new Phrase(" " + T("Longest:") + " "));
            evidence.Add(new Phrase(T("step {0}", longest.Number), longest.Id));
            evidence.Add(new Phrase($", {longest.Span.Title}, {(longest.Span.EndMs is null ? T("{0} so far", Figures.TraceDuration(duration)) : Figures.Duration(duration))}{T(".")}"));
        }

        return new Answer
        {
            Question = T("Why this slow?"),
            Result = tree.IsRunning ? T("{0} so far", Figures.TraceDuration(tree.TotalMs)) : tree.Took ?? Figures.TraceDuration(tree.TotalMs),
            Evidence = split.Count == 0 ? [] : evidence,
            Split = split,
        };
    }

    private static Answer Wrong(SpanTree tree)
    {
        var evidence = new List<Phrase>();
        var origins = tree.ErrorOrigins;
        if (origins.Count > 0)
        {
            Tell(evidence, origins.Count > 1 ? T("First:") + " " : "", origins[0]);
            if (origins.Count > 1)
            {
                Tell(evidence, " " + T("Last:") + " ", origins[^1]);
            }
        }

        foreach (var node in tree.Rows.Where(node => node.Span.Attempts.Count > 1 && !node.Span.IsFailed).Take(2))
        {
            var attempts = node.Span.Attempts;
            var statuses = string.Join(", ", attempts.SkipLast(1).Select(attempt => attempt.Outcome));
            evidence.Add(new Phrase((evidence.Count > 0 ? " " : "") + T("{0} recovered after {1} in", statuses, Figures.Duration(attempts[^1].StartMs)) + " "));
            evidence.Add(new Phrase(T("step {0}", node.Number), node.Id));
            evidence.Add(new Phrase(T(".")));
        }

        var end = tree.ModelCalls.LastOrDefault(node => node.Span.StreamEnd is not null);
        var failed = tree.Roots.Any(root => root.Span.IsFailed);
        if (end is not null && origins.Count == 0)
        {
            evidence.Add(new Phrase((evidence.Count > 0 ? " " : "") + T("The answer of") + " "));
            evidence.Add(new Phrase(T("step {0}", end.Number), end.Id));
            evidence.Add(new Phrase(StreamEnds.IsCut(end.Span.StreamEnd) ? " " + T("was cut by the server; the part that came is kept.") : " " + T("was stopped by the app; the part that came is kept.")));
        }

        var result = origins.Count switch
        {
            0 when end is not null => StreamEnds.IsCut(end.Span.StreamEnd) ? T("Cut by the server") : T("Stopped by the app"),
            0 when tree.IsRunning => T("Nothing so far"),
            0 => T("No errors"),
            1 => failed ? T("1 error, it ended the run") : T("1 error, and it went on"),
            _ => failed ? T("{0} errors, the last one ended it", origins.Count) : T("{0} errors, and it went on", origins.Count),
        };
        return new Answer { Question = T("What went wrong?"), Result = result, IsBad = origins.Count > 0 || StreamEnds.IsCut(end?.Span.StreamEnd), Evidence = evidence };
    }

    private static Answer Used(SpanTree tree)
    {
        var counted = tree.Counted;
        if (counted.Count == 0)
        {
            return new Answer
            {
                Question = T("What did it cost?"),
                Result = T("No tokens counted"),
                Evidence = WhyUncounted(tree) is { } reason ? [new Phrase(reason)] : [],
            };
        }

        var evidence = new List<Phrase> { new(T("{0} tokens in, {1} out.", Figures.Count(tree.InputTokens), Figures.Count(tree.OutputTokens))) };
        var cached = counted.Where(node => node.Span.CachedTokens > 0).MaxBy(node => node.Span.CachedTokens);
        if (cached is { Span: { CachedTokens: { } tokens, InputTokens: > 0 and var prompt } })
        {
            evidence.Add(new Phrase(" " + T("{0} of the prompt of", Figures.Percent((double)tokens / prompt)) + " "));
            evidence.Add(new Phrase(T("step {0}", cached.Number), cached.Id));
            evidence.Add(new Phrase(" " + T("came from the cache.")));
        }

        var unpriced = counted.Where(node => node.Span.Cost is null).ToList();
        if (tree.Cost is not { } cost)
        {
            evidence.Add(new Phrase(" " + T("Cost unknown: {0}.", unpriced[0].Span.WhyUnpriced ?? T("it came before prices were known here"))));
            return new Answer { Question = T("What did it cost?"), Result = T("{0} tokens", Figures.Count(tree.InputTokens + tree.OutputTokens)), Evidence = evidence };
        }

        if (unpriced.Count > 0)
        {
            evidence.Add(new Phrase(" " + (unpriced.Count == 1 ? T("Without 1 call of unknown price,") : T("Without {0} calls of unknown price,", Figures.Count(unpriced.Count))) + " "));
            evidence.Add(new Phrase(T("step {0}", unpriced[0].Number), unpriced[0].Id));
            evidence.Add(new Phrase(unpriced[0].Span.WhyUnpriced is { } why ? $": {why}{T(".")}" : T(".")));
        }
        else if (counted.FirstOrDefault(node => node.Span.CostNotes.Count > 0) is { } noted)
        {
            evidence.Add(new Phrase(T(" ") + Capital(noted.Span.CostNotes[0]) + T(".")));
        }

        return new Answer { Question = T("What did it cost?"), Result = unpriced.Count > 0 ? T("At least {0}", Figures.Usd(cost.Usd)) : Figures.Usd(cost.Usd), Evidence = evidence };
    }

    private static string? WhyUncounted(SpanTree tree) => tree.ModelCalls switch
    {
        { Count: 0 } => null,
        var calls when calls.All(call => call.Span.IsFailed) => T("No call was answered, so none was counted."),
        _ when tree.IsRunning => T("They are told with the end of an answer."),
        _ => T("The provider sent no usage; a stream sends it only when asked to."),
    };

    private static void Tell(List<Phrase> evidence, string lead, SpanNode node)
    {
        evidence.Add(new Phrase(lead + T("{0} in", node.Span.Title) + " "));
        evidence.Add(new Phrase(T("step {0}", node.Number), node.Id));
        evidence.Add(new Phrase($": {Ended(PreviewText.Cut(node.Span.Error?.Line ?? T("failed"), MessageLength))}"));
    }

    private static string Ended(string sentence) => sentence.Length > 0 && sentence[^1] is '.' or '…' or '!' or '?' ? sentence : sentence + ".";

    private static List<IGrouping<string, SpanNode>> Groups(SpanTree tree, SpanKind kind) =>
        [.. tree.Rows.Where(node => node.Span.Kind == kind).GroupBy(node => node.Span.Title)];

    private static bool AreSideBySide(IGrouping<string, SpanNode> group)
    {
        var byStart = group.OrderBy(node => node.Span.StartMs).ToList();
        return byStart.Count > 1 && byStart.Zip(byStart.Skip(1)).All(pair => pair.Second.Span.StartMs < (pair.First.Span.EndMs ?? double.MaxValue));
    }

    private static string Capital(string words) => char.ToUpperInvariant(words[0]) + words[1..];
}
