namespace MLflow;

/// <summary>One logical call of a model: one span, however often the package tries. It locks itself: a lock of its own is memory that the call's thread would pay for.</summary>
internal sealed class LlmCall
{
    private readonly List<LlmAttempt> _attempts = new(1);
    private bool _isClosed;
    private bool _isHeld;
    private bool _hasEndedWhileHeld;

    public LlmCall(HttpCapture capture, ApiOperation operation, object retryKey, long startTimestamp)
    {
        Capture = capture;
        Operation = operation;
        RetryKey = retryKey;
        StartTimestamp = startTimestamp;
    }

    /// <summary>Of its own: the one of every object stands where the lock would, which then becomes a costly one.</summary>
    public override int GetHashCode() => StartTimestamp.GetHashCode();

    public HttpCapture Capture { get; }

    public ApiOperation Operation { get; }

    public long StartTimestamp { get; }

    /// <summary>The span of the call: its own, or the one that already stood for it. Set before anything else sees the call.</summary>
    public LiveSpan Span { get; private set; } = null!;

    /// <summary>The owner of the span, where that is not the call's own.</summary>
    public CallScope? Scope { get; private set; }

    /// <summary>
    /// The object that is the same on every try: the package's <c>BinaryContent</c>, or the request message where another client sends. While a broken
    /// stream waits it is that stream: what goes on with it has a body of its own.
    /// </summary>
    public object RetryKey { get; private set; }

    /// <summary>The stream that broke last and that a further request may go on with, or has gone on with. Null when none broke.</summary>
    public BrokenStream? Broken { get; private set; }

    /// <summary>Tries before the request that goes on with a broken stream.</summary>
    public int TriesBefore { get; private set; }

    /// <summary>The last try, which decides about the call.</summary>
    public LlmAttempt Last
    {
        get
        {
            lock (this)
            {
                return _attempts[^1];
            }
        }
    }

    /// <summary>Null before the first try.</summary>
    public LlmAttempt? LastOrNull
    {
        get
        {
            lock (this)
            {
                return _attempts.Count > 0 ? _attempts[^1] : null;
            }
        }
    }

    /// <summary>The request body as a pipeline policy passed it on, by which the HTTP layer knows that a request is a try of this call. Null when the call is closed.</summary>
    public TeeBinaryContent? SentContent { get; set; }

    /// <summary>The request as a pipeline policy saw it. Null where none did, and when the call is closed.</summary>
    public HttpRequestMessage? PolicyRequest { get; set; }

    /// <summary>The try that a pipeline policy is making. Null while none is.</summary>
    public LlmAttempt? PolicyAttempt { get; set; }

    /// <summary>A gateway passes it on, and says itself which try is the last (<see cref="HttpCapture.Pass"/>).</summary>
    public bool IsPassed { get; set; }

    /// <summary>Of a passed call: it is counted, and nobody sees its span.</summary>
    public bool IsForFigures { get; set; }

    /// <summary>True when a pipeline policy has seen the end of all tries.</summary>
    public bool HasNoFurtherTry { get; private set; }

    /// <summary>When a call that waits for its next try is given up, as a timestamp of the tracer's clock. Guarded by <see cref="PendingCalls"/>.</summary>
    public long Deadline { get; set; }

    /// <summary>Something that the span should say about the capture, for example that content was dropped.</summary>
    public string? Note { get; set; }

    /// <summary>The tries. They no longer change once the call is closed.</summary>
    public IReadOnlyList<LlmAttempt> Attempts => _attempts;

    public void TakenBy(CallScope scope)
    {
        Scope = scope;
        Span = scope.Span;
    }

    public void StartOwnSpan(LiveSpan? parent)
    {
        Scope = null;
        Span = Capture.Tracer.StartDetached(Operation.SpanName, Operation.SpanType, parent, StartTimestamp);
    }

    /// <summary>The span that was current when the call was made.</summary>
    public LiveSpan? Parent => Scope is null ? Span.Parent : Span;

    /// <summary>The answer that the program read: the last one, or the last stream where what followed brought nothing.</summary>
    public LlmAttempt Answer
    {
        get
        {
            lock (this)
            {
                return (Broken is null ? null : _attempts.FindLast(attempt => attempt.IsStream)) ?? _attempts[^1];
            }
        }
    }

