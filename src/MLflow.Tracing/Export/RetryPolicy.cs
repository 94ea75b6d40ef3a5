namespace MLflow;

/// <summary>When to try a server again. Not safe for concurrent use.</summary>
internal sealed class RetryPolicy
{
    public static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(500);

    public static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(15);

    /// <summary>A server that asks for more than this is not obeyed further: the queue would run over without a try.</summary>
    public static readonly TimeSpan MaxRetryAfter = TimeSpan.FromMinutes(5);

    /// <summary>Part of a delay that is left to chance, so that many programs do not come back at the same moment.</summary>
    public const double Jitter = 0.2;

    private readonly TimeProvider _timeProvider;
    private readonly Func<double> _random;
    private long _failedAt;
    private TimeSpan _delay;

    /// <summary>Creates a policy that is due at once.</summary>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="random">Numbers from 0 up to 1.</param>
    public RetryPolicy(TimeProvider timeProvider, Func<double> random)
    {
        _timeProvider = timeProvider;
        _random = random;
    }

    /// <summary>Failures since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>True while the server itself said when to come back.</summary>
    public bool IsToldToWait { get; private set; }

    /// <summary>Time until the next try; zero when it is due.</summary>
    public TimeSpan Remaining
    {
        get
        {
            var remaining = _delay - _timeProvider.GetElapsedTime(_failedAt);
            return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
        }
    }

    public void Succeeded()
    {
        Failures = 0;
        IsToldToWait = false;
        _delay = TimeSpan.Zero;
    }

    /// <param name="retryAfter">What the server said, or null.</param>
    public void Failed(TimeSpan? retryAfter)
    {
        Failures++;
        _failedAt = _timeProvider.GetTimestamp();
        IsToldToWait = retryAfter is not null;
        _delay = retryAfter is { } told ? Limit(told) : BackOff();
    }

    /// <summary>Makes the next try due now, unless the server said when.</summary>
    public void Hurry()
    {
        if (!IsToldToWait)
        {
            _delay = TimeSpan.Zero;
        }
    }

    private static TimeSpan Limit(TimeSpan told) =>
        told < TimeSpan.Zero ? TimeSpan.Zero : told > MaxRetryAfter ? MaxRetryAfter : told;

    private TimeSpan BackOff()
    {
        var doubled = FirstDelay * Math.Pow(2, Math.Min(Failures - 1, 16));
        var delay = doubled < MaxDelay ? doubled : MaxDelay;
        return delay * (1 - (Jitter * _random()));
    }
}
