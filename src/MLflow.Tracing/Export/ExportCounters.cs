namespace MLflow;

/// <summary>Every export is accepted once and leaves once: sent or dropped. Accepted = exported + pending + dropped at all times.</summary>
internal sealed class ExportCounters
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _droppedBy = [];
    private long _accepted;
    private long _exported;
    private long _dropped;
    private string? _lastError;

    public void Accept()
    {
        lock (_lock)
        {
            _accepted++;
        }
    }

    public void Sent()
    {
        lock (_lock)
        {
            _exported++;
        }
    }

    /// <param name="reason">A kind of reason: there must be few of them, since each is kept.</param>
    /// <param name="error">The case at hand.</param>
    public void Drop(string reason, string? error = null)
    {
        lock (_lock)
        {
            _dropped++;
            _droppedBy[reason] = _droppedBy.GetValueOrDefault(reason) + 1;
            _lastError = error ?? _lastError;
        }
    }

    public void Fail(string error)
    {
        lock (_lock)
        {
            _lastError = error;
        }
    }

    public FlushResult Read(long unfinished)
    {
        lock (_lock)
        {
            return new FlushResult
            {
                Exported = _exported,
                Pending = _accepted - _exported - _dropped + unfinished,
                Dropped = _dropped,
                DroppedBy = new Dictionary<string, long>(_droppedBy),
                LastError = _lastError,
            };
        }
    }
}
