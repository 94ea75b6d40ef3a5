namespace MLflow.Server.Traces;

/// <summary>One who waits for changes. Of many that come before he looks, he hears once.</summary>
internal sealed class TraceWatch : IDisposable
{
    private readonly Predicate<TraceChange> _concerns;
    private readonly Action<TraceWatch> _leave;
    private readonly SemaphoreSlim _heard = new(0, 1);

    public TraceWatch(Predicate<TraceChange> concerns, Action<TraceWatch> leave)
    {
        _concerns = concerns;
        _leave = leave;
    }

    /// <summary>Returns when something has changed since it returned last.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _heard.WaitAsync(cancellationToken);

    public void Hear(TraceChange change)
    {
        if (_concerns(change))
        {
            try
            {
                if (_heard.CurrentCount == 0)
                {
                    _heard.Release();
                }
            }
            catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
            {
                // Another one has told him at the same moment, or he has left.
            }
        }
    }

    public void Dispose()
    {
        _leave(this);
        _heard.Dispose();
    }
}
