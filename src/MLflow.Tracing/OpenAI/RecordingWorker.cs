using System.Collections.Concurrent;

namespace MLflow;

/// <summary>
/// Parses finished calls away from the program's threads, one at a time, on a thread of its own: one of the pool would look for other work for longer
/// than the parsing takes. To wake a thread costs more than to parse a call, so calls wait a moment for company.
/// </summary>
internal sealed class RecordingWorker : IDisposable
{
    /// <summary>Most calls that wait to be parsed. Above it a call's content is dropped.</summary>
    public const int Capacity = 4096;

    /// <summary>Most memory of their bodies where they wait for room. The other half is for calls under way: what an answer cost stands at its end, which would be cut off.</summary>
    public const long MaxWaitingBytes = CaptureBudget.DefaultBytes / 2;

    /// <summary>Calls that are parsed at once, without waiting for more.</summary>
    private const int Company = 64;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentQueue<WorkItem> _queue = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Lock _working = new();
    private readonly Action<LlmCall> _record;
    private readonly Action? _waitForRoom;
    private int _waiting;
    private long _waitingBytes;
    private int _isStarted;
    private volatile bool _isAsleep;
    private volatile bool _isDisposed;

    /// <param name="record">Parses a call.</param>
    /// <param name="waitForRoom">Returns when the next call may be parsed; null where that is always so. Not asked for calls that are for figures: of them nothing is stored.</param>
    public RecordingWorker(Action<LlmCall> record, Action? waitForRoom = null)
    {
        _record = record;
        _waitForRoom = waitForRoom;
    }

    /// <summary>Hands a closed call over. Returns at once; false when there is no room.</summary>
    public bool TryEnqueue(LlmCall call)
    {
        var item = new WorkItem(call, null, _waitForRoom is null ? 0 : call.KeptBytes);
        var waiting = Interlocked.Increment(ref _waiting);
        var bytes = Interlocked.Add(ref _waitingBytes, item.Bytes);
        if (waiting > Capacity || bytes > MaxWaitingBytes)
        {
            Took(item);
            return false;
        }

        Add(item, isUrgent: waiting == Company);
        return true;
    }

    /// <summary>No longer waits for company. Calls that end later, answers that were being read, are still parsed.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _wake.Set();
    }

    /// <summary>Waits until all that was handed over before has been recorded.</summary>
    /// <param name="isInPlace">
    /// What waits for it goes on on the recorder's thread, and must neither block nor call the program: to wake a thread of the pool costs more than to parse several calls.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task DrainAsync(bool isInPlace, CancellationToken cancellationToken)
    {
        var barrier = new TaskCompletionSource(isInPlace ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
        Add(new WorkItem(null, barrier, 0), isUrgent: true);
        return barrier.Task.WaitAsync(cancellationToken);
    }

    private void Add(WorkItem item, bool isUrgent)
    {
        _queue.Enqueue(item);
        if (_isDisposed)
        {
            // The thread may have gone. Unsafe: the flow of whoever finished a call, with its current span, has nothing to do here.
            ThreadPool.UnsafeQueueUserWorkItem(static worker => worker.Work(), this, preferLocal: false);
        }
        else if (Interlocked.Exchange(ref _isStarted, 1) == 0)
        {
            new Thread(Run) { IsBackground = true, Name = "MLflow recorder" }.UnsafeStart();
        }
        else if (isUrgent || _isAsleep)
        {
            _isAsleep = false;
            _wake.Set();
        }
    }

    private void Run()
    {
        while (!_isDisposed)
        {
            // Between calls that follow each other it naps: then only a full company wakes it.
            _wake.WaitOne(Patience);
            if (!Work() && !_isDisposed)
            {
                _isAsleep = true;

                // Whoever adds an item looks at the flag after it: one of the two sees the other.
                Interlocked.MemoryBarrier();
                if (_queue.IsEmpty && !_isDisposed)
                {
                    _wake.WaitOne();
                }

                _isAsleep = false;
            }
        }

        Work();
    }

    /// <returns>False when there was nothing to do.</returns>
    private bool Work()
    {
        var any = false;
        lock (_working)
        {
            while (_queue.TryDequeue(out var item))
            {
                any = true;
                try
                {
                    if (item.Call is { } call)
                    {
                        if (!call.IsForFigures)
                        {
                            _waitForRoom?.Invoke();
                        }

                        Took(item);
                        _record(call);
                    }
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    // An exception here would end the process.
                }

                item.Barrier?.TrySetResult();
            }
        }

        return any;
    }

    private void Took(in WorkItem item)
    {
        Interlocked.Decrement(ref _waiting);
        Interlocked.Add(ref _waitingBytes, -item.Bytes);
    }

    private readonly record struct WorkItem(LlmCall? Call, TaskCompletionSource? Barrier, long Bytes);
}
