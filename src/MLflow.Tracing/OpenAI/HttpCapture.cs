using System.ClientModel;
using System.Runtime.ExceptionServices;

namespace MLflow;

/// <summary>
/// Sees the model calls of this process in HttpClient's diagnostics, copies their bodies while they pass, and makes one span of each logical call.
/// Lives from <c>Autolog()</c> to <c>Autolog(disable: true)</c>; calls under way at its end are recorded as far as they came.
/// </summary>
internal sealed class HttpCapture : IDisposable
{
    /// <summary>Most calls under way that are traced at one time; more are not seen.</summary>
    public const int MaxOpenCalls = 10_000;

    // Flows from the request event to the response event of the same request, and to nobody else.
    private readonly AsyncLocal<LlmAttempt?> _current = new();

    private readonly Tracer _tracer;
    private readonly SelfLog _log;
    private readonly PendingCalls _pending;
    private readonly RecordingWorker _worker;
    private readonly HashSet<LlmCall> _open = [];
    private readonly DiagnosticsSubscription _subscription;
    private volatile OpenAIAutologOptions _options;
    private volatile CallFilter _filter;
    private int _isDisposed;

    public HttpCapture(Tracer tracer, SelfLog log, OpenAIAutologOptions options)
    {
        _tracer = tracer;
        _log = log;
        _options = options;
        _filter = new CallFilter(options);
        _pending = new PendingCalls(tracer.TimeProvider, Close);
        _worker = new RecordingWorker(Record);
        _tracer.RootEnded += OnRootEnded;
        AppDomain.CurrentDomain.FirstChanceException += OnFirstChanceException;
        _subscription = new DiagnosticsSubscription(this);
    }

    public CaptureBudget Budget { get; } = new();

    public TimeProvider Clock => _tracer.TimeProvider;

    public int MaxCaptureBytes => _options.MaxCaptureBytes;

    public void Configure(OpenAIAutologOptions options)
    {
        _options = options;
        _filter = new CallFilter(options);
    }

    /// <summary>Makes waiting failures final and waits until every call that is over has its span.</summary>
    public Task DrainAsync(CancellationToken cancellationToken)
    {
        _pending.CloseAll();
        return _worker.DrainAsync(cancellationToken);
    }

    /// <summary>Stops seeing calls. Answers that are being read are still recorded when they end.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        _subscription.Dispose();
        AppDomain.CurrentDomain.FirstChanceException -= OnFirstChanceException;
        _tracer.RootEnded -= OnRootEnded;
        _pending.Dispose();
        foreach (var call in OpenCalls())
        {
            // Without a response there is nothing of ours in its way that would tell us of its end.
            var last = call.Last;
            if (last.Status == 0)
            {
                call.Note = "Tracing was turned off before this call was over.";
                last.EndBody(BodyEnd.Detached, null);
            }
        }
    }

    /// <summary>The program ends: records what came of the calls that are under way, an answer half read among them.</summary>
    public void CloseOpen()
    {
        foreach (var call in OpenCalls())
        {
            call.Note = "The program ended before this call was over.";
            call.Last.EndBody(BodyEnd.Detached, null);
        }
    }

    public void OnRequest(HttpRequestMessage request, Guid loggingId)
    {
        if (_filter.Match(request) is not { } operation)
        {
            return;
        }

        var timestamp = Clock.GetTimestamp();
        var content = request.Content;
        var key = (content is null ? null : DiagnosticsPayload.BinaryContentOf(content)) ?? request;
        var call = _pending.Take(key);
        if (call is null)
        {
            call = new LlmCall(this, operation, _tracer.StartDetached(operation.SpanName, operation.SpanType, _tracer.Current, timestamp), key);
            if (!TryOpen(call))
            {
                return;
            }
        }

        var attempt = call.AddAttempt(request, loggingId, timestamp);
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

    public void OnResponse(HttpResponseMessage? response, Guid loggingId, TaskStatus status)
    {
        if (_current.Value is not { } attempt || attempt.LoggingId != loggingId)
        {
            return;
        }

        try
        {
            Restore(attempt, response is null);
            if (response is not null)
            {
                attempt.SetResponse(response);
                if (!attempt.HasEnded)
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
        if (!ReferenceEquals(call.Last, attempt))
        {
            return;
        }

        if (attempt.Succeeded || attempt.End == BodyEnd.Detached || Volatile.Read(ref _isDisposed) != 0)
        {
            Close(call);
        }
        else
        {
            _pending.Park(call, PendingCalls.WaitAfter(attempt));
        }
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
        attempt.Request.Content = original;
        if (hasFailed && attempt.RequestBody.TotalBytes == 0)
        {
            CopyUnsent(original, attempt);
        }
    }

    /// <summary>
    /// A request that never reached the wire has shown us nothing. Its body is read now only where reading changes nothing: text in memory, or the
    /// package's own content with a known length (a stream that can be read once has none).
    /// </summary>
    private static void CopyUnsent(HttpContent content, LlmAttempt attempt)
    {
        var isInMemory = content is ByteArrayContent or ReadOnlyMemoryContent;
        if (isInMemory || (content.Headers.ContentLength is not null && DiagnosticsPayload.BinaryContentOf(content) is not null))
        {
            content.CopyTo(new TeeWriteStream(Stream.Null, attempt.RequestBody, attempt.Clock), null, CancellationToken.None);
        }
    }

    private LlmCall[] OpenCalls()
    {
        lock (_open)
        {
            return [.. _open];
        }
    }

    private bool TryOpen(LlmCall call)
    {
        lock (_open)
        {
            if (_open.Count < MaxOpenCalls)
            {
                _open.Add(call);
                return true;
            }
        }

        call.Span.SetAttribute(AttributeNames.CaptureNote, $"More than {MaxOpenCalls} calls were under way; this one was not recorded.");
        call.Span.End();
        return false;
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

        if (!_worker.TryEnqueue(call))
        {
            call.DiscardContent();
            call.Note = $"More than {RecordingWorker.Capacity} calls waited to be recorded; this one's content was dropped.";
            Record(call);
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
            }
            else if (e.Exception is ClientResultException failed && DiagnosticsPayload.HttpResponseOf(failed)?.RequestMessage is { } request)
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
