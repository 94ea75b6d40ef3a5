namespace MLflow;

/// <summary>Ended spans on their way to the exporter.</summary>
/// <param name="Trace">The trace they belong to.</param>
/// <param name="Spans">Spans that have ended; they no longer change.</param>
/// <param name="IsComplete">True when the root and all started spans have ended, so that the trace's facts can be sent.</param>
internal sealed record TraceExport(ActiveTrace Trace, IReadOnlyList<LiveSpan> Spans, bool IsComplete)
{
    /// <summary>All spans that the trace has had so far.</summary>
    public bool IsWhole => IsComplete && Spans.Count == Trace.StartedSpans;
}
