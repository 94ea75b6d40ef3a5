namespace MLflow;

/// <summary>Ended spans on their way to the exporter.</summary>
/// <param name="Trace">The trace they belong to.</param>
/// <param name="Spans">Spans that no longer change: they have ended or, in an announcement, are copies.</param>
/// <param name="IsComplete">True when the root and all started spans have ended, so that the trace's facts can be sent.</param>
internal sealed record TraceExport(ActiveTrace Trace, IReadOnlyList<LiveSpan> Spans, bool IsComplete)
{
    /// <summary>The spans still run: they come again when they have ended, and until then nothing is lost with them.</summary>
    public bool IsAnnouncement { get; init; }

    /// <summary>All spans that the trace has had so far.</summary>
    public bool IsWhole => IsComplete && Spans.Count == Trace.StartedSpans;

    /// <summary>It will not be encoded: gives back what is taken from a budget.</summary>
    public void Release()
    {
        foreach (var span in Spans)
        {
            span.ReleasePlain();
        }
    }
}
