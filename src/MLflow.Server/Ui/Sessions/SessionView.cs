using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

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
    public string? State => Failed is [] ? null : Failed.Count == 1 ? T("Failed in turn {0}", Failed[0].Number) : T("Failed in {0} turns", Failed.Count);

    private List<SessionTurn> Failed => [.. Turns.Where(turn => turn.IsFailed)];

    private long EndMs => Turns.Max(turn => turn.Row.Info.RequestTimeMs + (long)(turn.Row.LatencyMs ?? 0));

    private Answer Happened()
    {
        var answered = Turns.Count - Failed.Count;
        var result = Failed switch
        {
            [] when Turns[^1].Row.Mark == StateMark.Running => T("{0}, and one on its way", Figures.Plural(Turns.Count - 1, "answer")),
            [] => Figures.Plural(Turns.Count, "answer"),
            [var last] when last == Turns[^1] && answered > 0 => T("{0}, then turn {1} failed", Figures.Plural(answered, "answer"), last.Number),
            _ => T("{0} of {1} answered", Figures.Count(answered), Figures.Plural(Turns.Count, "turn")),
        };
        var tools = Turns.Sum(turn => turn.Tree.Rows.Count(node => node.Span.Kind == SpanKind.Tool));
        var evidence = new List<Phrase> { new(T("{0} in {1}", tools == 0 ? T("No tool call") : Figures.Plural(tools, "tool call"), Figures.Plural(Turns.Count, "turn"))) };
        if (Turns.Skip(1).Zip(Turns, (turn, before) => (turn, before)).FirstOrDefault(pair => pair.turn.Row.RequestLang != pair.before.Row.RequestLang).turn is { } other)
        {
            evidence.AddRange(Filled(T("; the language changed in {0}"), Turn(other)));
        }

        evidence.Add(new Phrase(T(".")));
        return new Answer { Question = T("What happened?"), Result = result, Evidence = evidence };
    }

    private Answer Waited()
    {
        var waited = Turns.Sum(turn => turn.Row.LatencyMs ?? 0);
        var whole = EndMs - Turns[0].Row.Info.RequestTimeMs;
        var parts = Turns.SelectMany(turn => TimeSplit.Of(turn.Tree)).GroupBy(part => part.Kind).OrderBy(group => group.Key).Select(group => (Kind: group.Key, Ms: group.Sum(part => part.Milliseconds))).ToList();
        var sum = parts.Sum(part => part.Ms);
        List<SplitPart> split = sum > 0 ? [.. parts.Select(part => new SplitPart(part.Kind, part.Ms, part.Ms / sum))] : [];
        var shares = string.Join(T(", "), split.Where(part => part.Share >= 0.01).OrderByDescending(part => part.Share).Take(4).Select(part => $"{part.Words} {Figures.Percent(part.Share)}"));
        var evidence = new List<Phrase>();
        if (shares.Length > 0)
        {
            evidence.Add(new Phrase(char.ToUpperInvariant(shares[0]) + shares[1..] + T(".")));
        }

        if (Turns.Count > 1 && Turns.Where(turn => turn.Row.LatencyMs is not null).MaxBy(turn => turn.Row.LatencyMs) is { } slowest)
        {
            if (evidence.Count > 0)
            {
                evidence.Add(new Phrase(T(" ")));
            }

            evidence.AddRange(Filled(T("Slowest: {0}, {1}."), Turn(slowest), new Phrase(Figures.Duration(slowest.Row.LatencyMs!.Value))));
        }

        return new Answer
        {
            Question = User is { } user ? T("How long did {0} wait?", Name(user)) : T("How long was the wait?"),
            Result = Turns.Count == 1 ? Figures.Duration(waited) : T("{0} out of {1}", Figures.Duration(waited), Figures.Duration(whole)),
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
            evidence.Add(new Phrase($": {PreviewText.Cut(first.Failure?.Span.Error?.Line ?? first.Row.Error ?? first.Row.Words ?? T("failed"), 120)}{T(".")}"));
        }

        var judged = Turns.SelectMany(turn => turn.Feedback).Select(feedback => FeedbackText.IsBad(feedback)).ToList();
        if (judged.Count > 0)
        {
            if (evidence.Count > 0)
            {
                evidence.Add(new Phrase(T(" ")));
            }

            evidence.Add(new Phrase(T("Feedback: {0} given", judged.Count)));
            if (judged.Count(isBad => isBad) is > 0 and var bad)
            {
                evidence.Add(new Phrase(T(", ")));
                evidence.Add(new Phrase(T("{0} bad", bad), Strong: true));
            }

            evidence.Add(new Phrase(T(".")));
        }

        return new Answer
        {
            Question = T("What went wrong?"),
            Result = Failed.Count switch { 0 => T("No errors"), 1 => T("1 error, in turn {0}", Failed[0].Number), _ => T("{0} turns failed", Failed.Count) },
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
        var words = input + output == 0 ? T("No tokens were told.") : T("{0} tokens in, {1} out", Figures.Count(input), Figures.Count(output));
        if (input + output > 0)
        {
            words += cached > 0 && input > 0 ? T("; {0} of the prompts came from the cache.", Figures.Percent((double)cached / input)) : T(".");
        }

        return new Answer
        {
            Question = T("What did it cost?"),
            Result = costs.Count == 0 ? T("Cost unknown") : Figures.Usd(cost.Usd) + (unpriced > 0 ? "+" : ""),
            Evidence = [new Phrase(words + (unpriced > 0 ? T(" ") + T("The price of {0} is not known.", Figures.Plural(unpriced, "call")) : ""))],
        };
    }

    private static Phrase Turn(SessionTurn turn) => new(T("turn {0}", turn.Number), turn.Number.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static List<Phrase> Filled(string sentence, params ReadOnlySpan<Phrase> pieces) => Sentence.Fill(sentence, text => new Phrase(text), pieces);

    private static string Name(string user) => PreviewText.Cut(user.Split('@')[0], 30);
}
