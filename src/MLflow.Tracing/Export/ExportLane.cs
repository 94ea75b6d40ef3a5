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
        IsCatalog = server.Workspace is not null && CatalogLocation.TryParse(destination.ExperimentId, out _);
    }

    public TraceDestination Destination { get; }

    public TrackingServer Server { get; }

    /// <summary>A place in Unity Catalog: a span can join its trace there at any time, which elsewhere in a workspace is one document.</summary>
    public bool IsCatalog { get; }

    /// <summary>When to try again what waits for something that other experiments do not wait for. Null for none.</summary>
    public RetryPolicy? Hold => Server.HoldOf(Destination);

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

    /// <summary>Puts one export into the place of several, of which the last gives its own.</summary>
    public void Replace(IReadOnlyList<QueuedExport> parts, QueuedExport merged)
    {
        merged.Lane = this;
        merged.Place = _waiting.AddAfter(parts[^1].Place!, merged);
        _spans += merged.SpanCount;
        _bytes += merged.Size;
        foreach (var part in parts)
        {
            Remove(part);
        }
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
            // A part that was on the disk has lost the others: where it may be there, it goes by itself.
            if (export is { IsComplete: false, Spooled: null })
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
