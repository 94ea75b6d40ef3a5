using System.Globalization;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Spans;

/// <summary>The page's four sentences, made by rules from the spans and never by a model.</summary>
public static class FourAnswers
{
    private const int MessageLength = 80;

    public static IReadOnlyList<Answer> Of(SpanTree tree) => [Did(tree), Slow(tree), Wrong(tree), Used(tree)];

    private static Answer Did(SpanTree tree)
    {
        var tools = Groups(tree, SpanKind.Tool);
        var searches = Groups(tree, SpanKind.Retriever);
        var embeddings = tree.Rows.Count(node => node.Span.Kind == SpanKind.Embedding);
        var calls = tree.ModelCalls.Count;
        var last = tree.ModelCalls.Count == 0 ? null : tree.ModelCalls[^1];
        var failed = tree.Roots.Any(root => root.Span.IsFailed);
        var first = tools.Count == 1 ? $"Called {tools[0].Key}{Times(tools[0].Count())}"
            : tools.Count > 1 ? $"Used {tools.Count} tools"
            : searches.Count > 0 ? "Looked up documents"
            : null;
        var result = tree.IsRunning ? Running(tree)
            : first is not null ? first + (failed ? ", then failed" : last is null ? "" : ", then answered")
            : calls > 0 && failed ? (last!.Span.FirstTokenMs is null ? "Asked the model, got no answer" : "Began an answer, then failed")
            : calls > 1 ? $"Called the model {calls} times"
            : calls == 1 ? (last!.Span.FirstTokenMs is null ? "Answered in one call" : "Streamed one answer")
            : embeddings > 0 ? "Turned text into vectors"
            : failed ? "Ran, then failed"
            : tree.Rows.Count > 1 ? $"Ran {tree.Rows.Count} steps" : "Ran one step";

        var evidence = new List<Phrase>();
        if (calls > 0)
        {
            evidence.Add(new Phrase(Figures.Plural(calls, "model call")));
        }

        foreach (var group in tools.Concat(searches).Take(4))
        {
            evidence.Add(new Phrase(evidence.Count == 0 ? "" : "; "));
            evidence.Add(new Phrase(group.Key, group.First().Id));
            evidence.Add(new Phrase((group.Count() > 1 ? $" ×{group.Count()}" : "") + (AreSideBySide(group) ? " side by side" : "")));
        }

        if (evidence.Count > 0)
        {
            evidence.Add(new Phrase("."));
        }

        return new Answer { Question = "What did it do?", Result = result, Evidence = evidence };
    }

    private static string Running(SpanTree tree)
    {
        var open = tree.Rows.Where(node => node.Span.EndMs is null && node.Children.All(child => child.Span.EndMs is not null)).ToList();
        var tools = open.Where(node => node.Span.Kind == SpanKind.Tool).ToList();
        return tools.Count > 0 ? $"Calling {tools[^1].Span.Title}{(tools.Count > 1 ? $", {tools.Count} running" : "")}"
            : open.Any(node => node.Span.IsModelCall) ? "Waiting for the model"
            : open.Count > 0 ? $"Running {open[^1].Span.Title}" : "Running";
    }

    private static Answer Slow(SpanTree tree)
    {
        var split = TimeSplit.Of(tree);
        var shares = split.Where(part => part.Share >= 0.01).OrderByDescending(part => part.Share).Take(4)
            .Select((part, i) => $"{(i == 0 ? Capital(part.Words) : part.Words)} {Figures.Percent(part.Share)}");
        var evidence = new List<Phrase> { new(string.Join(", ", shares) + ".") };
        var longest = tree.Rows.Where(node => node.Children.Count == 0).MaxBy(node => node.Span.DurationMs ?? 0);
        if (tree.Rows.Count > 1 && longest?.Span.DurationMs is { } duration)
        {
            evidence.Add(new Phrase(" Longest: "));
            evidence.Add(new Phrase($"step {longest.Number}", longest.Id));
            evidence.Add(new Phrase($", {longest.Span.Title}, {Figures.Duration(duration)}."));
        }

        return new Answer
        {
            Question = "Why this slow?",
            Result = tree.IsRunning ? $"{Figures.Duration(tree.TotalMs)} so far" : Figures.Duration(tree.TotalMs),
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
            Tell(evidence, origins.Count > 1 ? "First: " : "", origins[0]);
            if (origins.Count > 1)
            {
                Tell(evidence, " Last: ", origins[^1]);
            }
        }

        foreach (var node in tree.Rows.Where(node => node.Span.Attempts.Count > 1 && !node.Span.IsFailed).Take(2))
        {
            var attempts = node.Span.Attempts;
            var statuses = string.Join(", ", attempts.SkipLast(1).Select(attempt => attempt.Outcome));
            evidence.Add(new Phrase($"{(evidence.Count > 0 ? " " : "")}{statuses} recovered after {Figures.Duration(attempts[^1].StartMs)} in "));
            evidence.Add(new Phrase($"step {node.Number}", node.Id));
            evidence.Add(new Phrase("."));
        }

        var end = tree.ModelCalls.LastOrDefault(node => node.Span.StreamEnd is not null);
        var failed = tree.Roots.Any(root => root.Span.IsFailed);
        if (end is not null && origins.Count == 0)
        {
            evidence.Add(new Phrase(evidence.Count > 0 ? " The answer of " : "The answer of "));
            evidence.Add(new Phrase($"step {end.Number}", end.Id));
            evidence.Add(new Phrase(StreamEnds.IsCut(end.Span.StreamEnd) ? " was cut by the server; the part that came is kept." : " was stopped by the app; the part that came is kept."));
        }

        var result = origins.Count switch
        {
            0 when end is not null => StreamEnds.IsCut(end.Span.StreamEnd) ? "Cut by the server" : "Stopped by the app",
            0 when tree.IsRunning => "Nothing so far",
            0 => "No errors",
            1 => failed ? "1 error, it ended the run" : "1 error, and it went on",
            _ => $"{origins.Count} errors, {(failed ? "the last one ended it" : "and it went on")}",
        };
        return new Answer { Question = "What went wrong?", Result = result, IsBad = origins.Count > 0 || StreamEnds.IsCut(end?.Span.StreamEnd), Evidence = evidence };
    }

