using System.Diagnostics;

namespace MLflow;

/// <summary>
/// Starts spans and knows which one is current in this async flow. The current span lives in our own AsyncLocal and never in
/// <c>Activity.Current</c>: a root Activity of ours would pull the program's SQL and HTTP spans into our traces (docs/adr/0001).
/// </summary>
internal sealed class Tracer
{
    private readonly AsyncLocal<LiveSpan?> _current = new();
    private readonly AsyncLocal<LastTrace?> _last = new();
    private readonly AsyncLocal<RemoteContext?> _remote = new();
    private readonly ActiveTrace _notRecorded;
    private readonly Func<TraceOutlet> _outlet;
    private volatile bool _isDisabled;

    // So that traces of programs that never do so need not look.
    private volatile bool _usesRemote;
    private volatile bool _isPrepared;
    private FrameworkActivities? _frameworks;

    /// <param name="outlet">Where a trace goes that begins now.</param>
    /// <param name="timeProvider">The clock.</param>
    public Tracer(Func<TraceOutlet> outlet, TimeProvider timeProvider)
    {
        _outlet = outlet;
        TimeProvider = timeProvider;
        Running = new RunningTraces(timeProvider);
        _notRecorded = ActiveTrace.NotRecorded(this);
    }

    /// <summary>A trace's root has ended while spans below it still run. Handlers must not throw.</summary>
    public event Action<ActiveTrace>? RootEnded;

    public TimeProvider TimeProvider { get; }

    public RunningTraces Running { get; }

    /// <summary>Whether traces that begin now are recorded at all. Those that have begun are not concerned.</summary>
    public bool IsEnabled
    {
        get => !_isDisabled;
        set
        {
            TracedCall.MayBeOff |= !value;
            _isDisabled = !value;
        }
    }

    /// <summary>
    /// Work that must be finished before a trace can be called ended, for example answers that are still being parsed. Who awaits it may go on on a thread of that work.
    /// </summary>
    public Func<CancellationToken, Task>? DrainAsync { get; set; }

    /// <summary>As <see cref="DrainAsync"/>, for some traces alone.</summary>
    public Func<IEnumerable<ActiveTrace>, CancellationToken, Task>? DrainTracesAsync { get; set; }

    /// <summary>Bodies of calls that could not be read so far.</summary>
    public Func<long>? RecorderFailures { get; set; }

    /// <summary>Records calls that are under way as far as they have come, because the program ends. Does not throw.</summary>
    public Action? CloseOpenCalls { get; set; }

    public LiveSpan? Current => _current.Value;

    /// <summary>Id of the trace that this flow began last.</summary>
    public string? LastTraceId => _last.Value is { Id: { } id } last ? last.Destination!.TraceIdOf(id) : null;

    /// <summary>
    /// Makes later traces of this flow visible to <see cref="LastTraceId"/> even where they begin below an async method
    /// (which undoes AsyncLocal changes when it returns): what flows down is a box, and the box is written.
    /// </summary>
    public void WatchFlow() => _last.Value ??= new LastTrace();

    /// <summary>Starts a span below the current one, or a new trace, and makes it current in this flow.</summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">Type of the span.</param>
    /// <param name="outlet">Where a new trace goes. Null: where traces of this flow go.</param>
    /// <param name="options">What else is said of the span.</param>
    public LiveSpan StartSpan(string name, string spanType, TraceOutlet? outlet = null, SpanOptions? options = null)
    {
        var parent = _current.Value;
        var span = Start(name, spanType, parent, makeCurrent: true, outlet, options);
        if (parent is null && !span.Trace.IsOff)
        {
            // A flow of its own gets a box of its own, so that it never reads the id of a trace that a sibling began.
            _last.Value = new LastTrace { Destination = span.Trace.Destination, Id = span.Trace.OtelTraceId.ToHexString() };
            Running.Add(span.Trace);
        }

        _current.Value = span;
        options?.ApplyTo(span);
        return span;
    }

