using System.ClientModel;
using System.Runtime.ExceptionServices;

namespace MLflow;

/// <summary>
/// Sees the model calls of this process in HttpClient's diagnostics, copies their bodies while they pass, and makes one span of each logical call.
/// Lives from <c>Autolog()</c> to <c>Autolog(disable: true)</c>; calls under way at its end are recorded as far as they came.
/// </summary>
internal sealed partial class HttpCapture : IDisposable
{
    /// <summary>Most calls under way that are traced at one time; more are not seen.</summary>
    public const int MaxOpenCalls = 10_000;

    // Weak: a thread must not keep what it cancelled last.
    [ThreadStatic]
    private static WeakReference<LlmAttempt>? _cancelled;

    // Flows from the request event to the response event of the same request, and to nobody else.
    private readonly AsyncLocal<LlmAttempt?> _current = new();

    private readonly Tracer _tracer;
    private readonly SelfLog _log;
    private readonly PendingCalls _pending;
    private readonly RecordingWorker _worker;
    private readonly HashSet<LlmCall> _open = [];
    private DiagnosticsSubscription? _subscription;
    private volatile OpenAIAutologOptions _options;
    private volatile CallFilter _filter;
    private int _isDisposed;
    private long _recorderFailures;

    /// <summary>Makes a capture that sees what pipeline policies hand over, and nothing else before <see cref="Listen"/>.</summary>
    /// <param name="tracer">Starts the spans.</param>
    /// <param name="log">Takes what went wrong.</param>
    /// <param name="options">What is recorded.</param>
    /// <param name="waitForRoom">Called on the recorder's thread before each call; returns when what is recorded of it may be taken.</param>
    public HttpCapture(Tracer tracer, SelfLog log, OpenAIAutologOptions options, Action? waitForRoom = null)
    {
        _tracer = tracer;
        _log = log;
        _options = options;
        Clock = tracer.TimeProvider;
        _filter = new CallFilter(options);
        _pending = new PendingCalls(tracer.TimeProvider, Close);
        _worker = new RecordingWorker(Record, waitForRoom);
        tracer.Running.OfCalls = TracesOfCalls;
        _tracer.RootEnded += OnRootEnded;
        AppDomain.CurrentDomain.FirstChanceException += OnFirstChanceException;
    }

    public Tracer Tracer => _tracer;

    /// <summary>Bodies that their recorder could not read.</summary>
    public long RecorderFailures => Interlocked.Read(ref _recorderFailures);

    public CaptureBudget Budget { get; } = new();

    public TimeProvider Clock { get; }

    /// <summary>The flow is that of a request that we saw.</summary>
    public bool IsInCall => _current.Value is not null;

    public int MaxCaptureBytes => _options.MaxCaptureBytes;

    /// <summary>Most bytes that are kept of a file in a form; the text fields need room, too.</summary>
    public int MaxFileBytes => _options.Media == MediaCapture.Whole ? _options.MaxCaptureBytes / 8 * 7 : Math.Min(BinaryBody.MaxBytes, _options.MaxCaptureBytes / 2);

    public void Configure(OpenAIAutologOptions options)
    {
        _options = options;
        _filter = new CallFilter(options);
    }

    /// <summary>Sees every request of the process from now on. False when it did already.</summary>
    public bool Listen()
    {
        if (_subscription is not null)
        {
            return false;
        }

        _tracer.Frameworks(_log).ListenToFrameworks();
        _subscription = new DiagnosticsSubscription(this);
        return true;
    }

    /// <summary>Makes waiting failures final and waits until every call that is over has its span.</summary>
    public Task DrainAsync(CancellationToken cancellationToken) => DrainAsync(isInPlace: false, cancellationToken);

    /// <inheritdoc cref="DrainAsync(CancellationToken)"/>
    /// <inheritdoc cref="RecordingWorker.DrainAsync"/>
    public Task DrainAsync(bool isInPlace, CancellationToken cancellationToken)
    {
        _pending.CloseAll();
        return _worker.DrainAsync(isInPlace, cancellationToken);
    }

