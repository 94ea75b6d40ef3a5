using System.Threading.Channels;

namespace MLflow;

/// <summary>
/// Parses finished calls away from the program's threads, one at a time. It has no thread of its own: it runs on the pool while there is something to do,
/// so that nothing is left when tracing is off. To wake a thread costs more than to parse a call, so it waits a moment for company.
/// </summary>
internal sealed class RecordingWorker : IDisposable
{
    /// <summary>Most calls that wait to be parsed. Above it a call's content is dropped and its span says so.</summary>
    public const int Capacity = 4096;

    private readonly Channel<WorkItem> _queue = Channel.CreateBounded<WorkItem>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    /// <summary>Calls that are parsed at once, without waiting for more.</summary>
    private const int Company = 64;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    private readonly Action<LlmCall> _record;
    private readonly Timer _timer;
    private int _waiting;
    private int _isRunning;
    private volatile bool _isDisposed;

    public RecordingWorker(Action<LlmCall> record)
    {
        _record = record;

        // The timer would otherwise keep the flow of whoever turned tracing on.
        using (ExecutionContext.SuppressFlow())
        {
            _timer = new Timer(static state => ((RecordingWorker)state!).Run(), this, Timeout.Infinite, Timeout.Infinite);
        }
    }

    /// <summary>Hands a closed call over. Returns at once; false when there is no room.</summary>
    public bool TryEnqueue(LlmCall call)
    {
        if (!_queue.Writer.TryWrite(new WorkItem(call, null)))
        {
            return false;
        }

        var waiting = Interlocked.Increment(ref _waiting);
        if (waiting >= Company || _isDisposed)
        {
            Run();
        }
        else if (waiting <= 1)
        {
            // Below 1: the worker took the call before it was counted.
            Wait();
        }

        return true;
    }

    /// <summary>No longer waits for company. Calls that end later, answers that were being read, are still parsed.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _timer.Dispose();
        Run();
    }

    /// <summary>Waits until all that was handed over before has been recorded.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        var barrier = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _queue.Writer.WriteAsync(new WorkItem(null, barrier), cancellationToken).ConfigureAwait(false);
        Run();
        await barrier.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Wait()
    {
        try
        {
            _timer.Change(Patience, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // Turned off at this very moment.
            Run();
        }
    }

    private void Run()
    {
        if (Interlocked.CompareExchange(ref _isRunning, 1, 0) == 0)
        {
            // Unsafe: the flow of whoever finished a call, with its current span, has nothing to do here.
            ThreadPool.UnsafeQueueUserWorkItem(static worker => worker.Work(), this, preferLocal: false);
        }
    }

    private void Work()
    {
        do
        {
            while (_queue.Reader.TryRead(out var item))
            {
                try
                {
                    if (item.Call is not null)
                    {
                        Interlocked.Decrement(ref _waiting);
                        _record(item.Call);
                    }
                }
                catch (Exception e) when (e is not OutOfMemoryException)
                {
                    // An exception on a pool thread would end the process.
                }

                item.Barrier?.TrySetResult();
            }

            Interlocked.Exchange(ref _isRunning, 0);

            // An item that came between the last read and the line above found the worker running.
        }
        while (_queue.Reader.TryPeek(out _) && Interlocked.CompareExchange(ref _isRunning, 1, 0) == 0);
    }

    private readonly record struct WorkItem(LlmCall? Call, TaskCompletionSource? Barrier);
}