    /// <summary>Makes the client of which traces begin here, so that what is wrong with its settings is known before a span is started.</summary>
    /// <exception cref="ArgumentException">The settings are wrong.</exception>
    public void Prepare()
    {
        if (!_isPrepared)
        {
            _ = _outlet();
            _isPrepared = true;
        }
    }

    /// <summary>Starts a span that does not become current, and that its starter will end.</summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">Type of the span.</param>
    /// <param name="parent">The parent. Null: the current span, else none.</param>
    /// <param name="outlet">Where a new trace goes.</param>
    /// <param name="options">What else is said of the span.</param>
    public LiveSpan StartNoContext(string name, string spanType, LiveSpan? parent, TraceOutlet outlet, SpanOptions? options)
    {
        parent ??= _current.Value;
        var span = Start(name, spanType, parent, makeCurrent: false, outlet, options);
        if (parent is null && !span.Trace.IsOff)
        {
            _last.Value = new LastTrace { Destination = span.Trace.Destination, Id = span.Trace.OtelTraceId.ToHexString() };
            Running.Add(span.Trace);
        }

        options?.ApplyTo(span);
        return span;
    }

    /// <summary>Starts a span that does not become current, below <paramref name="parent"/> or as a trace of its own.</summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">Type of the span.</param>
    /// <param name="parent">The parent, or null for a new trace.</param>
    /// <param name="startTimestamp">When it began, as a timestamp of <see cref="TimeProvider"/>; null for now.</param>
    /// <param name="madeOf">The activity of a framework that the span is made of, which others may hear of. Null for none.</param>
    /// <param name="samplingRatio">Of a new trace, instead of what is set. Null: as set.</param>
    public LiveSpan StartDetached(string name, string spanType, LiveSpan? parent, long? startTimestamp = null, Activity? madeOf = null, double? samplingRatio = null)
    {
        var trace = parent?.Trace ?? Begin(_outlet(), name, spanType, samplingRatio);
        if (parent is null && trace.Outlet.TraceTimeout is not null)
        {
            Running.Add(trace);
        }

        var span = Mirrored(trace.StartSpan(name, TypeOf(spanType), parent, previous: null, makeCurrent: false, startTimestamp is { } timestamp ? trace.ToUnixNs(timestamp) : null), makeCurrent: false, madeOf);
        if (parent is null && !span.Trace.IsOff && _last.Value is { } last)
        {
            last.Destination = span.Trace.Destination;
            last.Id = span.Trace.OtelTraceId.ToHexString();
        }

        return span;
    }

    /// <summary>Makes a span that was started detached the current one of this flow.</summary>
    /// <returns>The current one until now, for <see cref="Leave"/>.</returns>
    public LiveSpan? Enter(LiveSpan span)
    {
        if (SpanMirror.Any)
        {
            SpanMirror.Enter(span);
        }

        return Exchange(span);
    }

    /// <summary>Makes another span, or none, the current one of this flow. The program's current activity stays what it is.</summary>
    /// <returns>The current one until now.</returns>
    public LiveSpan? Exchange(LiveSpan? span)
    {
        var previous = _current.Value;
        _current.Value = span;
        return previous;
    }

    /// <summary>Lets traces that begin in this flow continue one of another process, until the result is disposed. Null changes nothing.</summary>
    public IDisposable UseRemote(RemoteContext? context)
    {
        _usesRemote |= context is not null;
        return new RemoteScope(this, context);
    }

    public void Leave(LiveSpan span, LiveSpan? previous)
    {
        if (ReferenceEquals(_current.Value, span))
        {
            _current.Value = previous;
        }

        if (SpanMirror.Any)
        {
            SpanMirror.Leave(span);
        }
    }

    /// <summary>Makes spans of this tracer of other libraries' activities. Does nothing before it is told to listen.</summary>
    public FrameworkActivities Frameworks(SelfLog log) => LazyInitializer.EnsureInitialized(ref _frameworks, () => new FrameworkActivities(this, log));

    public void OnRootEnded(ActiveTrace trace) => RootEnded?.Invoke(trace);

    /// <summary>Nothing of a trace is handed over.</summary>
    public void TraceDropped(ActiveTrace trace) => Running.Remove(trace);

