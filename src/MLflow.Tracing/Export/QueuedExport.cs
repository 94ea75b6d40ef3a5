namespace MLflow;

/// <summary>An export that waits or is being sent.</summary>
internal sealed class QueuedExport
{
    public QueuedExport(TraceExport export, long sequence)
    {
        Export = export;
        Sequence = sequence;
        Size = ExportSize.Estimate(export);
    }

    public TraceExport Export { get; }

    /// <summary>Grows with each export that is accepted.</summary>
    public long Sequence { get; }

    /// <summary>Memory that it keeps alive, in bytes, roughly.</summary>
    public long Size { get; }

    /// <summary>Where it waits; the lane's own.</summary>
    public LinkedListNode<QueuedExport>? Place { get; set; }

    /// <summary>The spans have been acknowledged; the trace's facts have not.</summary>
    public bool AreSpansSent { get; set; }

    /// <summary>The trace's facts have been acknowledged with its spans.</summary>
    public bool AreFactsSent { get; set; }

    /// <summary>Spans whose sizes are in the trace's statistics, the first ones.</summary>
    public int SizedSpans { get; set; }

    /// <summary>A request that held it was refused: it goes by itself, so that it does not take others with it, and its facts after its spans.</summary>
    public bool GoesAlone { get; set; }

    /// <summary>Tries that ended in <see cref="ExportFailureKind.Failed"/>.</summary>
    public int Failures { get; set; }
}
