using System.Diagnostics;

namespace MLflow;

/// <summary>
/// A trace that spans are being added to. It is handed to the exporter when its root and every span that was started in it have ended;
/// spans that are started in it afterwards are handed over in the same way, with the new totals. It locks itself, to be small.
/// </summary>
internal sealed class ActiveTrace
{
    /// <summary>Ended spans that a trace holds before it hands them over early, so that an endless trace does not grow without end.</summary>
    public const int MaxHeldSpans = 512;

    /// <summary>How often the server hears that a trace runs.</summary>
    public static readonly TimeSpan BeatPeriod = TimeSpan.FromSeconds(15);

    /// <summary>For how long it believes that without hearing it again: three beats may be lost.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    /// <summary>Assessments that a trace keeps until it is sent. More are refused.</summary>
    public const int MaxAssessments = 1000;

    private readonly long _startTimestamp;
    private readonly long _startNs;
    private List<LiveSpan>? _ended;

    // Without the root. Null while there was none.
    private HashSet<LiveSpan>? _running;
    private ExportProgress? _progress;
    private TraceSizes? _sizes;
    private Dictionary<string, string>? _offered;
    private Dictionary<string, string>? _metadata;
    private Dictionary<string, string>? _tags;
    private List<NewAssessment>? _assessments;
    private TraceTold? _told;
    private TokenUsage? _usage;
    private string? _traceId;
    private long _heldBytes;
    private int _open;
    private bool _wasCompleted;
    private bool _isSettled;
    private TimeSpan _nextBeat;

    public ActiveTrace(TraceOutlet outlet, TraceDestination destination, TraceFate fate = TraceFate.Kept, RemoteParent? remoteParent = null)
    {
        RemoteParent = remoteParent;
        Fate = fate;
        Outlet = outlet;
        Destination = destination;
        OtelTraceId = remoteParent?.TraceId ?? RandomId.Trace();
        _startTimestamp = outlet.Tracer.TimeProvider.GetTimestamp();
        _startNs = UnixNano.Of(outlet.Tracer.TimeProvider.GetUtcNow());
    }

    /// <summary>Makes a trace again of which an ended span is all there was.</summary>
    private ActiveTrace(TraceOutlet outlet, TraceDestination destination, ActivityTraceId otelTraceId)
    {
        Outlet = outlet;
        Destination = destination;
        OtelTraceId = otelTraceId;
    }

    private ActiveTrace(Tracer tracer)
    {
        Outlet = TraceOutlet.Nowhere(tracer);
        Destination = null!;
        IsOff = true;
        _startTimestamp = tracer.TimeProvider.GetTimestamp();
        _startNs = UnixNano.Of(tracer.TimeProvider.GetUtcNow());
    }

    /// <summary>Where the trace goes, as it was when the trace began.</summary>
    public TraceOutlet Outlet { get; }

    public Tracer Tracer => Outlet.Tracer;

    /// <summary>
    /// Stands for every trace that is not recorded, and keeps nothing: it has no destination, its id is all zeros, and its spans have no effect.
    /// </summary>
    public bool IsOff { get; }

    /// <summary>Of its own: the one of every object stands where the lock would, which then becomes a costly one.</summary>
    public override int GetHashCode() => _startTimestamp.GetHashCode();

    /// <summary>Server and experiment, as they were set when the trace began.</summary>
    public TraceDestination Destination { get; }

    public ActivityTraceId OtelTraceId { get; }

    // Made when it is asked for, which is usually in the background.
    public string TraceId => _traceId ??= IsOff ? "tr-" + OtelTraceId.ToHexString() : Destination.TraceIdOf(OtelTraceId.ToHexString());

    public LiveSpan? Root { get; private set; }

    public TimeSpan Age => Tracer.TimeProvider.GetElapsedTime(_startTimestamp);

    /// <summary>Whether it is handed over. Changes once, under the lock.</summary>
    public TraceFate Fate { get; private set; }

    /// <summary>The span of another process that the root belongs below. Null for a trace that began here.</summary>
    public RemoteParent? RemoteParent { get; }

    /// <summary>It is but a part of a trace: its facts are those of the process in which that began, and are not told here.</summary>
    public bool IsPart => RemoteParent is not null && Outlet.InsteadOf is null;

