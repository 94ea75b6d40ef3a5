namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Numbers what arrives at this server, each larger than the one before. Those of several servers are as near to the order in which things arrived as their clocks are;
/// a sequence of the database would be one place for all machines over which it is distributed.
/// </summary>
internal sealed class ArrivalClock
{
    private readonly TimeProvider _timeProvider;
    private long _last;

    public ArrivalClock(TimeProvider timeProvider) => _timeProvider = timeProvider;

    /// <summary>The first of <paramref name="count"/> numbers that follow each other: microseconds since 1970, or later where many are asked for at once.</summary>
    public long Next(int count = 1)
    {
        var now = _timeProvider.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
        while (true)
        {
            var last = Volatile.Read(ref _last);
            var first = Math.Max(now, last + 1);
            if (Interlocked.CompareExchange(ref _last, first + count - 1, last) == last)
            {
                return first;
            }
        }
    }
}
