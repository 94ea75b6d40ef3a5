using MLflow.Server.Traces;

namespace MLflow.Server.Mcp;

/// <summary>The spans of a trace as a tree in one list: each before those below it, those below one by their start.</summary>
internal static class SpanOutline
{
    /// <summary>Spans whose parent is not there stand at the top, and so does one of each ring of parents.</summary>
    public static List<(SpanRecord Span, int Depth)> Of(IReadOnlyList<SpanRecord> spans)
    {
        var ordered = spans.OrderBy(span => span.StartNs).ThenBy(span => span.SpanId, StringComparer.Ordinal).ToList();
        var ids = ordered.Select(span => span.SpanId).ToHashSet();
        var below = ordered.Where(span => span.ParentSpanId is not null).ToLookup(span => span.ParentSpanId!);
        var outline = new List<(SpanRecord, int)>(spans.Count);
        var seen = new HashSet<string>();

        // A stack of our own: traces may be deeper than that of the thread.
        var waiting = new Stack<(SpanRecord Span, int Depth)>();
        foreach (var top in ordered.Where(span => span.ParentSpanId is null || !ids.Contains(span.ParentSpanId)).Concat(ordered))
        {
            waiting.Push((top, 0));
            while (waiting.TryPop(out var next))
            {
                if (!seen.Add(next.Span.SpanId))
                {
                    continue;
                }

                outline.Add(next);
                foreach (var child in below[next.Span.SpanId].Reverse())
                {
                    waiting.Push((child, next.Depth + 1));
                }
            }
        }

        return outline;
    }
}
