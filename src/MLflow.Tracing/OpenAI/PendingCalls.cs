namespace MLflow;

/// <summary>
/// Failed calls that wait: for their next try, which makes them live again, or for the exception that the program gets to see. Each has a deadline,
/// after which the failure is final.
/// </summary>
internal sealed class PendingCalls : IDisposable
{
    /// <summary>Most calls that wait; above it a failure is final at once.</summary>
    public const int MaxCalls = 1024;

    /// <summary>How long a failure that nobody tries again waits for the program's exception.</summary>
    public static readonly TimeSpan ExceptionWait = TimeSpan.FromSeconds(1);

    /// <summary>How long a seen exception is given to travel up, so that its stack is more than its first frame.</summary>
    public static readonly TimeSpan StackWait = TimeSpan.FromMilliseconds(100);

    // A server may ask for hours; an open span that long would hold its whole trace back.
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<object, LlmCall> _calls = new(ReferenceEqualityComparer.Instance);
    private readonly TimeProvider _clock;
    private readonly Action<LlmCall> _close;
    private readonly ITimer _timer;
    private long _next = long.MaxValue;

    public PendingCalls(TimeProvider clock, Action<LlmCall> close)
    {
        _clock = clock;
        _close = close;

        // The timer's state would otherwise keep the flow, and with it the current span, of whoever turned tracing on.
        using (ExecutionContext.SuppressFlow())
        {
            _timer = clock.CreateTimer(static state => ((PendingCalls)state!).CloseDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>True while no call waits.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _calls.Count == 0;
            }
        }
    }

    /// <summary>How long to wait after a failed try: the package's own back-off with its jitter, and a second for the request to get under way.</summary>
    public static TimeSpan WaitAfter(LlmAttempt attempt)
    {
        if (!IsRetried(attempt))
        {
            return ExceptionWait;
        }

        // A request that was to go on with a broken stream is followed by another one after the same pause.
        var atLeast = attempt.Resumes?.Wait ?? ExceptionWait;
        var number = attempt.Number - attempt.Call.TriesBefore;
        if (number >= 4 || attempt.Call.HasNoFurtherTry)
        {
            return atLeast;
        }

        var backOff = TimeSpan.FromSeconds(0.8 * Math.Pow(2, number - 1));
        var total = WaitFor(attempt.RetryAfter > backOff ? attempt.RetryAfter.Value : backOff);
        return total > atLeast ? total : atLeast;
    }

    /// <summary>The package tries again after such an end, and HttpClient follows a redirect.</summary>
    public static bool IsRetried(LlmAttempt attempt) => attempt.Status is 0 or 408 or 429 or 500 or 502 or 503 or 504 || attempt.Status is >= 300 and < 400;

    /// <summary>A pause with its jitter, and a second for the request to get under way.</summary>
    public static TimeSpan WaitFor(TimeSpan pause) => pause < MaxWait && (pause * 1.25) + TimeSpan.FromSeconds(1) is var wait && wait < MaxWait ? wait : MaxWait;

    public void Park(LlmCall call, TimeSpan wait)
    {
        LlmCall? replaced;
        lock (_lock)
        {
            if (!_calls.Remove(call.RetryKey, out replaced) && _calls.Count >= MaxCalls)
            {
                replaced = call;
            }
            else
            {
                _calls[call.RetryKey] = call;
                Schedule(call, wait);
            }
        }

        if (replaced is not null)
        {
            _close(replaced);
        }
    }

    /// <summary>Takes the call that waits for this try, or null.</summary>
    public LlmCall? Take(object retryKey)
    {
        lock (_lock)
        {
            return _calls.Count > 0 && _calls.Remove(retryKey, out var call) ? call : null;
        }
    }

    /// <summary>The calls that wait, of a kind; that which has waited longest first.</summary>
    public List<LlmCall> Where(Func<LlmCall, bool> isWanted)
    {
        lock (_lock)
        {
            return _calls.Count == 0 ? [] : [.. _calls.Values.Where(isWanted).OrderBy(call => call.Last.EndTimestamp)];
        }
    }

    /// <summary>Takes a call that <see cref="Where"/> told of. False when it waits no longer.</summary>
    public bool TryTake(LlmCall call)
    {
        lock (_lock)
        {
            return _calls.TryGetValue(call.RetryKey, out var waiting) && ReferenceEquals(waiting, call) && _calls.Remove(call.RetryKey);
        }
    }

    /// <summary>Notes the exception that the package made of a failed response; its call waits no longer than the exception needs to travel up.</summary>
    /// <param name="message">The request, or the response of a pipeline, that the exception is about.</param>
    /// <param name="exception">The exception.</param>
    /// <returns>False when no call waits that made this request.</returns>
    public bool SetException(object message, Exception exception)
    {
        lock (_lock)
        {
            foreach (var call in _calls.Values)
            {
                var last = call.Last;
                if (ReferenceEquals(last.Request, message) || ReferenceEquals(last.PipelineResponse, message))
                {
                    last.ThrownForResponse = exception;
                    Schedule(call, StackWait);
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Makes all failures final, or those of one trace.</summary>
    public void CloseAll(ActiveTrace? trace = null)
    {
        Close(call => trace is null || ReferenceEquals(call.Span.Trace, trace));
    }

    public void Dispose()
    {
        _timer.Dispose();
        CloseAll();
    }

    private void CloseDue()
    {
        try
        {
            var now = _clock.GetTimestamp();
            lock (_lock)
            {
                _next = long.MaxValue;
            }

            Close(call => call.Deadline <= now);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A timer's exception would end the process.
        }
    }

    private void Close(Func<LlmCall, bool> isDue)
    {
        List<LlmCall>? due = null;
        lock (_lock)
        {
            var next = long.MaxValue;
            foreach (var call in _calls.Values)
            {
                if (isDue(call))
                {
                    (due ??= []).Add(call);
                }
                else
                {
                    next = Math.Min(next, call.Deadline);
                }
            }

            due?.ForEach(call => _calls.Remove(call.RetryKey));
            if (next != long.MaxValue)
            {
                WakeAt(next);
            }
        }

        due?.ForEach(_close);
    }

    private void Schedule(LlmCall call, TimeSpan wait)
    {
        call.Deadline = _clock.GetTimestamp() + (long)(wait.TotalSeconds * _clock.TimestampFrequency);
        WakeAt(call.Deadline);
    }

    private void WakeAt(long timestamp)
    {
        if (timestamp >= _next)
        {
            return;
        }

        _next = timestamp;
        var wait = _clock.GetElapsedTime(_clock.GetTimestamp(), timestamp);
        _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
