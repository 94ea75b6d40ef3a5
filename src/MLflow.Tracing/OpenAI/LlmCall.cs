namespace MLflow;

/// <summary>One logical call of a model: one span, however often the package tries.</summary>
internal sealed class LlmCall
{
    private readonly Lock _lock = new();
    private readonly List<LlmAttempt> _attempts = new(1);
    private bool _isClosed;

    public LlmCall(HttpCapture capture, ApiOperation operation, LiveSpan span, object retryKey)
    {
        Capture = capture;
        Operation = operation;
        Span = span;
        RetryKey = retryKey;
    }

    public HttpCapture Capture { get; }

    public ApiOperation Operation { get; }

    public LiveSpan Span { get; }

    /// <summary>The object that is the same on every try: the package's <c>BinaryContent</c>, or the request message where another client sends.</summary>
    public object RetryKey { get; }

    /// <summary>The last try, which decides about the call.</summary>
    public LlmAttempt Last
    {
        get
        {
            lock (_lock)
            {
                return _attempts[^1];
            }
        }
    }

    /// <summary>When a call that waits for its next try is given up, as a timestamp of the tracer's clock. Guarded by <see cref="PendingCalls"/>.</summary>
    public long Deadline { get; set; }

    /// <summary>Something that the span should say about the capture, for example that content was dropped.</summary>
    public string? Note { get; set; }

    /// <summary>The tries. They no longer change once the call is closed.</summary>
    public IReadOnlyList<LlmAttempt> Attempts => _attempts;

    public LlmAttempt AddAttempt(HttpRequestMessage request, Guid loggingId, long timestamp)
    {
        lock (_lock)
        {
            var attempt = new LlmAttempt(this, _attempts.Count + 1, request, loggingId, timestamp);
            _attempts.Add(attempt);
            return attempt;
        }
    }

    /// <summary>True for the one caller that ends the call.</summary>
    public bool TryClose()
    {
        lock (_lock)
        {
            return !_isClosed && (_isClosed = true);
        }
    }

    public void DiscardContent()
    {
        lock (_lock)
        {
            foreach (var attempt in _attempts)
            {
                attempt.RequestBody.Discard();
                attempt.ResponseBody.Discard();
            }
        }
    }
}
