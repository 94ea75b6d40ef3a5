namespace MLflow;

/// <summary>Asks the program's own sampler about traces that begin.</summary>
internal sealed class TraceSampler
{
    // A sampler that begins a trace itself would otherwise be asked about that, and never come to an end.
    [ThreadStatic]
    private static bool _isRunning;

    private readonly Func<TraceStart, double?> _sampler;
    private readonly SelfLog _log;
    private long _failures;

    public TraceSampler(Func<TraceStart, double?> sampler, SelfLog log) => (_sampler, _log) = (sampler, log);

    /// <summary>The part of such traces that is recorded; null where the program leaves it to what is set otherwise. Never throws.</summary>
    public double? RatioOf(string name, string spanType)
    {
        if (_isRunning)
        {
            return null;
        }

        _isRunning = true;
        try
        {
            var ratio = _sampler(new TraceStart(name, spanType));
            if (SettingRules.OfRatio(ratio) is not { } mistake)
            {
                return ratio;
            }

            Warn($"its ratio {mistake.TrimEnd('.')}");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Warn($"{e.GetType().Name}: {ExceptionText.MessageOf(e)}");
        }
        finally
        {
            _isRunning = false;
        }

        return null;
    }

    private void Warn(string what)
    {
        var failures = Interlocked.Increment(ref _failures);
        _log.Warn("sampler", $"The sampler failed ({what}); the trace is recorded as is set otherwise. {failures} such {(failures == 1 ? "failure" : "failures")} so far.");
    }
}
