using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Ui.Sessions;

/// <summary>What the page of a session says.</summary>
public sealed class SessionView
{
    /// <summary>Reads a session as of a time.</summary>
    /// <param name="sessionId">Its id.</param>
    /// <param name="traces">Its traces with their spans, the oldest first; at least one.</param>
    /// <param name="now">The time.</param>
    public SessionView(string sessionId, IReadOnlyList<(TraceInfo Info, IReadOnlyList<SpanRecord> Spans)> traces, DateTimeOffset now)
    {
        SessionId = sessionId;
        Turns = [.. traces.Select((trace, i) => new SessionTurn(i + 1, trace.Info, trace.Spans, i == 0 ? null : traces[i - 1].Info, now))];
        Scale = LatencyScale.For(Turns.Select(turn => turn.Row));
        Answers = [Happened(), Waited(), Wrong(), Cost()];
    }

    public string SessionId { get; }

    public IReadOnlyList<SessionTurn> Turns { get; }

    public LatencyScale Scale { get; }

    /// <summary>Their links are numbers of turns.</summary>
    public IReadOnlyList<Answer> Answers { get; }

    /// <summary>The first question.</summary>
    public string Title => Turns[0].Row.Request;

    public string? User => Turns.Select(turn => turn.Row.User).FirstOrDefault(user => !string.IsNullOrEmpty(user));

    /// <summary>The state in words, where it is not simply over.</summary>
    public string? State => Failed is [] ? null : Failed.Count == 1 ? $"Failed in turn {Failed[0].Number}" : $"Failed in {Failed.Count} turns";

    private List<SessionTurn> Failed => [.. Turns.Where(turn => turn.IsFailed)];

    private long EndMs => Turns.Max(turn => turn.Row.Info.RequestTimeMs + (long)(turn.Row.LatencyMs ?? 0));

    private Answer Happened()
    {
        var answered = Turns.Count - Failed.Count;
        var result = Failed switch
        {
            [] when Turns[^1].Row.Mark == StateMark.Running => $"{Figures.Plural(Turns.Count - 1, "answer")}, and one on its way",
            [] => Figures.Plural(Turns.Count, "answer"),
            [var last] when last == Turns[^1] && answered > 0 => $"{Figures.Plural(answered, "answer")}, then turn {last.Number} failed",
            _ => $"{Figures.Count(answered)} of {Figures.Plural(Turns.Count, "turn")} answered",
        };
        var tools = Turns.Sum(turn => turn.Tree.Rows.Count(node => node.Span.Kind == SpanKind.Tool));
        var evidence = new List<Phrase> { new($"{(tools == 0 ? "No tool call" : Figures.Plural(tools, "tool call"))} in {Figures.Plural(Turns.Count, "turn")}") };
        if (Turns.Skip(1).Zip(Turns, (turn, before) => (turn, before)).FirstOrDefault(pair => pair.turn.Row.RequestLang != pair.before.Row.RequestLang).turn is { } other)
        {
            evidence.Add(new Phrase("; the language changed in "));
            evidence.Add(Turn(other));
        }

        evidence.Add(new Phrase("."));
        return new Answer { Question = "What happened?", Result = result, Evidence = evidence };
    }

