namespace MLflow.Server.Access.Http;

/// <summary>Counts failures within windows of time. Bounded: when too many are counted, those that began first are forgotten.</summary>
internal sealed class FailureLimits
{
    private const int MaxKept = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (int Count, DateTimeOffset Until)> _failures = [];
    private readonly Queue<string> _order = new();
    private readonly TimeProvider _timeProvider;
    private readonly int _limit;
    private readonly TimeSpan _window;

    /// <param name="timeProvider">The clock.</param>
    /// <param name="limit">Failures within <paramref name="window"/> after which there are no more attempts.</param>
    /// <param name="window">Begins with the first failure.</param>
    public FailureLimits(TimeProvider timeProvider, int limit, TimeSpan window)
    {
        _timeProvider = timeProvider;
        _limit = limit;
        _window = window;
    }

    /// <summary>How long there are no more attempts for this key; null when there are.</summary>
    public TimeSpan? Wait(string key)
    {
        lock (_lock)
        {
            var now = _timeProvider.GetUtcNow();
            return _failures.TryGetValue(key, out var failures) && failures.Count >= _limit && failures.Until > now ? failures.Until - now : null;
        }
    }

    public void Add(string key)
    {
        lock (_lock)
        {
            var now = _timeProvider.GetUtcNow();
            while (_order.TryPeek(out var oldest) && (_order.Count >= MaxKept || !(_failures[oldest].Until > now)))
            {
                _failures.Remove(_order.Dequeue());
            }

            if (_failures.TryGetValue(key, out var failures))
            {
                _failures[key] = failures with { Count = failures.Count + 1 };
            }
            else
            {
                _failures[key] = (1, now + _window);
                _order.Enqueue(key);
            }
        }
    }
}
