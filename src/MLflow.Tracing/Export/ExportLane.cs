namespace MLflow;

/// <summary>Exports to one experiment of one server, in the order in which they came. Touched under the exporter's lock only.</summary>
internal sealed class ExportLane
{
    /// <summary>Spans that one batch has at most, unless one export alone has more.</summary>
    public const int MaxBatchSpans = 2048;

    /// <summary>Bytes of one batch at most, unless one export alone has more.</summary>
    public const long MaxBatchBytes = 4 << 20;

    /// <summary>Whole traces in one batch: a batch is over when its last trace is, and a flush waits for that.</summary>
    public const int MaxBatchTraces = 64;

    // Bounded by the exporter's budget.
    // A linked list, since a long one is emptied from its front while callers wait for the lock.
    private readonly LinkedList<QueuedExport> _waiting = [];
    private int _spans;
    private long _bytes;

    public ExportLane(TraceDestination destination, TrackingServer server)
    {
        Destination = destination;
        Server = server;
    }

    public TraceDestination Destination { get; }

    public TrackingServer Server { get; }

    /// <summary>When to try this experiment again, whose traces wait for something that others do not wait for. Null for none.</summary>
    public RetryPolicy? Hold { get; set; }

    public bool IsEmpty => _waiting.Count == 0;

    public long FirstSequence => _waiting.First!.Value.Sequence;

    /// <summary>Enough waits for a full batch.</summary>
    public bool IsFull => _spans >= MaxBatchSpans || _bytes >= MaxBatchBytes;

    /// <summary>When the first of those that wait came, as a timestamp.</summary>
    public long WaitsSince { get; private set; }

    public IReadOnlyCollection<QueuedExport> Waiting => _waiting;

    public void Add(QueuedExport export, long timestamp)
    {
        if (IsEmpty)
        {
            WaitsSince = timestamp;
        }

        export.Lane = this;
        export.Place = _waiting.AddLast(export);
        _spans += export.SpanCount;
        _bytes += export.Size;
    }

    /// <summary>Replaces what waits as objects by its bytes.</summary>
    /// <returns>By how many bytes it grew.</returns>
    public long Become(QueuedExport export, EncodedExport encoded)
    {
        var change = export.Become(encoded);
        _bytes += change;
        return change;
    }

    public void Remove(QueuedExport export)
    {
        if (export.Place is { } place)
        {
            export.Place = null;
            _waiting.Remove(place);
            _spans -= export.SpanCount;
            _bytes -= export.Size;
        }
    }

    /// <summary>What is sent next. They stay in the lane until they are removed. Empty when nothing can be sent.</summary>
    public List<QueuedExport> NextBatch() => Server.TakesSpans ? NextSpans() : Server.Workspace is null ? NextWholeTrace() : NextWholeTraces();

    private List<QueuedExport> NextSpans()
    {
        var batch = new List<QueuedExport>();
        var spans = 0;
        long bytes = 0;
        foreach (var export in _waiting)
        {
            spans += export.SpanCount;
            bytes += export.Size;
            if (batch.Count > 0 && (export.GoesAlone || spans > MaxBatchSpans || bytes > MaxBatchBytes))
            {
                break;
            }

            batch.Add(export);
            if (export.GoesAlone)
            {
                break;
            }
        }

        return batch;
    }

    /// <summary>Finished traces with all that belongs to them, as many as one batch holds.</summary>
    private List<QueuedExport> NextWholeTraces()
    {
        var batch = new List<QueuedExport>();
        var open = new Dictionary<ExportProgress, List<QueuedExport>>();
        long bytes = 0;
        var traces = 0;
        foreach (var export in _waiting)
        {
            if (!export.IsComplete)
            {
                (open.TryGetValue(export.Progress, out var before) ? before : open[export.Progress] = []).Add(export);
                continue;
            }

            List<QueuedExport> parts = open.Remove(export.Progress, out var earlier) ? [.. earlier, export] : [export];
            bytes += parts.Sum(part => part.Size);
            if (batch.Count > 0 && (export.GoesAlone || traces == MaxBatchTraces || bytes > MaxBatchBytes))
            {
                break;
            }

            traces++;
            batch.AddRange(parts);
            if (export.GoesAlone)
            {
                break;
            }
        }

        return batch;
    }

    /// <summary>A server that does not take spans takes a finished trace as one file: the parts wait until the last one is there.</summary>
    private List<QueuedExport> NextWholeTrace()
    {
        var complete = _waiting.FirstOrDefault(e => e.IsComplete);
        return complete is null ? [] : [.. _waiting.Where(e => ReferenceEquals(e.Progress, complete.Progress) && e.Sequence <= complete.Sequence)];
    }
}
