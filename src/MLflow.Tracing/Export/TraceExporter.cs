namespace MLflow;

/// <summary>
/// Takes ended spans from the threads that made them and sends them to MLflow servers: to ours the spans over OTLP with the trace's facts
/// among them, to others as MLflow's own clients do, the spans over OTLP, then the facts by StartTraceV3.
/// </summary>
/// <remarks>One lock guards queue and counters; it is held for moments and never during a request. One worker sends, on a thread of its own.</remarks>
internal sealed partial class TraceExporter : ITraceExporter, IAsyncDisposable
{
    /// <summary>Memory that waiting spans may take, roughly counted. What does not fit is dropped and counted.</summary>
    public const long MaxQueuedBytes = 64 << 20;

    /// <summary>Spans that may wait.</summary>
    public const int MaxQueuedSpans = 100_000;

    /// <summary>Time that closing may take in all.</summary>
    public static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The part of <see cref="CloseTimeout"/> that is not for sending but for writing to the disk what could not be sent: all that may wait, on a busy machine.</summary>
    public static readonly TimeSpan SpoolTime = TimeSpan.FromSeconds(2);

    /// <summary>What is kept instead where there is no disk: time to say what is lost.</summary>
    public static readonly TimeSpan ReportTime = TimeSpan.FromMilliseconds(250);

    /// <summary>How long the first waiting export waits for company, so that many small traces share a request.</summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    /// <summary>How long spans may wait as objects. To wake a thread costs more than to encode a few of them.</summary>
    public static readonly TimeSpan EncodePatience = TimeSpan.FromMilliseconds(50);

    /// <summary>Exports that are encoded at once, without waiting for more.</summary>
    public const int EncodeCompany = 64;

    private readonly SelfLog _log;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _lock = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly CancellationTokenSource _stop = new();

    // Ends the requests that are under way. Replaced under the lock, by the worker, while it sends nothing.
    private CancellationTokenSource _interrupt = new();

    // Somebody waits until all is on the disk. Under the lock.
    private TaskCompletionSource? _aside;
    private readonly ExportMemory _memory = new();
    private readonly TraceSpool? _spool;
    private readonly TrackingTransport _transport;
    private readonly DatabricksWorkspaces _workspaces;
    private readonly CredentialSource? _credentials;
    private ExportEncoder? _encoder;

    // Under the lock. Lanes go when they are empty; servers stay, one for each tracking URI that the program has set.
    private readonly Dictionary<TraceDestination, ExportLane> _lanes = [];
    private readonly Dictionary<Uri, TrackingServer> _servers = [];
    private readonly ExportCounters _counters = new();
    private readonly List<FlushRequest> _flushes = [];
    private List<QueuedExport> _raw = [];
    private TrackingServer? _toIdentify;
    private long _queuedBytes;
    private int _queuedSpans;
    private long _lastSequence;
    private long _lastAttempt;
    private Task? _closing;
    private bool _isClosed;
    private Task? _worker;
    private ITimer? _timer;

    // When the timer wakes the worker, in nanoseconds of its clock from some start; far away while the worker is awake.
    private long _alarm = long.MaxValue;

    private HttpClient? _client;

    /// <param name="log">Takes troubles.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="spoolFolder">Where traces wait whose server is away; null for memory alone.</param>
    /// <param name="spoolBytes">Bytes that the folder may take.</param>
    /// <param name="transport">How servers are connected to; null for the system's own way.</param>
    /// <param name="credentials">What servers are shown; null for what the environment says.</param>
    /// <param name="workspaces">The Databricks workspaces of the client; null for those that the environment knows.</param>
    /// <param name="targetOf">How a server is known in the spool; null for the usual way.</param>
    public TraceExporter(
        SelfLog log,
        TimeProvider timeProvider,
        string? spoolFolder = null,
        long spoolBytes = TraceSpool.DefaultMaxBytes,
        TrackingTransport? transport = null,
        CredentialSource? credentials = null,
        DatabricksWorkspaces? workspaces = null,
        Func<Uri, string>? targetOf = null)
    {
        _transport = transport ?? TrackingTransport.Read(_ => null);
        _credentials = credentials;
        _workspaces = workspaces ?? new DatabricksWorkspaces(_transport, timeProvider);
        _log = log;
        _timeProvider = timeProvider;
        _spool = spoolFolder is null ? null : new TraceSpool(spoolFolder, spoolBytes, _memory, log, timeProvider, targetOf);
        ExportMeter.Add(this);
    }