    /// <summary>Most bytes that are kept of the next answer: all parts of a stream that was taken up again share one limit.</summary>
    public int ResponseRoom => Broken is null ? Capture.MaxCaptureBytes : Math.Max(0, Capture.MaxCaptureBytes - _attempts.Sum(attempt => attempt.IsStream ? attempt.ResponseBody.Length : 0));

    /// <summary>A further request may go on with the answer.</summary>
    public void Break(BrokenStream broken)
    {
        lock (this)
        {
            Broken = broken;
            RetryKey = broken;
        }
    }

    /// <summary>Memory that its bodies hold.</summary>
    public long KeptBytes
    {
        get
        {
            lock (this)
            {
                return _attempts.Sum(static attempt => (long)attempt.RequestBody.KeptBytes + attempt.ResponseBody.KeptBytes);
            }
        }
    }

    /// <summary>The call is closed: what it knows of the program's objects is read, and they can go.</summary>
    public void ForgetRequests()
    {
        lock (this)
        {
            _attempts.ForEach(attempt => attempt.ForgetRequest());
            RetryKey = this;
            SentContent = null;
            PolicyRequest = null;
            PolicyAttempt = null;
        }
    }

    /// <summary>The next try has a key of its own.</summary>
    public void Repeat(object retryKey)
    {
        lock (this)
        {
            RetryKey = retryKey;
        }
    }

    /// <summary>A request goes on with the broken stream.</summary>
    public void Resume(object retryKey)
    {
        lock (this)
        {
            RetryKey = retryKey;
            TriesBefore = _attempts.Count;
            HasNoFurtherTry = false;
        }
    }

    /// <summary>The last try, or one that stands for the call when it is over before the first.</summary>
    public LlmAttempt LastOrFirst()
    {
        lock (this)
        {
            if (_attempts.Count == 0)
            {
                _attempts.Add(new LlmAttempt(this, 1, PolicyRequest ?? new HttpRequestMessage(), StartTimestamp));
            }

            return _attempts[^1];
        }
    }

    /// <summary>Adds a try. Null when the call is closed, as when the program ends: it is being recorded, and what comes is no longer looked at.</summary>
    public LlmAttempt? AddAttempt(HttpRequestMessage request, long timestamp)
    {
        lock (this)
        {
            if (_isClosed)
            {
                return null;
            }

            var attempt = new LlmAttempt(this, _attempts.Count + 1, request, timestamp);
            _attempts.Add(attempt);
            _hasEndedWhileHeld = false;
            return attempt;
        }
    }

    /// <summary>A try that a pipeline policy is about to make. It counts once it is added.</summary>
    public LlmAttempt NewAttempt(long timestamp)
    {
        lock (this)
        {
            return new LlmAttempt(this, _attempts.Count + 1, PolicyRequest ?? new HttpRequestMessage(), timestamp);
        }
    }

    /// <summary>Adds a try that nobody else has seen. False when the HTTP layer has, and has added its own, or when the call is closed.</summary>
    public bool TryAdd(LlmAttempt attempt)
    {
        lock (this)
        {
            if (_isClosed || _attempts.Count >= attempt.Number)
            {
                return false;
            }

            _attempts.Add(attempt);
            _hasEndedWhileHeld = false;
            return true;
        }
    }

    /// <summary>From now on a pipeline policy decides which try is the last.</summary>
    public void Hold() => _isHeld = true;

    /// <summary>False: the end of the last try decides nothing yet, because a pipeline policy may make another.</summary>
    public bool MayDecide()
    {
        lock (this)
        {
            _hasEndedWhileHeld = _isHeld;
            return !_isHeld;
        }
    }

    /// <summary>The pipeline policy is done. True when the last try had ended before.</summary>
    public bool Release()
    {
        lock (this)
        {
            _isHeld = false;
            HasNoFurtherTry = true;
            return _hasEndedWhileHeld;
        }
    }

    /// <summary>True for the one caller that ends the call.</summary>
    public bool TryClose()
    {
        lock (this)
        {
            return !_isClosed && (_isClosed = true);
        }
    }

    public void DiscardContent()
    {
        lock (this)
        {
            foreach (var attempt in _attempts)
            {
                attempt.RequestBody.Discard();
                attempt.ResponseBody.Discard();
            }
        }
    }
}
