namespace MLflow;

/// <summary>
/// A span that already stands for a model call: that of a Microsoft.Extensions.AI client, or of a framework's own activity. What the HTTP layer sees of
/// the call is recorded in this span instead of in one of its own. Where a second call follows below, as in a loop of tool calls, the span is a chain
/// and each call has a span of its own below it.
/// </summary>
internal class CallScope
{
    private readonly Lock _lock = new();
    private LlmCall? _call;
    private bool _isCallClosed;
    private bool _isChain;
    private bool _hasEnded;

    public CallScope(LiveSpan span)
    {
        Span = span;
        span.Call = this;
    }

    public LiveSpan Span { get; }

    /// <summary>True when the owner is done.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_lock)
            {
                return _hasEnded;
            }
        }
    }

    /// <summary>True when several calls have spans of their own below this one.</summary>
    public bool IsChain
    {
        get
        {
            lock (_lock)
            {
                return _isChain;
            }
        }
    }

    /// <summary>True when the HTTP layer records the call.</summary>
    public bool HasCall
    {
        get
        {
            lock (_lock)
            {
                return _call is not null;
            }
        }
    }

    /// <summary>True while whatever reports the call from further in reports this one.</summary>
    public bool IsWaiting
    {
        get
        {
            lock (_lock)
            {
                return !_hasEnded && !_isChain && OwnsCalls;
            }
        }
    }

    /// <summary>False where the span turns out to be something else than a model call.</summary>
    protected virtual bool OwnsCalls => true;

    /// <summary>False: the call needs a span of its own.</summary>
    public bool TryTake(LlmCall call)
    {
        lock (_lock)
        {
            if (_hasEnded || _isChain || !call.Operation.IsRecognisedAnywhere || !OwnsCalls)
            {
                return false;
            }

            if (_call is null)
            {
                _call = call;
                call.TakenBy(this);
                return true;
            }

            var first = _call;
            _isChain = true;
            _call = null;
            Span.SetSpanType(MLflow.SpanType.Chain);
            first.StartOwnSpan(Span);
            if (_isCallClosed)
            {
                first.Capture.Enqueue(first);
            }

            return false;
        }
    }

    /// <summary>Nothing more will be seen of the call. False: it is not recorded before this scope has ended.</summary>
    public bool MayRecord(LlmCall call)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(_call, call))
            {
                return true;
            }

            _isCallClosed = true;
            return _hasEnded;
        }
    }

    /// <summary>The owner is done. The second call has no effect.</summary>
    /// <param name="exception">What the program saw instead of a result.</param>
    /// <returns>True when the HTTP layer records the call and ends the span, at once or when the answer has been read; false leaves both to the owner.</returns>
    public bool End(Exception? exception)
    {
        LlmCall? call;
        bool isClosed;
        lock (_lock)
        {
            if (_hasEnded)
            {
                return true;
            }

            _hasEnded = true;
            (call, isClosed) = (_call, _isCallClosed);
        }

        if (call is null)
        {
            return false;
        }

        if (exception is not null && call.LastOrNull is { } last)
        {
            last.ThrownForResponse ??= exception;
        }

        if (isClosed)
        {
            call.Capture.Enqueue(call);
        }
        else if (exception is not null)
        {
            call.Capture.OwnerEnded(call);
        }

        return true;
    }
}
