namespace MLflow.Server.Gateway;

/// <summary>
/// Room for recorded calls that wait to be stored. A call is packed until it is recorded, and many times larger from then on until it is stored: as long as there is no
/// room, no further one is recorded.
/// </summary>
internal sealed class StoringRoom
{
    private readonly object _lock = new();
    private readonly long _limit;
    private long _taken;
    private bool _isOpen;

    /// <param name="limit">Bytes. The call that exceeds it still has room.</param>
    public StoringRoom(long limit) => _limit = limit;

    public long Taken
    {
        get
        {
            lock (_lock)
            {
                return _taken;
            }
        }
    }

    public void Take(long bytes)
    {
        lock (_lock)
        {
            _taken += bytes;
        }
    }

    public void GiveBack(long bytes)
    {
        lock (_lock)
        {
            _taken -= bytes;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Waits until there is room.</summary>
    public void Wait()
    {
        lock (_lock)
        {
            while (_taken >= _limit && !_isOpen)
            {
                Monitor.Wait(_lock);
            }
        }
    }

    /// <summary>From now on nobody waits.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _isOpen = true;
            Monitor.PulseAll(_lock);
        }
    }
}