    /// <summary>Spans started so far.</summary>
    public int StartedSpans { get; private set; }

    /// <summary>How far the exporter is with this trace. Under the exporter's lock.</summary>
    public ExportProgress Progress => _progress ??= new();

    /// <summary>Encoded sizes of the spans that were handed over, in bytes. Used by one encoder at a time.</summary>
    public TraceSizes Sizes => _sizes ??= new();

    public static ActiveTrace NotRecorded(Tracer tracer) => new(tracer);

    /// <summary>The root of a trace whose ids and times are known from elsewhere. Its times must be told in nanoseconds: the trace has no clock.</summary>
    public static LiveSpan Again(TraceOutlet outlet, TraceDestination destination, ActivityTraceId traceId, ActivitySpanId spanId, string name, string spanType, long startNs)
    {
        var trace = new ActiveTrace(outlet, destination, traceId);
        trace.Root = new LiveSpan(trace, name, spanType, spanId, startNs);
        trace.StartedSpans = 1;
        trace._open = 1;
        return trace.Root;
    }

    /// <summary>Whether a span is all there is of the trace, and nothing was said of it. True: from now on nothing can be.</summary>
    public bool TrySettle(LiveSpan span)
    {
        lock (this)
        {
            return _isSettled = ReferenceEquals(span, Root) && StartedSpans == 1 && _open == 1 && Fate == TraceFate.Kept && RemoteParent is null && !IsOff
                && (_told ?? _offered ?? _metadata ?? _tags ?? (object?)_assessments) is null;
        }
    }

    public long NowNs() => ToUnixNs(Tracer.TimeProvider.GetTimestamp());

    /// <summary>A timestamp of the tracer's <see cref="TimeProvider"/> as nanoseconds since the Unix epoch. Monotonic within the trace, whatever the wall clock does.</summary>
    public long ToUnixNs(long timestamp) =>
        _startNs + (Tracer.TimeProvider.GetElapsedTime(_startTimestamp, timestamp).Ticks * 100);

    public LiveSpan StartSpan(string name, string spanType, LiveSpan? parent, LiveSpan? previous, bool makeCurrent, long? startNs)
    {
        var span = new LiveSpan(this, name, spanType, parent, previous, makeCurrent, startNs ?? NowNs());
        if (IsOff)
        {
            return span;
        }

        lock (this)
        {
            if (Root is null)
            {
                Root = span;
            }
            else
            {
                (_running ??= []).Add(span);
            }

            StartedSpans++;
            _open++;
        }

        return span;
    }

    public void SpanEnded(LiveSpan span, bool inBackground)
    {
        TraceExport? export = null;
        bool isAwaited;
        lock (this)
        {
            _open--;
            _running?.Remove(span);
            isAwaited = ReferenceEquals(span, Root) && _open > 0;
            (_ended ??= []).Add(span);
            span.IsCounted = true;
            AddUsage(span);
            var isComplete = _open == 0 && Root!.HasEnded;
            if (Fate != TraceFate.Kept)
            {
                Judge(span, isComplete);
            }

            if (Fate == TraceFate.Kept && (isComplete || _ended.Count >= MaxHeldSpans))
            {
                export = TakeEnded(isComplete);
            }
        }

        if (export is not null)
        {
            Outlet.Exporter.Enqueue(export, inBackground);
        }

        if (isAwaited)
        {
            Tracer.OnRootEnded(this);
        }
    }

    /// <summary>
    /// It has run for longer than it may: ends its spans, with a note, and the trace with an error. What the program does with those spans afterwards has no effect.
    /// </summary>
    public void TimeOut(TimeSpan limit)
    {
        List<LiveSpan> open;
        lock (this)
        {
            if (_open == 0)
            {
                return;
            }

            open = [.. _running ?? [], Root!];
            _told = (_told ?? TraceTold.Nothing) with { State = SpanStatusCode.Error };
        }

        var message = FormattableString.Invariant($"The trace ran for more than {limit.TotalSeconds} seconds, which is its timeout, and was ended.");
        Root!.RecordException("TimeoutException", message, stackTrace: null);
        foreach (var span in open)
        {
            span.SetStatus(SpanStatusCode.Error, message);
            span.EndAt(NowNs(), inBackground: true);
        }
    }