    private Answer Waited()
    {
        var waited = Turns.Sum(turn => turn.Row.LatencyMs ?? 0);
        var whole = EndMs - Turns[0].Row.Info.RequestTimeMs;
        var parts = Turns.SelectMany(turn => TimeSplit.Of(turn.Tree)).GroupBy(part => part.Kind).OrderBy(group => group.Key).Select(group => (Kind: group.Key, Ms: group.Sum(part => part.Milliseconds))).ToList();
        var sum = parts.Sum(part => part.Ms);
        List<SplitPart> split = sum > 0 ? [.. parts.Select(part => new SplitPart(part.Kind, part.Ms, part.Ms / sum))] : [];
        var shares = string.Join(", ", split.Where(part => part.Share >= 0.01).OrderByDescending(part => part.Share).Take(4).Select(part => $"{part.Words} {Figures.Percent(part.Share)}"));
        var evidence = new List<Phrase>();
        if (shares.Length > 0)
        {
            evidence.Add(new Phrase(char.ToUpperInvariant(shares[0]) + shares[1..] + "."));
        }

        if (Turns.Count > 1 && Turns.Where(turn => turn.Row.LatencyMs is not null).MaxBy(turn => turn.Row.LatencyMs) is { } slowest)
        {
            evidence.Add(new Phrase(evidence.Count == 0 ? "Slowest: " : " Slowest: "));
            evidence.Add(Turn(slowest));
            evidence.Add(new Phrase($", {Figures.Duration(slowest.Row.LatencyMs!.Value)}."));
        }

        return new Answer
        {
            Question = User is { } user ? $"How long did {Name(user)} wait?" : "How long was the wait?",
            Result = Turns.Count == 1 ? Figures.Duration(waited) : $"{Figures.Duration(waited)} of {Figures.Duration(whole)}",
            Evidence = evidence,
            Split = split,
        };
    }

    private Answer Wrong()
    {
        var evidence = new List<Phrase>();
        if (Failed is [var first, ..])
        {
            evidence.Add(Turn(first));
            evidence.Add(new Phrase($": {PreviewText.Cut(first.Failure?.Span.Error?.Line ?? first.Row.Error ?? first.Row.Words ?? "failed", 120)}."));
        }

        var judged = Turns.SelectMany(turn => turn.Feedback).Select(feedback => FeedbackText.IsBad(feedback)).ToList();
        if (judged.Count > 0)
        {
            evidence.Add(new Phrase($"{(evidence.Count > 0 ? " " : "")}Feedback: {judged.Count} given"));
            if (judged.Count(isBad => isBad) is > 0 and var bad)
            {
                evidence.Add(new Phrase(", "));
                evidence.Add(new Phrase($"{bad} bad", Strong: true));
            }

            evidence.Add(new Phrase("."));
        }

        return new Answer
        {
            Question = "What went wrong?",
            Result = Failed.Count switch { 0 => "No errors", 1 => $"1 error, in turn {Failed[0].Number}", _ => $"{Failed.Count} turns failed" },
            IsBad = Failed.Count > 0,
            Evidence = evidence,
        };
    }

    // The sums of the traces, which the lists show, so that a session costs what its rows add up to.
    private Answer Cost()
    {
        var facts = Turns.Select(turn => turn.Row.Info.Facts).ToList();
        var costs = facts.Where(fact => fact.Cost is not null).Select(fact => fact.Cost!.Value).ToList();
        var cost = costs.Aggregate(new CallCost(0, 0), (sum, next) => sum + next);
        var unpriced = facts.Sum(fact => fact.UnpricedCalls);
        var (input, output, cached) = (facts.Sum(fact => fact.InputTokens ?? 0), facts.Sum(fact => fact.OutputTokens ?? 0), facts.Sum(fact => fact.CachedInputTokens ?? 0));
        var words = input + output == 0 ? "No tokens were told." : $"{Figures.Count(input)} tokens in, {Figures.Count(output)} out";
        if (input > 0)
        {
            words += cached > 0 ? $"; {Figures.Percent((double)cached / input)} of the prompts came from the cache." : ".";
        }

        return new Answer
        {
            Question = "What did it cost?",
            Result = costs.Count == 0 ? "Cost unknown" : Figures.Usd(cost.Usd) + (unpriced > 0 ? "+" : ""),
            Evidence = [new Phrase(words + (unpriced > 0 ? $" The price of {Figures.Plural(unpriced, "call")} is not known." : ""))],
        };
    }

    private static Phrase Turn(SessionTurn turn) => new($"turn {turn.Number}", turn.Number.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static string Name(string user) => PreviewText.Cut(user.Split('@')[0], 30);
}