    /// <summary>As <see cref="DrainAsync(CancellationToken)"/>, for some traces: others may be between two tries.</summary>
    public Task DrainAsync(IEnumerable<ActiveTrace> traces, CancellationToken cancellationToken)
    {
        foreach (var trace in traces)
        {
            _pending.CloseAll(trace);
        }

        return _worker.DrainAsync(isInPlace: false, cancellationToken);
    }

    /// <summary>Stops seeing calls. Answers that are being read are still recorded when they end.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        if (_subscription is not null)
        {
            _subscription.Dispose();
            _tracer.Frameworks(_log).Dispose();
        }

        AppDomain.CurrentDomain.FirstChanceException -= OnFirstChanceException;
        _tracer.RootEnded -= OnRootEnded;
        _pending.Dispose();
        foreach (var call in OpenCalls())
        {
            // Without a response there is nothing of ours in its way that would tell us of its end.
            var last = call.LastOrFirst();
            if (last.Status == 0)
            {
                call.Note = "Tracing was turned off before this call was over.";
                last.EndBody(BodyEnd.Detached, null);
            }
        }

        _worker.Dispose();
    }

    /// <summary>The program ends: records what came of the calls that are under way, an answer half read among them.</summary>
    public void CloseOpen()
    {
        foreach (var call in OpenCalls())
        {
            call.Note = "The program ended before this call was over.";
            call.LastOrFirst().EndBody(BodyEnd.Detached, null);

            // One between two tries has nothing that would end now.
            Close(call);
        }
    }

    /// <summary>A request is about to be sent. Told of it again, within the same request, it has no effect.</summary>
    public void OnRequest(HttpRequestMessage request)
    {
        var outer = _current.Value;
        if (outer is not null && ReferenceEquals(outer.Request, request))
        {
            return;
        }

        if (_filter.Match(request) is not { } operation)
        {
            if (outer is not null)
            {
                // Sent while one of ours is under way, for example to fetch a token: what comes of it is not the answer of ours.
                _current.Value = null;
            }

            return;
        }

        var timestamp = Clock.GetTimestamp();
        var content = request.Content;
        var body = content is null ? null : DiagnosticsPayload.BinaryContentOf(content);
        var key = body ?? request;
        var call = HeldCall(request, body) ?? (_pending.IsEmpty ? null : Waiting(request, content, key)) ?? Begin(operation, key, timestamp);
        if (call?.AddAttempt(request, timestamp) is not { } attempt)
        {
            _current.Value = null;
            return;
        }

        _current.Value = attempt;
        if (content is not null)
        {
            attempt.OriginalContent = content;
            request.Content = new TeeRequestContent(content, attempt);
        }
    }

    public void OnException(HttpRequestMessage request, Exception exception)
    {
        if (_current.Value is { } attempt && ReferenceEquals(attempt.Request, request))
        {
            attempt.SetException(exception);
        }
    }

    public void OnResponse(HttpResponseMessage? response, TaskStatus status)
    {
        if (_current.Value is not { } attempt || (response?.RequestMessage is { } request && !ReferenceEquals(request, attempt.Request)))
        {
            return;
        }

        try
        {
            Restore(attempt, response is null);
            if (response is not null)
            {
                attempt.SetResponse(response);
                if (attempt.IsUpgrade)
                {
                    // The connection belongs to a WebSocket now, which reads and writes its stream.
                    attempt.EndBody(BodyEnd.Completed, null);
                }
                else if (!attempt.HasEnded)
                {
                    response.Content = new TeeResponseContent(response.Content, attempt);
                }
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Nothing of ours is in the response's way that would tell its end.
            attempt.EndBody(BodyEnd.Detached, null);
            Failed(e);
        }

        if (response is null)
        {
            var isCanceled = status == TaskStatus.Canceled;
            attempt.EndBody(isCanceled ? BodyEnd.Canceled : BodyEnd.Faulted, isCanceled ? attempt.SeenCancellation : null);
        }
    }

    /// <summary>A request, or the reading of its response, is over.</summary>
    public void AttemptEnded(LlmAttempt attempt)
    {
        var call = attempt.Call;
        if (!ReferenceEquals(call.LastOrNull, attempt) || (!call.MayDecide() && attempt.End != BodyEnd.Detached))
        {
            return;
        }

        var isCancelledAnswer = attempt.Succeeded && attempt.End == BodyEnd.Canceled;
        if (call.IsPassed || call.Scope is { HasEnded: true } || attempt.End == BodyEnd.Detached || Volatile.Read(ref _isDisposed) != 0)
        {
            Close(call);
        }
        else if (attempt.Succeeded && !isCancelledAnswer)
        {
            if (!TryWaitForRest(attempt))
            {
                Close(call);
            }
        }
        else if (isCancelledAnswer)
        {
            // The package says only in the exception that it makes of this one whether the program or a time limit cancelled. It does so at once, on this thread.
            _cancelled = new WeakReference<LlmAttempt>(attempt);
            _pending.Park(call, PendingCalls.StackWait);
        }
        else
        {
            _pending.Park(call, PendingCalls.WaitAfter(attempt));
        }
    }

    /// <summary>Who owns the span is done with the call: no further try, and no exception that is not known already.</summary>
    public void OwnerEnded(LlmCall call)
    {
        if (call.LastOrNull is { HasEnded: true })
        {
            _pending.Take(call.RetryKey);
            Close(call);
        }
    }

    /// <summary>Hands a closed call over to be recorded.</summary>
    public void Enqueue(LlmCall call)
    {
        call.ForgetRequests();
        if (_worker.TryEnqueue(call))
        {
            return;
        }

        _log.Warn("openai-waiting", "More OpenAI calls ended than can wait to be recorded; the content of some is not in their traces.");
        if (call.IsPassed)
        {
            // Its client has the answer. What it came to is read now, on its own thread: it counts against budgets.
            call.Span.IsWithoutContent = true;
        }
        else
        {
            call.DiscardContent();
            call.Note = $"More than {RecordingWorker.Capacity} calls waited to be recorded; this one's content was dropped.";
        }

        Record(call);
    }

    /// <summary>Counts a body that its recorder could not read; the span says so and has the text.</summary>
    public void RecorderFailed(Exception exception)
    {
        Interlocked.Increment(ref _recorderFailures);
        Failed(exception);
    }

    /// <summary>Something of ours failed; the traced program must not notice.</summary>
    public void Failed(Exception exception) =>
        _log.Warn("openai-capture", $"An OpenAI call was not traced as it should be: {exception.GetType().Name}: {exception.Message}");

    /// <summary>Gives the program its own content back.</summary>
    private static void Restore(LlmAttempt attempt, bool hasFailed)
    {
        if (attempt.OriginalContent is not { } original)
        {
            return;
        }

        attempt.OriginalContent = null;
        attempt.Request!.Content = original;
        if (hasFailed && attempt.RequestBody.TotalBytes == 0)
        {
            CopyUnsent(original, attempt.RequestBody, attempt.Clock);
        }
    }

    /// <summary>
    /// A request that never reached the wire has shown us nothing. Its body is read now only where reading changes nothing: text in memory, or the
    /// package's own content with a known length (a stream that can be read once has none). False where it is not read.
    /// </summary>
    private static bool CopyUnsent(HttpContent content, BodyCapture copy, TimeProvider clock)
    {
        var isInMemory = content is ByteArrayContent or ReadOnlyMemoryContent;
        if (!isInMemory && (content.Headers.ContentLength is null || DiagnosticsPayload.BinaryContentOf(content) is null))
        {
            return false;
        }

        content.CopyTo(new TeeWriteStream(Stream.Null, copy, clock), null, CancellationToken.None);
        return true;
    }

    /// <summary>Those that a call began: its own span is their root.</summary>
    private IEnumerable<ActiveTrace> TracesOfCalls() => OpenCalls().Where(call => call.Span?.Parent is null).Select(call => call.Span?.Trace).OfType<ActiveTrace>();

    private LlmCall[] OpenCalls()
    {
        lock (_open)
        {
            return [.. _open];
        }
    }

    /// <summary>The call that waits for this request, or null.</summary>
    private LlmCall? Waiting(HttpRequestMessage request, HttpContent? content, object key) =>
        _pending.Take(key) ?? (content is null ? Repeat(request) : null) ?? Resume(request, key);

    private LlmCall? Begin(ApiOperation operation, object key, long timestamp)
    {
        var parent = _tracer.Current;
        if (parent is null ? !_tracer.IsEnabled : parent.Trace.IsOff)
        {
            return null;
        }

        var call = new LlmCall(this, operation, key, timestamp);
        bool isOpen;
        lock (_open)
        {
            isOpen = _open.Count < MaxOpenCalls && _open.Add(call);
        }

        if (!isOpen || parent?.Call is not { } scope || !scope.TryTake(call))
        {
            call.StartOwnSpan(parent);
            if (call.Span.Trace.IsOff)
            {
                lock (_open)
                {
                    _open.Remove(call);
                }

                return null;
            }
        }

        if (!isOpen)
        {
            call.Span.SetAttribute(AttributeNames.CaptureNote, $"More than {MaxOpenCalls} calls were under way; this one was not recorded.");
            call.Span.End();
            return null;
        }

        // Behind the start of the span: a call without one is not seen to run.
        _tracer.Running.Watch();
        return call;
    }

    private void Close(LlmCall call)
    {
        if (!call.TryClose())
        {
            return;
        }

        lock (_open)
        {
            _open.Remove(call);
        }

        if (call.Scope is not { } scope || scope.MayRecord(call))
        {
            Enqueue(call);
        }
    }

    private void Record(LlmCall call)
    {
        try
        {
            CallRecorder.Record(call, _options);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Failed(e);
            call.Span.SetAttribute(AttributeNames.CaptureNote, "The call could not be recorded: " + e.Message);
        }
        finally
        {
            call.DiscardContent();

            // Has no effect on a span that has ended.
            call.Span.End();
        }
    }

    private void OnRootEnded(ActiveTrace trace) => _pending.CloseAll(trace);

    /// <summary>
    /// Finds the exception that the program sees for a failed call. The package's exception carries the response it is about; a cancellation is
    /// noticed in the flow of its own request.
    /// </summary>
    private void OnFirstChanceException(object? sender, FirstChanceExceptionEventArgs e)
    {
        try
        {
            if (e.Exception is OperationCanceledException)
            {
                if (_current.Value is { } attempt)
                {
                    attempt.SeenCancellation = e.Exception;
                }

                if (_cancelled is not null && _cancelled.TryGetTarget(out var cancelled) && !ReferenceEquals(cancelled.Exception, e.Exception))
                {
                    _cancelled = null;
                    if (Clock.GetElapsedTime(cancelled.EndTimestamp) < PendingCalls.StackWait)
                    {
                        cancelled.ThrownForResponse = e.Exception;
                    }
                }
            }
            else if (e.Exception is IOException)
            {
                NoteFlow(e.Exception);
            }
            else if (e.Exception is ClientResultException failed && failed.GetRawResponse() is { } response && !_pending.SetException(response, failed)
                && DiagnosticsPayload.HttpResponseOf(response)?.RequestMessage is { } request)
            {
                _pending.SetException(request, failed);
            }
        }
        catch (Exception ours) when (ours is not OutOfMemoryException)
        {
            // A later version of System.ClientModel without the member: the exception's type stays unknown.
        }
    }
}
