using System.Diagnostics;

namespace MLflow;

/// <summary>
/// Knows the traces that run, and once a second tells the server of those that run for longer, so that they can be looked at meanwhile: of spans that have
/// ended all, of spans that still run that they do.
/// </summary>
internal sealed class RunningTraces : IDisposable
{
    /// <summary>How long a trace runs before anybody hears of it, and how often it is looked at.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Most traces that are known at one time; more are not announced.</summary>
    public const int MaxTraces = 10_000;

    private readonly TimeProvider _timeProvider;
    private readonly Lock _lock = new();
    private readonly HashSet<ActiveTrace> _traces = [];
    private ITimer? _timer;
    private int _isTicking;
    private bool _isDisposed;

    public RunningTraces(TimeProvider timeProvider) => _timeProvider = timeProvider;

    /// <summary>Traces that are known elsewhere: those of calls under way. Must not throw.</summary>
    public Func<IEnumerable<ActiveTrace>>? OfCalls { get; set; }

    public void Add(ActiveTrace trace)
    {
        lock (_lock)
        {
            if (_traces.Count < MaxTraces)
            {
                _traces.Add(trace);
            }
        }

        Watch();
    }

    public void Remove(ActiveTrace trace)
    {
        lock (_lock)
        {
            _traces.Remove(trace);
        }
    }

    /// <summary>The trace of that OpenTelemetry id, whichever flow it runs in; null where none is known.</summary>
    public ActiveTrace? Find(ActivityTraceId id)
    {
        lock (_lock)
        {
            foreach (var trace in _traces)
            {
                if (trace.OtelTraceId == id && !trace.IsPart)
                {
                    return trace;
                }
            }
        }

        return null;
    }

    /// <summary>Something runs: looks at it from time to time. Costs next to nothing while it does so already.</summary>
    public void Watch()
    {
        if (Volatile.Read(ref _isTicking) == 0 && Interlocked.Exchange(ref _isTicking, 1) == 0)
        {
            try
            {
                Wait();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The clock is the program's, whose span starts all the same. Tried again with the next one.
                Volatile.Write(ref _isTicking, 0);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
    }

    private void Wait()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            if (_timer is null)
            {
                // The timer would otherwise keep the flow of whoever started the first trace.
                var isSuppressed = ExecutionContext.IsFlowSuppressed();
                var flow = isSuppressed ? default : ExecutionContext.SuppressFlow();
                try
                {
                    _timer = _timeProvider.CreateTimer(_ => TryTick(), null, Period, Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    if (!isSuppressed)
                    {
                        flow.Undo();
                    }
                }
            }
            else
            {
                _timer.Change(Period, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void TryTick()
    {
        try
        {
            Tick();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // An exception of a timer would end the process. Looked at again with the next trace.
            Volatile.Write(ref _isTicking, 0);
        }
    }

    private void Tick()
    {
        HashSet<ActiveTrace> running;
        lock (_lock)
        {
            running = [.. _traces];
        }

        running.UnionWith(OfCalls?.Invoke() ?? []);
        if (running.Count == 0)
        {
            // Where something began meanwhile, whoever began it has seen us at work and left it to us.
            Interlocked.Exchange(ref _isTicking, 0);
            if (IsAnyRunning())
            {
                Watch();
            }

            return;
        }

        foreach (var trace in running)
        {
            try
            {
                LookAt(trace);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // The others are looked at all the same.
                trace.Outlet.Log?.Warn("running", $"A trace that runs could not be shown or ended: {e.GetType().Name}: {ExceptionText.MessageOf(e)}");
            }
        }

        Wait();
    }

    private static void LookAt(ActiveTrace trace)
    {
        if (trace.Outlet.TraceTimeout is { } limit && trace.Age >= limit)
        {
            trace.TimeOut(limit);
        }
        else if (trace.Age >= Period)
        {
            trace.Announce();
        }
    }

    private bool IsAnyRunning()
    {
        lock (_lock)
        {
            if (_traces.Count > 0)
            {
                return true;
            }
        }

        return OfCalls?.Invoke().Any() == true;
    }
}
