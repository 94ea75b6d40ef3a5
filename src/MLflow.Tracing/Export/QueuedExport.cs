namespace MLflow;

/// <summary>An export that waits or is being sent.</summary>
internal sealed class QueuedExport
{
    public QueuedExport(TraceExport export, EncodedExport? encoded, long sequence)
    {
        Progress = export.IsAnnouncement ? new ExportProgress() : export.Trace.Progress;
        IsAnnouncement = export.IsAnnouncement;
        SpanCount = export.Spans.Count;
        IsComplete = export.IsComplete;
        Sequence = sequence;
        Encoded = encoded;
        Raw = encoded is null ? export : null;
        Size = encoded?.Size ?? ExportSize.Estimate(export);
    }

    /// <summary>Queues what was read from the spool.</summary>
    public QueuedExport(SpoolRecord spooled, long sequence)
    {
        Progress = new ExportProgress();
        SpanCount = spooled.SpanCount;
        IsComplete = spooled.IsComplete;
        Sequence = sequence;
        Encoded = spooled.Encoded;
        Spooled = spooled;
        Size = spooled.Encoded.Size;
    }

    private QueuedExport(IReadOnlyList<QueuedExport> parts, EncodedExport encoded)
    {
        var last = parts[^1];
        Progress = last.Progress;
        SpanCount = encoded.CountSpans();
        IsComplete = last.IsComplete;
        Sequence = last.Sequence;
        AreFactsSent = last.AreFactsSent;
        Failures = last.Failures;
        Encoded = encoded;
        Size = encoded.Size;
    }

    public ExportProgress Progress { get; }

    /// <summary>Where it is on the disk, until it is settled. Null for what never was there.</summary>
    public SpoolRecord? Spooled { get; }

    /// <summary>It tells of spans that run. When it cannot be sent it is forgotten.</summary>
    public bool IsAnnouncement { get; }

    public int SpanCount { get; }

    /// <summary>It completes its trace, whose facts it has, or this process's part of it.</summary>
    public bool IsComplete { get; }

    /// <summary>It has the facts of its trace. Not before it is encoded.</summary>
    public bool HasFacts => Encoded is { HasFacts: true };

    /// <summary>Grows with each export that is accepted.</summary>
    public long Sequence { get; }

    /// <summary>What was handed over, until it is encoded.</summary>
    public TraceExport? Raw { get; private set; }

    /// <summary>What is sent. Null until it is encoded.</summary>
    public EncodedExport? Encoded { get; private set; }

    /// <summary>Memory that it keeps alive, in bytes, roughly until it is encoded.</summary>
    public long Size { get; private set; }

    public ExportLane? Lane { get; set; }

    /// <summary>Where it waits; the lane's own.</summary>
    public LinkedListNode<QueuedExport>? Place { get; set; }

    /// <summary>The spans have been acknowledged; the trace's facts have not.</summary>
    public bool AreSpansSent { get; set; }

    /// <summary>Where they go in several requests: bytes of the spans, with their lengths, that have been acknowledged.</summary>
    public int SentSpanBytes { get; set; }

    /// <summary>The trace's facts have been acknowledged with its spans.</summary>
    public bool AreFactsSent { get; set; }

    /// <summary>A request that held it was refused: it goes by itself, so that it does not take others with it, and its facts after its spans.</summary>
    public bool GoesAlone { get; set; }

    /// <summary>Tries that ended in <see cref="ExportFailureKind.Failed"/>.</summary>
    public int Failures { get; set; }

    /// <summary>Puts what has not been acknowledged of exports of one trace together, which are encoded: their spans, and the facts of the last one.</summary>
    public static QueuedExport Merge(IReadOnlyList<QueuedExport> parts, ExportMemory memory) =>
        new(parts, EncodedExport.Merge([.. parts.Select(part => (part.Encoded!, part.SentSpanBytes))], memory));

    /// <summary>Takes the encoded form and lets the objects go.</summary>
    /// <returns>By how much its size changed.</returns>
    public long Become(EncodedExport encoded)
    {
        var before = Size;
        Encoded = encoded;
        Raw = null;
        Size = encoded.Size;
        return Size - before;
    }
}
