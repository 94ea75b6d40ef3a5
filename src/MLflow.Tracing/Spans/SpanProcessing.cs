namespace MLflow;

/// <summary>Runs the program's own processors at the end of each span.</summary>
internal sealed class SpanProcessing
{
    // A processor that makes spans itself would otherwise be asked about them, and never come to an end.
    [ThreadStatic]
    private static bool _isRunning;

    private readonly SelfLog _log;
    private volatile Action<LiveSpan>[] _processors = [];
    private long _failures;

    public SpanProcessing(SelfLog log) => _log = log;

    public bool IsOn => _processors.Length > 0;

    public void Set(IEnumerable<Action<LiveSpan>> processors)
    {
        Action<LiveSpan>[] all = [.. processors];
        foreach (var processor in all)
        {
            ArgumentNullException.ThrowIfNull(processor, nameof(processors));
        }

        _processors = all;
    }

    /// <summary>Never throws.</summary>
    public void Run(LiveSpan span)
    {
        if (_isRunning)
        {
            return;
        }

        _isRunning = true;
        try
        {
            foreach (var processor in _processors)
            {
                Run(processor, span);
            }
        }
        finally
        {
            _isRunning = false;
        }
    }

    private void Run(Action<LiveSpan> processor, LiveSpan span)
    {
        try
        {
            processor(span);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            var failures = Interlocked.Increment(ref _failures);
            span.SetAttribute(AttributeNames.CaptureNote, AttributeValue.FromString($"A span processor failed: {e.GetType().Name}"));
            _log.Warn(
                "processor",
                $"A span processor failed ({e.GetType().Name}: {ExceptionText.MessageOf(e)}); the span is sent as it stood then. {failures} such {(failures == 1 ? "failure" : "failures")} so far.");
        }
    }
}