    /// <summary>Spans that have started and not ended.</summary>
    public IReadOnlyList<LiveSpan> RunningSpans()
    {
        lock (this)
        {
            return Root is null ? [] : [.. ((IEnumerable<LiveSpan>)[Root, .. _running ?? []]).Where(span => !span.IsCounted)];
        }
    }

    /// <summary>
    /// Hands over what has ended, tells of spans that run and that nobody was told of, and from time to time that the root still runs, if the server shows such.
    /// </summary>
    public void Announce()
    {
        if (IsOff || !Outlet.Exporter.ShowsRunning(Destination))
        {
            return;
        }

        TraceExport? ended = null;
        List<LiveSpan> running = [];
        var isBeat = false;

        // What has not passed the program's processors is not sent.
        var showsRunning = Outlet.Processing?.IsOn != true;
        lock (this)
        {
            if (_open == 0 || Fate != TraceFate.Kept)
            {
                return;
            }

            ended = _ended is null ? null : TakeEnded(isComplete: false);
            running.AddRange(((IEnumerable<LiveSpan>)[Root!, .. _running ?? []]).Where(span => showsRunning && !span.HasEnded && !span.IsAnnounced));
            running.ForEach(span => span.IsAnnounced = true);
            isBeat = showsRunning && !Root!.HasEnded && Age >= _nextBeat;
            _nextBeat = isBeat ? Age + BeatPeriod : _nextBeat;
        }

        if (running.Count > 0 || isBeat)
        {
            var spans = running.ConvertAll(span => span.Snapshot(isBeat && span == Root ? Lease : null));
            if (isBeat && !running.Contains(Root!))
            {
                spans.Add(Root!.Beat(Lease));
            }

            Outlet.Exporter.Enqueue(new TraceExport(this, spans, IsComplete: false) { IsAnnouncement = true }, inBackground: true);
        }

        if (ended is not null)
        {
            Outlet.Exporter.Enqueue(ended, inBackground: true);
        }
    }

    /// <summary>Says something about the trace that the program did not say itself. The first value of a key stays; null says nothing.</summary>
    public void OfferMetadata(string key, string? value)
    {
        if (!string.IsNullOrEmpty(value) && !IsOff)
        {
            lock (this)
            {
                (_offered ??= []).TryAdd(key, value);
            }
        }
    }

    /// <summary>Says what the program says about the trace. The last value of a key counts, and goes before what was offered.</summary>
    public void Update(TraceUpdate update)
    {
        if (IsOff)
        {
            return;
        }

        lock (this)
        {
            if (_isSettled)
            {
                return;
            }

            Set(ref _metadata, TraceKeys.Session, update.Session);
            Set(ref _metadata, TraceKeys.User, update.User);
            if (update is not { ClientRequestId: null, RequestPreview: null, ResponsePreview: null, State: null or SpanStatusCode.Unset })
            {
                _told = new TraceTold
                {
                    ClientRequestId = update.ClientRequestId ?? _told?.ClientRequestId,
                    RequestPreview = update.RequestPreview ?? _told?.RequestPreview,
                    ResponsePreview = update.ResponsePreview ?? _told?.ResponsePreview,
                    State = update.State is null or SpanStatusCode.Unset ? _told?.State : update.State,
                };
            }

            foreach (var (key, value) in update.Metadata)
            {
                Set(ref _metadata, key, value);
            }

            foreach (var (key, value) in update.Tags)
            {
                Set(ref _tags, key, value);
            }
        }
    }

    /// <summary>As <see cref="Update"/>, unless the trace's facts were handed over already, or are told elsewhere.</summary>
    /// <returns>False where it has no effect.</returns>
    public bool TryUpdate(TraceUpdate update)
    {
        lock (this)
        {
            if (_wasCompleted || _isSettled || IsPart)
            {
                return false;
            }

            Update(update);
            return true;
        }
    }

    /// <inheritdoc cref="TryUpdate"/>
    public bool TryRemoveTag(string key)
    {
        lock (this)
        {
            if (_wasCompleted || _isSettled || IsPart)
            {
                return false;
            }

            _tags?.Remove(key);
            return true;
        }
    }