    private static Answer Used(SpanTree tree)
    {
        var counted = tree.Counted;
        if (counted.Count == 0)
        {
            return new Answer
            {
                Question = "What did it cost?",
                Result = "No tokens counted",
                Evidence = WhyUncounted(tree) is { } reason ? [new Phrase(reason)] : [],
            };
        }

        var evidence = new List<Phrase> { new($"{Figures.Count(tree.InputTokens)} tokens in, {Figures.Count(tree.OutputTokens)} out.") };
        var cached = counted.Where(node => node.Span.CachedTokens > 0).MaxBy(node => node.Span.CachedTokens);
        if (cached is { Span: { CachedTokens: { } tokens, InputTokens: > 0 and var prompt } })
        {
            evidence.Add(new Phrase($" {Figures.Percent((double)tokens / prompt)} of the prompt of "));
            evidence.Add(new Phrase($"step {cached.Number}", cached.Id));
            evidence.Add(new Phrase(" came from the cache."));
        }

        var unpriced = counted.Where(node => node.Span.Cost is null).ToList();
        if (tree.Cost is not { } cost)
        {
            evidence.Add(new Phrase($" Cost unknown: {unpriced[0].Span.WhyUnpriced ?? "it came before prices were known here"}."));
            return new Answer { Question = "What did it cost?", Result = $"{Figures.Count(tree.InputTokens + tree.OutputTokens)} tokens", Evidence = evidence };
        }

        if (unpriced.Count > 0)
        {
            evidence.Add(new Phrase($" Without {Figures.Plural(unpriced.Count, "call")} of unknown price, "));
            evidence.Add(new Phrase($"step {unpriced[0].Number}", unpriced[0].Id));
            evidence.Add(new Phrase(unpriced[0].Span.WhyUnpriced is { } why ? $": {why}." : "."));
        }
        else if (counted.FirstOrDefault(node => node.Span.CostNotes.Count > 0) is { } noted)
        {
            evidence.Add(new Phrase($" {Capital(noted.Span.CostNotes[0])}."));
        }

        return new Answer { Question = "What did it cost?", Result = (unpriced.Count > 0 ? "At least " : "") + Figures.Usd(cost.Usd), Evidence = evidence };
    }

    private static string? WhyUncounted(SpanTree tree) => tree.ModelCalls switch
    {
        { Count: 0 } => null,
        var calls when calls.All(call => call.Span.IsFailed) => "No call was answered, so none was counted.",
        _ when tree.IsRunning => "They are told with the end of an answer.",
        _ => "The provider sent no usage; a stream sends it only when asked to.",
    };

    private static void Tell(List<Phrase> evidence, string lead, SpanNode node)
    {
        evidence.Add(new Phrase($"{lead}{node.Span.Title} in "));
        evidence.Add(new Phrase($"step {node.Number}", node.Id));
        evidence.Add(new Phrase($": {Ended(PreviewText.Cut(node.Span.Error?.Line ?? "failed", MessageLength))}"));
    }

    private static string Ended(string sentence) => sentence[^1] is '.' or '…' or '!' or '?' ? sentence : sentence + ".";

    private static List<IGrouping<string, SpanNode>> Groups(SpanTree tree, SpanKind kind) =>
        [.. tree.Rows.Where(node => node.Span.Kind == kind).GroupBy(node => node.Span.Title)];

    private static bool AreSideBySide(IGrouping<string, SpanNode> group)
    {
        var byStart = group.OrderBy(node => node.Span.StartMs).ToList();
        return byStart.Count > 1 && byStart.Zip(byStart.Skip(1)).All(pair => pair.Second.Span.StartMs < (pair.First.Span.EndMs ?? double.MaxValue));
    }

    private static string Times(int count) => count switch { 1 => "", 2 => " twice", _ => string.Create(CultureInfo.InvariantCulture, $" {count} times") };

    private static string Capital(string words) => char.ToUpperInvariant(words[0]) + words[1..];
}
