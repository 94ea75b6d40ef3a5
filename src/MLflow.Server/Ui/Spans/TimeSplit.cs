namespace MLflow.Server.Ui.Spans;

/// <summary>Where the time of a trace went: the critical path cut by kind of work, so that the parts add up to the total.</summary>
public static class TimeSplit
{
    /// <summary>The parts in a fixed order, empty ones left out.</summary>
    public static IReadOnlyList<SplitPart> Of(SpanTree tree)
    {
        var sums = new double[Enum.GetValues<SplitKind>().Length];
        foreach (var segment in tree.CriticalPath.Segments)
        {
            Spread(segment, sums);
        }

        var total = sums.Sum();
        return total <= 0
            ? []
            : [.. Enum.GetValues<SplitKind>().Where(kind => sums[(int)kind] > 0).Select(kind => new SplitPart(kind, sums[(int)kind], sums[(int)kind] / total))];
    }

    private static void Spread(PathSegment segment, double[] sums)
    {
        // What a tool calls is part of the tool.
        var owner = segment.Node;
        while (owner is { Span.Kind: SpanKind.Other, Parent: not null })
        {
            owner = owner.Parent;
        }

        var span = owner?.Span;
        var length = segment.ToMs - segment.FromMs;
        if (span is null || !span.IsModelCall)
        {
            sums[(int)(span?.Kind switch
            {
                SpanKind.Tool => SplitKind.Tools,
                SpanKind.Retriever => SplitKind.Retrieval,
                SpanKind.Embedding => SplitKind.Embedding,
                _ => SplitKind.YourCode,
            })] += length;
            return;
        }

        // A broken stream that was taken up again is one answer, which began with the first of its requests.
        var lastTry = span.StartMs + (span.Attempts.LastOrDefault(attempt => !attempt.IsReconnect)?.StartMs ?? 0);
        var firstToken = span.FirstTokenMs is { } wait ? Math.Max(lastTry, span.StartMs + wait) : double.MaxValue;
        var retries = Overlap(segment, span.StartMs, lastTry);
        var streaming = firstToken == double.MaxValue ? 0 : Overlap(segment, firstToken, double.MaxValue);
        sums[(int)SplitKind.Retries] += retries;
        sums[(int)SplitKind.Streaming] += streaming;
        sums[(int)SplitKind.Waiting] += length - retries - streaming;
    }

    private static double Overlap(PathSegment segment, double from, double to) =>
        Math.Max(0, Math.Min(segment.ToMs, to) - Math.Max(segment.FromMs, from));
}
