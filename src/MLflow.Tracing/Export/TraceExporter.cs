namespace MLflow;

/// <summary>
/// Sends traces in the background. Callers put them into a bounded queue and go on; one worker sends them in batches and tries again until the
/// server takes them. Everything that is dropped is counted with its reason.
/// </summary>
internal sealed class TraceExporter : ITraceExporter, IAsyncDisposable
{
    /// <summary>Most exports that wait.</summary>
    public const int MaxQueuedExports = 10_000;

    /// <summary>Most bytes that wait: the memory budget of the export, estimated from what the spans hold.</summary>
    public const long MaxQueuedBytes = 64L << 20;

    private const int MaxBatchExports = 256;
    private const long MaxBatchBytes = 4L << 20;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(5);

    private readonly SelfLog _log;
    private readonly TimeProvider _timeProvider;
    private readonly ExportCounters _counters = new();
    private readonly BatchSender _sender;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0, 1);

    // Guarded by _lock.
    private readonly Queue<(TraceExport Export, long Bytes)> _queue = [];
    private readonly List<FlushWaiter> _waiters = [];
    private long _queuedBytes;
    private long _enqueued;
    private long _settled;
    private Task? _worker;
    private bool _isStopped;

    public TraceExporter(SelfLog log, TimeProvider timeProvider)
    {
        _log = log;
        _timeProvider = timeProvider;
        _sender = new BatchSender(timeProvider);
    }

    /// <summary>Traces that have begun and not been handed over.</summary>
    public Func<long> Unfinished { get; set; } = () => 0;

    public void Enqueue(TraceExport export)
    {
        try
        {
            _counters.Accept();
            var bytes = ExportSize.Estimate(export);
            lock (_lock)
            {
                if (_isStopped)
                {
                    _counters.Drop(DropReasons.Stopped);
                    return;
                }

                if (_queue.Count < MaxQueuedExports && (_queuedBytes + bytes <= MaxQueuedBytes || _queue.Count == 0))
                {
                    _queue.Enqueue((export, bytes));
                    _queuedBytes += bytes;
                    _enqueued++;
                    _worker ??= StartWorker();
                    Wake();
                    return;
                }
            }

            _counters.Drop(DropReasons.QueueFull);
            _log.Warn(nameof(DropReasons.QueueFull), "traces are dropped: they are made faster than the server takes them, or the server has been away for long. FlushAsync tells how many.");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _log.Warn(nameof(Enqueue), "a trace could not be queued: " + e.Message);
        }
    }

    /// <summary>Waits until what was enqueued before this call has been sent or given up, or one try has failed because the server is away.</summary>
    public async Task<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        FlushWaiter? waiter = null;
        lock (_lock)
        {
            if (_settled < _enqueued && !_isStopped)
            {
                waiter = new FlushWaiter(_enqueued);
                _waiters.Add(waiter);
                Wake();
            }
        }

        if (waiter is not null)
        {
            await waiter.Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return _counters.Read(Unfinished());
    }

    public async ValueTask DisposeAsync()
    {
        using var deadline = new CancellationTokenSource(StopTimeout, _timeProvider);
        try
        {
            await FlushAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The deadline: what is left is counted below.
        }

        Task? worker;
        lock (_lock)
        {
            if (_isStopped)
            {
                return;
            }

            _isStopped = true;
            worker = _worker;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (worker is not null)
        {
            await worker.ConfigureAwait(false);
        }

        DropRest();
        _sender.Dispose();
        _stop.Dispose();
        _wake.Dispose();
    }

    private Task StartWorker()
    {
        // The worker outlives the request that happened to make the first trace; it must not keep that request's context alive.
        using (ExecutionContext.SuppressFlow())
        {
            return Task.Run(RunAsync);
        }
    }

    /// <summary>The background loop. Nothing that a batch does may end it; only stopping does.</summary>
    private async Task RunAsync()
    {
        while (true)
        {
            try
            {
                if (TakeBatch() is { } batch)
                {
                    await SendAsync(batch).ConfigureAwait(false);
                }
                else
                {
                    await _wake.WaitAsync(_stop.Token).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                _log.Warn(nameof(RunAsync), "the export failed: " + e.Message);
            }
        }
    }

    private async Task SendAsync(ExportBatch batch)
    {
        for (var attempt = 1; ; attempt++)
        {
            var waitersBefore = Waiters();
            ExportOutcome outcome;
            try
            {
                outcome = await _sender.TryAsync(batch, Settle, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException))
            {
                outcome = ExportOutcome.Sent;
                DropBatch(batch, DropReasons.Failed, e.Message);
            }
            catch (OperationCanceledException)
            {
                DropBatch(batch, DropReasons.Stopped, null);
                throw;
            }

            if (outcome.Postponed is not { } reason)
            {
                return;
            }

            _counters.Fail(reason);
            _log.Warn(nameof(ExportOutcome.Postponed), reason + ". Traces wait in memory; run 'dotnet mlflow server' to see them.");
            if (outcome.IsServerError && ++batch.ServerErrors >= RetryPolicy.MaxServerErrors)
            {
                DropBatch(batch, DropReasons.ServerErrors, reason);
                return;
            }

            // Who waited since before the try has had an answer: the server is away.
            Release(waitersBefore);
            await PauseAsync(RetryPolicy.Delay(attempt, outcome.RetryAfter, Random.Shared.NextDouble())).ConfigureAwait(false);
        }
    }

    /// <summary>Waits, or goes on at once when somebody flushes.</summary>
    private async Task PauseAsync(TimeSpan delay)
    {
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var due = Task.Delay(delay, _timeProvider, pause.Token);
        while (!due.IsCompleted && !HasWaiters())
        {
            await Task.WhenAny(due, _wake.WaitAsync(pause.Token)).ConfigureAwait(false);
        }

        await pause.CancelAsync().ConfigureAwait(false);
        _stop.Token.ThrowIfCancellationRequested();
    }

    private ExportBatch? TakeBatch()
    {
        lock (_lock)
        {
            if (_queue.Count == 0)
            {
                return null;
            }

            var exports = new List<TraceExport>();
            long bytes = 0;
            while (_queue.TryPeek(out var next) && exports.Count < MaxBatchExports
                && (exports.Count == 0 || (bytes + next.Bytes <= MaxBatchBytes && next.Export.Trace.Destination == exports[0].Trace.Destination)))
            {
                _queue.Dequeue();
                _queuedBytes -= next.Bytes;
                bytes += next.Bytes;
                exports.Add(next.Export);
            }

            return new ExportBatch(exports);
        }
    }

    private void Settle(TraceExport export, ExportOutcome outcome)
    {
        if (outcome.GivenUp is { } reason)
        {
            _counters.Drop(DropReasons.Refused, reason);
            _log.Warn(nameof(DropReasons.Refused), "a trace was refused: " + reason);
        }
        else
        {
            _counters.Sent();
        }

        Advance(1);
    }

    private void DropBatch(ExportBatch batch, string reason, string? error)
    {
        var left = batch.Exports.Count - batch.Settled;
        for (var i = 0; i < left; i++)
        {
            _counters.Drop(reason, error);
        }

        batch.Settled = batch.Exports.Count;
        Advance(left);
    }

    private void DropRest()
    {
        int left;
        lock (_lock)
        {
            left = _queue.Count;
            _queue.Clear();
            _queuedBytes = 0;
        }

        for (var i = 0; i < left; i++)
        {
            _counters.Drop(DropReasons.Stopped);
        }

        Advance(left);
        Release(Waiters());
        if (left > 0)
        {
            _log.Warn(nameof(DropReasons.Stopped), $"{left} traces were not sent before the program ended.");
        }
    }

    private void Advance(int count)
    {
        lock (_lock)
        {
            _settled += count;
            for (var i = _waiters.Count - 1; i >= 0; i--)
            {
                if (_waiters[i].Target <= _settled)
                {
                    _waiters[i].Complete();
                    _waiters.RemoveAt(i);
                }
            }
        }
    }

    private FlushWaiter[] Waiters()
    {
        lock (_lock)
        {
            return [.. _waiters];
        }
    }

    private bool HasWaiters()
    {
        lock (_lock)
        {
            return _waiters.Count > 0;
        }
    }

    private void Release(FlushWaiter[] waiters)
    {
        lock (_lock)
        {
            foreach (var waiter in waiters)
            {
                waiter.Complete();
                _waiters.Remove(waiter);
            }
        }
    }

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    private sealed class FlushWaiter(long target)
    {
        private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long Target { get; } = target;

        public Task Completion => _completion.Task;

        public void Complete() => _completion.TrySetResult();
    }
}
