namespace MLflow.Server.Hosting;

/// <summary>Knows which requests are under way. Once it has begun, new ones are refused, and those under way are waited for.</summary>
internal sealed class Drain
{
    private readonly TaskCompletionSource _isEmpty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _hasBegun;
    private int _running;

    public bool HasBegun => _hasBegun;

    /// <summary>False once the server stops; else <see cref="Leave"/> must follow.</summary>
    public bool TryEnter()
    {
        // Counted before it looks: whoever begins sees this request, or this request sees that it has begun.
        Interlocked.Increment(ref _running);
        if (!_hasBegun)
        {
            return true;
        }

        Leave();
        return false;
    }

    public void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0 && _hasBegun)
        {
            _isEmpty.TrySetResult();
        }
    }

    /// <summary>Refuses new requests from now on; completes when none is under way.</summary>
    public Task BeginAsync()
    {
        _hasBegun = true;
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _running) == 0)
        {
            _isEmpty.TrySetResult();
        }

        return _isEmpty.Task;
    }
}
