using MLflow.Server.Traces;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.Spans;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Compare;

/// <summary>Traces side by side: facts, steps, and what was said.</summary>
public sealed class CompareView
{
    /// <summary>Traces that fit beside each other.</summary>
    public const int MostTraces = 4;

    /// <summary>Characters of messages that differ up to which it is said where: strangers write them, and finding it takes time.</summary>
    private const int MostCompared = 120_000;

    private int _compared;

    /// <param name="traces">With their spans; the others are compared with the first.</param>
    /// <param name="now">The time.</param>
    public CompareView(IReadOnlyList<(TraceInfo Info, IReadOnlyList<SpanRecord> Spans)> traces, DateTimeOffset now)
    {
        Traces = [.. traces.Select(trace => new TraceView(trace.Info, trace.Spans, now))];
        Facts = [.. ReadFacts().Where(fact => fact.Values.Any(value => value.Length > 0))];
        Steps = [.. Alignment.Of([.. Traces.Select(trace => (IReadOnlyList<string>)[.. trace.Tree.Rows.Select(Key)])])
            .Select(row => (IReadOnlyList<SpanNode?>)[.. row.Select((item, i) => item is { } number ? Traces[i].Tree.Rows[number] : null)])];
        Messages = ReadMessages();
        LongestMs = Traces.SelectMany(trace => trace.Tree.Rows).Max(node => node.Span.DurationMs) ?? 0;
    }

    public IReadOnlyList<TraceView> Traces { get; }

    public IReadOnlyList<ComparedFact> Facts { get; }

    /// <summary>Rows of steps that are alike; null where a trace has no such step.</summary>
    public IReadOnlyList<IReadOnlyList<SpanNode?>> Steps { get; }

    /// <summary>Rows of messages of each trace's last model call, prompt and answer; null where a trace has none.</summary>
    public IReadOnlyList<IReadOnlyList<ComparedMessage?>> Messages { get; }

    /// <summary>Of all steps, so that bars can be compared.</summary>
    public double LongestMs { get; }

    /// <summary>The address.</summary>
    public static string Url(IEnumerable<string> traceIds) => "compare?traces=" + string.Join(',', traceIds.Select(Uri.EscapeDataString));

    // A step is the same where it stands at the same depth and is called the same.
    private static string Key(SpanNode node) => $"{node.Depth} {node.Span.Record.Type} {node.Span.Record.Name.ReplaceLineEndings(" ")}";

    private static IReadOnlyList<ChatMessage> Said(TraceView trace) =>
        trace.Tree.ModelCalls.Count > 0 && ChatTranscript.Of(trace.Tree.ModelCalls[^1], trace.Tree) is { } transcript ? transcript.Messages : [];

    // What is not text has no words to compare; it is named.
    internal static string Text(ChatMessage message) => string.Join("\n\n", message.Parts.Where(part => part.Kind != ChatPartKind.Text).Select(part => $"[{part.Kind}]")
        .Prepend(message.Text).Concat(message.Calls.Select(call => $"{call.Name}({call.Arguments})")).Where(text => text.Length > 0));

    private IEnumerable<ComparedFact> ReadFacts()
    {
        yield return Fact(T("State"), trace => trace.State);
        yield return Fact(T("Began"), trace => Figures.Instant(trace.Info.RequestTimeMs)[..19] + " UTC");
        yield return Fact(T("Latency"), trace => trace.Tree.Took ?? (trace.Info.DurationMs is { } duration ? Figures.TraceDuration(duration) : ""));
        yield return Fact(T("First token"), trace => trace.Info.Facts.FirstTokenMs is { } first ? Figures.TraceDuration(first) : "");
        yield return Fact(T("Model"), trace => string.Join(", ", trace.Tree.ModelCalls.Select(call => call.Span.Model).OfType<string>().Distinct()));
        yield return Fact(T("Model calls"), trace => Figures.Count(trace.Tree.ModelCalls.Count));
        yield return Fact(T("Tool calls"), trace => Figures.Count(trace.Tree.Rows.Count(node => node.Span.Kind == SpanKind.Tool)));
        yield return Fact(T("Input tokens"), trace => Count(trace.Info.Facts.InputTokens));
        yield return Fact(T("Cached"), trace => Count(trace.Info.Facts.CachedInputTokens));
        yield return Fact(T("Output tokens"), trace => Count(trace.Info.Facts.OutputTokens));
        yield return Fact(T("Cost"), trace => trace.Info.Facts.Cost is { } cost ? Figures.Usd(cost.Usd) + (trace.Info.Facts.UnpricedCalls > 0 ? "+" : "") : "");
        yield return Fact(T("Error"), trace => trace.Tree.ErrorOrigins.Count > 0 ? PreviewText.Cut(trace.Tree.ErrorOrigins[0].Span.Error?.Line ?? "", 200) : "");
        yield return Fact(T("Session"), trace => trace.Info.Metadata.GetValueOrDefault(TraceKeys.Session, ""));
        yield return Fact(T("User"), trace => trace.Info.Metadata.GetValueOrDefault(TraceKeys.User, ""));
        foreach (var tag in Traces.SelectMany(trace => trace.OwnTags).Select(tag => tag.Key).Distinct().Order(StringComparer.Ordinal))
        {
            yield return Fact(tag, trace => PreviewText.Cut(trace.Info.Tags.GetValueOrDefault(tag, ""), 200));
        }
    }

    private ComparedFact Fact(string name, Func<TraceView, string> read) => new(name, [.. Traces.Select(read)]);

    private List<IReadOnlyList<ComparedMessage?>> ReadMessages()
    {
        var said = Traces.Select(Said).ToList();
        var rows = new List<IReadOnlyList<ComparedMessage?>>();
        foreach (var row in Alignment.Of([.. said.Select(messages => (IReadOnlyList<string>)[.. messages.Select(message => message.Role.ReplaceLineEndings(" "))])]))
        {
            var first = row[0] is { } number ? Text(said[0][number]) : null;
            rows.Add([.. row.Select((item, i) => item is { } at ? Compared(said[i][at], first, i) : null)]);
        }

        return rows;
    }

    private ComparedMessage Compared(ChatMessage message, string? first, int trace)
    {
        var text = Text(message);
        if (trace > 0 && first is not null && text != first && (_compared += text.Length + first.Length) > MostCompared)
        {
            return new ComparedMessage(message.Role, [new DiffPiece(DiffKind.Added, text)], false);
        }

        return new ComparedMessage(message.Role, trace == 0 || first is null ? [new DiffPiece(first is null && trace > 0 ? DiffKind.Added : DiffKind.Same, text)] : WordDiff.Of(first, text), trace > 0 && text == first);
    }

    private static string Count(long? count) => count is { } tokens ? Figures.Count(tokens) : "";
}
