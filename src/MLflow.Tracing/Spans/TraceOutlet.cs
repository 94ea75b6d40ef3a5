namespace MLflow;

/// <summary>
/// Where traces go that begin, and what they belong to: one for each client. A tracer knows which span is current, an outlet what becomes of the trace; clients that share a
/// tracer, as those of hosts do with <see cref="Mlflow"/>, share the tree of one flow and nothing else.
/// </summary>
internal sealed class TraceOutlet
{
    private readonly Func<TraceDestination> _destination;
    private volatile TraceCollector? _collector;
    private volatile PrivacyFilter _privacy = PrivacyFilter.Default;
    private readonly SpanProcessing? _processing;
    private long _unfinished;

    public TraceOutlet(Tracer tracer, ITraceExporter exporter, Func<TraceDestination> destination)
    {
        Tracer = tracer;
        Exporter = exporter;
        _destination = destination;
    }

    public Tracer Tracer { get; }

    public ITraceExporter Exporter { get; }

    public TraceDestination Destination => _destination();

    /// <summary>The run that a trace belongs to which begins now; null for none.</summary>
    public Func<string?>? RunId { get; init; }

    /// <summary>The logged model that traces belong to; null for none.</summary>
    public string? ModelId { get; init; }

    /// <summary>Part of the traces that are recorded, from 0 to 1.</summary>
    public double SamplingRatio { get; init; } = 1;

    /// <summary>The program's own decision by what begins. Null: there is none.</summary>
    public TraceSampler? Sampler { get; init; }

    /// <summary>The part that one flow has set for itself; null where it has not.</summary>
    public Func<double?>? SamplingRatioOfFlow { get; init; }

    /// <summary>Which traces are kept although chance left them out. Null: none.</summary>
    public TailSampling? Tail { get; init; }

    /// <summary>How long a trace may run. Null: as long as it likes.</summary>
    public TimeSpan? TraceTimeout { get; init; }

    /// <summary>Takes out of spans what may not leave the program.</summary>
    public PrivacyFilter Privacy
    {
        get => InsteadOf?.Privacy ?? _privacy;
        set => _privacy = value;
    }

    /// <summary>The outlet whose traces come here and whose <see cref="Privacy"/> and <see cref="Processing"/> they keep. Null for none.</summary>
    public TraceOutlet? InsteadOf { get; init; }

    /// <summary>What the program does with each span at its end. Null: nothing.</summary>
    public SpanProcessing? Processing
    {
        get => InsteadOf?.Processing ?? _processing;
        init => _processing = value;
    }

    /// <summary>Which program it is, where that is not this one: as <see cref="TraceInfoWriter.OfProcess"/>. Null for this one.</summary>
    public byte[]? OfProcess { get; init; }

    /// <summary>Takes troubles. Null: nobody does.</summary>
    public SelfLog? Log { get; init; }

    /// <summary>Takes traces that begin instead of the exporter. Null for none.</summary>
    public TraceCollector? Collector => _collector;

    /// <summary>Traces that have begun and not ended.</summary>
    public long Unfinished => Interlocked.Read(ref _unfinished);

    /// <summary>For what is not recorded and therefore goes nowhere.</summary>
    public static TraceOutlet Nowhere(Tracer tracer) => new(tracer, null!, null!);

    /// <summary>False where there is one.</summary>
    public bool TrySetCollector(TraceCollector collector) => Interlocked.CompareExchange(ref _collector, collector, null) is null;

    public void RemoveCollector(TraceCollector collector) => Interlocked.CompareExchange(ref _collector, null, collector);

    public void TraceBegan() => Interlocked.Increment(ref _unfinished);

    public void TraceCompleted() => Interlocked.Decrement(ref _unfinished);
}