    /// <inheritdoc cref="TryUpdate"/>
    /// <exception cref="MlflowException">It has as many as are kept.</exception>
    public bool TryAdd(NewAssessment assessment)
    {
        lock (this)
        {
            if (_wasCompleted || _isSettled || IsPart)
            {
                return false;
            }

            if (_assessments?.Count >= MaxAssessments)
            {
                throw new MlflowException($"The trace '{TraceId}' still runs and has {MaxAssessments} assessments, the most that are kept until it is sent: log further ones when it has ended.");
            }

            if (!IsOff)
            {
                (_assessments ??= []).Add(assessment);
            }

            return true;
        }
    }

    public TraceTold Told()
    {
        lock (this)
        {
            return _told ?? TraceTold.Nothing;
        }
    }

    /// <summary>Whether its facts have more to tell than its spans.</summary>
    public bool IsTold
    {
        get
        {
            lock (this)
            {
                return (_told ?? _offered ?? _metadata ?? _tags ?? (object?)_assessments) is not null;
            }
        }
    }

    public IReadOnlyList<NewAssessment> Assessments()
    {
        lock (this)
        {
            return _assessments is null ? [] : [.. _assessments];
        }
    }

    /// <summary>What the program said, and of the rest what recorders offered.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata()
    {
        lock (this)
        {
            return _metadata is null && _offered is null ? [] : [.. _metadata ?? [], .. (_offered ?? []).Where(offer => _metadata?.ContainsKey(offer.Key) != true)];
        }
    }

    public IReadOnlyList<KeyValuePair<string, string>> Tags()
    {
        lock (this)
        {
            return _tags is null ? [] : [.. _tags];
        }
    }

    /// <summary>Tokens of all model calls. A span below one that reported usage itself is not counted again.</summary>
    public TokenUsage? TotalUsage()
    {
        lock (this)
        {
            return _usage;
        }
    }

    /// <summary>
    /// Hands an ended span's usage, or else that of the spans below it, to the nearest span above it that still runs, or to the trace.
    /// So nothing has to be kept of spans that were handed over.
    /// </summary>
    private void AddUsage(LiveSpan span)
    {
        if ((span.Usage ?? span.UsageBelow) is not { } usage)
        {
            return;
        }

        for (var above = span.Parent; above is not null; above = above.Parent)
        {
            if (!above.IsCounted)
            {
                above.UsageBelow = Sum(above.UsageBelow, usage);
                return;
            }

            if (above.Usage is not null)
            {
                return;
            }
        }

        _usage = Sum(_usage, usage);
    }

    /// <summary>Decides at the end, or where more would have to be held than may be, by what is known then.</summary>
    private void Judge(LiveSpan ended, bool isComplete)
    {
        var tail = Outlet.Tail!;
        if (Fate == TraceFate.Undecided)
        {
            var bytes = ExportSize.Of(ended);
            _heldBytes += bytes;
            tail.Hold(bytes);
            if (!isComplete && _ended!.Count < MaxHeldSpans && !tail.IsFull)
            {
                return;
            }

            tail.Release(_heldBytes);
            var isError = isComplete ? (_told?.State ?? Root!.StatusCode) == SpanStatusCode.Error : _ended!.Exists(span => span.StatusCode == SpanStatusCode.Error);
            var duration = isComplete ? UnixNano.Between(Root!.StartNs, Root.EndNs) : Age;
            if (tail.Keeps(isError, duration))
            {
                Fate = TraceFate.Kept;
                Outlet.TraceBegan();
                return;
            }

            Fate = TraceFate.Dropped;
            Tracer.TraceDropped(this);
        }

        _ended!.ForEach(span => span.ReleaseChunks());
        _ended = null;
    }

    private static TokenUsage Sum(TokenUsage? total, TokenUsage usage) => total is { } sum ? sum + usage : usage;

    private TraceExport TakeEnded(bool isComplete)
    {
        var spans = _ended!;
        _ended = null;
        if (isComplete && !_wasCompleted)
        {
            _wasCompleted = true;
            Tracer.TraceCompleted(this);
        }

        return new TraceExport(this, spans, isComplete);
    }

    private static void Set(ref Dictionary<string, string>? values, string key, string? value)
    {
        if (!string.IsNullOrEmpty(key) && value is not null)
        {
            (values ??= [])[key] = value;
        }
    }
}
