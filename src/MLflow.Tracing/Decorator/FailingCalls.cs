namespace MLflow;

/// <summary>
/// Calls that an exception is leaving. Where nobody catches it, the process ends before they are told, and the trace of what went wrong, of all traces,
/// would never be complete.
/// </summary>
internal static class FailingCalls
{
    private static readonly Lock Gate = new();

    // Bounded: by the depth of the stacks that are being unwound now.
    private static readonly List<LiveSpan> Spans = [];
    private static volatile int _count;

    public static void Add(LiveSpan span)
    {
        lock (Gate)
        {
            // A finally block may throw another one on the way.
            if (!Spans.Contains(span))
            {
                Spans.Add(span);
                _count = Spans.Count;
            }
        }
    }

    public static bool Remove(LiveSpan span)
    {
        if (_count == 0)
        {
            return false;
        }

        lock (Gate)
        {
            var wasThere = Spans.Remove(span);
            _count = Spans.Count;
            return wasThere;
        }
    }

    /// <summary>The process ends by an exception that nobody catches.</summary>
    public static void EndAll()
    {
        LiveSpan[] spans;
        lock (Gate)
        {
            // Inner calls come first.
            spans = [.. Spans];
            Spans.Clear();
            _count = 0;
        }

        foreach (var span in spans)
        {
            span.End();
        }
    }
}