    /// <summary>What became of the traces so far.</summary>
    public FlushResult Counts
    {
        get
        {
            lock (_lock)
            {
                return _counters.Read(Unfinished());
            }
        }
    }

    /// <summary>Traces that were exported at some time.</summary>
    public long EverExported
    {
        get
        {
            lock (_lock)
            {
                return _counters.EverExported;
            }
        }
    }

    /// <summary>The part of <see cref="CloseTimeout"/> that is for sending.</summary>
    public TimeSpan SendTimeout => CloseTimeout - (_spool is null ? ReportTime : SpoolTime);

    /// <summary>Memory of what waits.</summary>
    public long QueuedBytes
    {
        get
        {
            lock (_lock)
            {
                return _queuedBytes;
            }
        }
    }

    /// <summary>Exports whose bytes are in memory.</summary>
    public long KeptExports => _memory.Exports;

    /// <summary>Traces that have begun and are not complete.</summary>
    public Func<long> Unfinished { get; set; } = () => 0;

    public void Enqueue(TraceExport export, bool inBackground)
    {
        try
        {
            // A trace of several exports is encoded in their order, by the worker.
            var encoded = inBackground && (export.IsWhole || export.IsAnnouncement) ? TryEncode(export) : null;
            bool wake;
            lock (_lock)
            {
                wake = Accept(export, encoded);
            }

            if (wake)
            {
                Wake();
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _log.Warn("enqueue", "A trace could not be queued: " + e.Message);
        }
    }

    public bool ShowsRunning(TraceDestination destination)
    {
        lock (_lock)
        {
            var server = ServerAt(destination.TrackingUri);
            if (!server.IsKnown && !_isClosed && server.MayBeAsked(_timeProvider))
            {
                _toIdentify = server;
                if (_worker is null)
                {
                    StartWorker();
                }

                Wake();
            }

            return server is { IsKnown: true, TakesFacts: true } && !_isClosed && _queuedBytes < MaxQueuedBytes / 2;
        }
    }

    public bool RecordsCalls(TraceDestination destination)
    {
        lock (_lock)
        {
            return _servers.TryGetValue(destination.TrackingUri, out var server) && server.RecordsCalls;
        }
    }

    /// <summary>Waits until what was accepted before the call was sent or given up, or its server turns out to be away.</summary>
    public async Task<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        FlushRequest? flush = null;
        lock (_lock)
        {
            if ((_lanes.Count > 0 || _counters.Spooled > 0) && !_isClosed)
            {
                flush = BeginFlush(isOwnOnly: true);
            }
        }

        return await EndFlushAsync(flush, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends what processes that have ended left on the disk for a server, until all is sent or given up, or the server turns out to be away.</summary>
    public Task<FlushResult> SendSpooledAsync(Uri trackingUri, CancellationToken cancellationToken)
    {
        _spool?.Adopt(trackingUri);
        FlushRequest flush;
        lock (_lock)
        {
            ServerAt(trackingUri);
            if (_worker is null)
            {
                StartWorker();
            }

            flush = BeginFlush(isOwnOnly: false);
        }

        return EndFlushAsync(flush, cancellationToken);
    }

    private FlushRequest BeginFlush(bool isOwnOnly)
    {
        var flush = new FlushRequest(_lastSequence, _lastAttempt + 1) { IsOwnOnly = isOwnOnly };
        _flushes.Add(flush);
        foreach (var server in _servers.Values)
        {
            server.Retry.Hurry();
            foreach (var hold in server.Holds.Values)
            {
                hold.Hurry();
            }
        }

        return flush;
    }

    private async Task<FlushResult> EndFlushAsync(FlushRequest? flush, CancellationToken cancellationToken)
    {
        if (flush is not null)
        {
            Wake();
            try
            {
                await flush.Done.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                lock (_lock)
                {
                    _flushes.Remove(flush);
                }
            }
        }

        lock (_lock)
        {
            return _counters.Read(Unfinished());
        }
    }

    /// <summary>
    /// The process may be gone in a moment: puts on the disk what waits, what is being sent included, which is then sent once more. Where the process goes on, so does the exporter.
    /// </summary>
    public async Task SpoolWaitingAsync()
    {
        Task aside, interrupted;
        lock (_lock)
        {
            if (_spool is null || _isClosed || _lanes.Count == 0)
            {
                return;
            }

            _aside ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            aside = _aside.Task;
            interrupted = _interrupt.CancelAsync();
        }

        Wake();
        await interrupted.ConfigureAwait(false);
        await aside.ConfigureAwait(false);
    }

    /// <summary>
    /// Sends what waits until the token says stop, puts on the disk what is left, drops and reports what does not fit there, and ends the worker. Later exports are dropped. Only the
    /// first call counts: further ones wait for its end.
    /// </summary>
    public Task CloseAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _closing ??= Task.Run(() => CloseOnceAsync(cancellationToken), CancellationToken.None);
        }
    }