    public void TraceCompleted(ActiveTrace trace)
    {
        trace.Outlet.TraceCompleted();
        Running.Remove(trace);
    }

    private LiveSpan Start(string name, string spanType, LiveSpan? parent, bool makeCurrent, TraceOutlet? outlet, SpanOptions? options)
    {
        var trace = parent?.Trace ?? Begin(outlet ?? _outlet(), name, spanType, options?.SamplingRatio);
        return Mirrored(trace.StartSpan(name, TypeOf(spanType), parent, makeCurrent ? parent : null, makeCurrent, options?.StartTime is { } time ? UnixNano.Of(time) : null), makeCurrent, madeOf: null);
    }

    /// <summary>Gives the span its double, where somebody wants that. One of a trace that may be forgotten has none.</summary>
    private static LiveSpan Mirrored(LiveSpan span, bool makeCurrent, Activity? madeOf)
    {
        if (SpanMirror.IsWanted && span.Trace is { IsOff: false, Fate: TraceFate.Kept })
        {
            SpanMirror.Start(span, makeCurrent, madeOf);
        }

        return span;
    }

    private static string TypeOf(string spanType) => string.IsNullOrEmpty(spanType) ? SpanType.Unknown : spanType;

    private ActiveTrace Begin(TraceOutlet outlet, string name, string spanType, double? samplingRatio)
    {
        var collector = TraceCollector.OfFlow ?? outlet.Collector;
        if (_isDisabled || outlet.Privacy.Mode == CaptureMode.Off)
        {
            return _notRecorded;
        }

        var remote = _usesRemote ? _remote.Value : null;
        if (remote?.Parent is { IsRecorded: false })
        {
            return _notRecorded;
        }

        var isChosen = collector is not null || remote?.Parent is not null || IsChosen(samplingRatio ?? outlet.SamplingRatioOfFlow?.Invoke() ?? outlet.Sampler?.RatioOf(name, TypeOf(spanType)) ?? outlet.SamplingRatio);
        if (!isChosen && outlet.Tail is null or { IsFull: true })
        {
            return _notRecorded;
        }

        var destination = outlet.Destination;
        var trace = new ActiveTrace(collector?.OutletOf(outlet) ?? outlet, destination, isChosen ? TraceFate.Kept : TraceFate.Undecided, remote?.Parent);
        if (isChosen)
        {
            trace.Outlet.TraceBegan();
        }

        collector?.Add(trace);
        trace.OfferMetadata(TraceKeys.SourceRun, outlet.RunId?.Invoke());
        trace.OfferMetadata(TraceKeys.ModelId, outlet.ModelId);
        if (remote is not null)
        {
            trace.OfferMetadata(TraceKeys.Session, remote.Session);
            trace.OfferMetadata(TraceKeys.User, remote.User);
        }

        return trace;
    }

    private static bool IsChosen(double ratio) => ratio >= 1 || Random.Shared.NextDouble() < ratio;

    private sealed class RemoteScope : IDisposable
    {
        private readonly Tracer _tracer;
        private readonly RemoteContext? _own;
        private readonly RemoteContext? _previous;
        private readonly LiveSpan? _current;

        public RemoteScope(Tracer tracer, RemoteContext? own)
        {
            (_tracer, _own) = (tracer, own);
            if (own is null)
            {
                return;
            }

            _previous = tracer._remote.Value;
            tracer._remote.Value = own;
            _current = own.Parent is null ? tracer._current.Value : tracer.Exchange(null);
        }

        /// <summary>Restores what was before. Out of order, or in another flow, it changes nothing.</summary>
        public void Dispose()
        {
            if (_own is null || !ReferenceEquals(_tracer._remote.Value, _own))
            {
                return;
            }

            _tracer._remote.Value = _previous;
            if (_own.Parent is not null && _tracer._current.Value is null)
            {
                _tracer._current.Value = _current;
            }
        }
    }

    private sealed class LastTrace
    {
        // Without its prefix: every trace sets it, and few programs ask.
        public volatile string? Id;

        // Says what the prefix is. Set before the id.
        public volatile TraceDestination? Destination;
    }
}