    private async Task CloseOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // What is left is reported below.
        }

        Task? worker;
        lock (_lock)
        {
            _isClosed = true;
            worker = _worker;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        Task interrupted;
        lock (_lock)
        {
            interrupted = _interrupt.CancelAsync();
        }

        Wake();
        await interrupted.ConfigureAwait(false);
        if (worker is not null)
        {
            await worker.ConfigureAwait(false);
        }

        SpoolAll("the program ended");
        ReportLeftovers();
        ExportMeter.Remove(this);
        _spool?.Dispose();
        Interlocked.Exchange(ref _encoder, null)?.Dispose();
        _client?.Dispose();
        _workspaces.Dispose();
        if (_timer is not null)
        {
            await _timer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Stops at once: what waits is dropped and reported.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _stop.Dispose();
        _interrupt.Dispose();
    }

    /// <returns>Whether the worker must be woken now.</returns>
    private bool Accept(TraceExport export, EncodedExport? encoded)
    {
        var queued = new QueuedExport(export, encoded, ++_lastSequence);
        _counters.Accept(queued.Progress, queued.IsComplete);
        if (_isClosed)
        {
            Refuse(queued, DropReasons.Stopped);
            return false;
        }

        if (_queuedBytes + queued.Size > MaxQueuedBytes || _queuedSpans + queued.SpanCount > MaxQueuedSpans)
        {
            Refuse(queued, DropReasons.QueueFull);
            _counters.LastError ??= "the export queue is full";
            return _unreportedOverflow++ == 0;
        }

        ExportLane lane;
        try
        {
            if (_worker is null)
            {
                StartWorker();
            }

            lane = LaneOf(export.Trace.Destination);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // It is counted already, and must not be missing from the sum.
            _counters.LastError = "MLflow.Tracing could not queue it: " + e.Message;
            Refuse(queued, DropReasons.Failed);
            throw;
        }

        _queuedBytes += queued.Size;
        _queuedSpans += queued.SpanCount;
        var wasFull = lane.IsFull;
        lane.Add(queued, _timeProvider.GetTimestamp());
        if (queued.Raw is not null)
        {
            _raw.Add(queued);
        }

        if ((lane.IsFull && !wasFull) || _raw.Count == EncodeCompany)
        {
            return true;
        }

        SetAlarm(_raw.Count > 0 ? EncodePatience : Linger);
        return false;
    }

    private void Refuse(QueuedExport export, string reason)
    {
        _counters.Drop(export.Progress, reason);
        Release(export);
    }

    private void Release(QueuedExport export)
    {
        if (export.Encoded is { } encoded)
        {
            _memory.Release(encoded.Block);
        }
        else
        {
            export.Raw!.Release();
        }
    }

    /// <summary>Has the worker woken in time, unless it will be earlier. Under the lock.</summary>
    private void SetAlarm(TimeSpan wait)
    {
        var at = wait == Timeout.InfiniteTimeSpan ? long.MaxValue : _timeProvider.GetElapsedTime(0).Ticks + wait.Ticks;
        if (at < _alarm)
        {
            _alarm = at;
            _timer!.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void Wake() => _wake.Set();

    private ExportLane LaneOf(TraceDestination destination)
    {
        if (!_lanes.TryGetValue(destination, out var lane))
        {
            lane = new ExportLane(destination, ServerAt(destination.TrackingUri));
            _lanes.Add(destination, lane);
        }

        return lane;
    }

    private TrackingServer ServerAt(Uri address)
    {
        if (!_servers.TryGetValue(address, out var server))
        {
            var retry = new RetryPolicy(_timeProvider, Random.Shared.NextDouble);
            server = _workspaces.Find(address) is { } workspace
                ? new TrackingServer(workspace, retry)
                : new TrackingServer(new TrackingHttp(_client ??= _transport.CreateClient(TrackingHttp.MaxConnections), address, _timeProvider, _credentials), retry);
            _servers.Add(address, server);
        }

        return server;
    }

    /// <summary>The caller's AsyncLocals (its current span among them) must not live as long as the worker.</summary>
    private void StartWorker()
    {
        var isSuppressed = ExecutionContext.IsFlowSuppressed();
        var flow = isSuppressed ? default : ExecutionContext.SuppressFlow();
        try
        {
            _timer = _timeProvider.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _worker = ended.Task;

            // A thread of its own, which waits for its requests: threads of the pool, one for each step of a request, would cost more than the requests.
            new Thread(() => Run(ended)) { IsBackground = true, Name = "MLflow exporter" }.UnsafeStart();
        }
        finally
        {
            if (!isSuppressed)
            {
                flow.Undo();
            }
        }
    }

    /// <summary>Puts on the disk what waits, as far as there is room. On the worker's thread, or when that has ended.</summary>
    /// <param name="until">What is told of those that were not sent before it.</param>
    private void SpoolAll(string until)
    {
        if (_spool is null)
        {
            return;
        }

        List<QueuedExport> raw;
        List<ExportLane> lanes;
        long before;
        lock (_lock)
        {
            (raw, _raw) = (_raw, []);
            before = _counters.Spooled;
        }

        raw.ForEach(Encode);
        lock (_lock)
        {
            lanes = [.. _lanes.Values];
        }

        lanes.ForEach(lane => Spool(lane, isLast: true));
        long count;
        string? error;
        lock (_lock)
        {
            count = _counters.Spooled - before;
            error = _counters.LastError;
        }

        if (count > 0)
        {
            _log.Warn(
                "spooled",
                $"{count} {(count == 1 ? "trace was" : "traces were")} not sent before {until}{(error is null ? "" : $" ({error})")}. "
                + $"They wait in {_spool.Folder} and are sent when a program traces to that server again, or by 'mlflow import --spool'.");
        }
    }

    private void ReportLeftovers()
    {
        int count;
        string? error;
        lock (_lock)
        {
            var left = _lanes.Values.SelectMany(l => l.Waiting).ToList();
            count = left.Where(e => !e.IsAnnouncement).Select(e => e.Progress).Distinct().Count();
            error = _counters.LastError;
            left.ForEach(e => Refuse(e, DropReasons.Stopped));
            _lanes.Clear();
            _raw = [];
            _queuedBytes = 0;
            _queuedSpans = 0;
        }

        if (count > 0)
        {
            _log.Warn("leftovers", $"{count} {(count == 1 ? "trace was" : "traces were")} not sent before the program ended{(error is null ? "" : $" ({error})")}.");
        }
    }
}
