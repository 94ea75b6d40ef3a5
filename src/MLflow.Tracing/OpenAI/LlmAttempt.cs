using System.ClientModel.Primitives;
using System.Globalization;
using System.Net.Http.Headers;

namespace MLflow;

/// <summary>One HTTP request of a <see cref="LlmCall"/> and what came back. No member throws: they are called from the traced program's own reads and writes.</summary>
internal sealed class LlmAttempt
{
    /// <summary>Reads within a tick of the coarse clock of which each has a time of its own. Models answer slower than that.</summary>
    private const int TimedReads = 16;

    /// <summary>Most reads of bytes that had come already for which no clock is read.</summary>
    private const int MostUntimed = 16;

    private int _hasEnded;
    private long _tick;
    private long _time;
    private int _readsInTick;
    private int _untimed;
    private int _mayBeUntimed;
    private Uri? _url;

    public LlmAttempt(LlmCall call, int number, HttpRequestMessage request, long startTimestamp)
    {
        Call = call;
        Number = number;
        Request = request;
        Method = request.Method;
        StartTimestamp = startTimestamp;
        RequestContentType = request.Content is { } content ? Header(content.Headers, "Content-Type") : null;
        Resumes = call.Broken;
        RequestBody = NewRequestBody();
        ResponseBody = new BodyCapture(call.Capture.Budget, call.ResponseRoom, keepsMarks: true);
    }

    public LlmCall Call { get; }

    /// <summary>1 for the first try.</summary>
    public int Number { get; }

    /// <summary>Null when the call is closed: a call that waits to be recorded must not keep the program's objects.</summary>
    public HttpRequestMessage? Request { get; private set; }

    public HttpMethod Method { get; }

    /// <summary>The address, after a redirect the last one.</summary>
    public Uri? Url => Request is { } request ? request.RequestUri : _url;

    /// <summary>The stream that this try goes on with. Null where it asks for a whole answer.</summary>
    public BrokenStream? Resumes { get; }

    /// <summary>The response that a pipeline policy saw; null where HttpClient's diagnostics did.</summary>
    public PipelineResponse? PipelineResponse { get; private set; }

    public long StartTimestamp { get; }

    public long EndTimestamp { get; private set; }

    public TimeProvider Clock => Call.Capture.Clock;

    public BodyCapture RequestBody { get; private set; }

    public BodyCapture ResponseBody { get; private set; }

    /// <summary>The program's own request content, to be put back when the request is over.</summary>
    public HttpContent? OriginalContent { get; set; }

    /// <summary>True when the body was sent by an asynchronous call, false by a synchronous one, null when it was not sent.</summary>
    public bool? IsAsync { get; private set; }

    /// <summary>HTTP status; 0 when no response came.</summary>
    public int Status { get; private set; }

    public string? RequestId { get; private set; }

    /// <summary>The server's own processing time in milliseconds, as it told it (<c>openai-processing-ms</c>).</summary>
    public string? ProcessingTime { get; private set; }

    public string? RequestContentType { get; }

    public string? ResponseContentType { get; private set; }

    public string? ContentEncoding { get; private set; }

    public bool IsEventStream { get; private set; }

    /// <summary>True when the answer was longer than is kept: what it says at its end is not known.</summary>
    public bool IsAnswerCut => ResponseBody.IsCut;

    /// <summary>How long the server asked to wait before the next try.</summary>
    public TimeSpan? RetryAfter { get; private set; }

    /// <summary>Rate limits that the server told of, by header name. Null when it told of none.</summary>
    public List<KeyValuePair<string, string>>? RateLimits { get; private set; }

    public BodyEnd End { get; private set; }

    /// <summary>Of a passed call: whoever reads the answer has gone. It may be the writing to them that is cancelled, of which the reading hears nothing.</summary>
    public CancellationToken ReaderGone { get; set; }

    /// <summary>The exception with which the request or the reading of its body failed.</summary>
    public Exception? Exception { get; private set; }

    /// <summary>A cancellation that was thrown below HttpClient while this request was under way.</summary>
    public Exception? SeenCancellation { get; set; }

    /// <summary>The exception that the package made of the failed response.</summary>
    public Exception? ThrownForResponse { get; set; }

    /// <summary>True when a time limit of the client ended the request or the reading of its answer, and not the program.</summary>
    public bool IsTimeout => IsTimeoutException(Exception) || IsTimeoutException(SeenCancellation) || IsTimeoutException(ThrownForResponse);

    /// <summary>Only then are the rate limits shown. A call that succeeds at once does not pay for reading them.</summary>
    private bool IsOneOfSeveral => !Succeeded || Number > 1;

    public bool HasEnded => Volatile.Read(ref _hasEnded) != 0;

    /// <summary>True when the answer was an event stream.</summary>
    public bool IsStream => IsEventStream && Succeeded;

    public bool Succeeded => Status is (>= 200 and < 300) or 101;

    /// <summary>True when the response made the connection that of a WebSocket.</summary>
    public bool IsUpgrade => Status == 101 || (Method == HttpMethod.Connect && Succeeded);

    /// <summary>The call is closed. A request that does not have its own content back yet is kept.</summary>
    public void ForgetRequest()
    {
        if (OriginalContent is null)
        {
            _url = Url;
            Request = null;
            PipelineResponse = null;
        }
    }

    public void SetIsEventStream() => IsEventStream = true;

    public void RequestSerialized(bool isAsync) => IsAsync = isAsync;

    /// <summary>Gives up what was copied of the request body, because it is written once more.</summary>
    public void RestartRequestBody()
    {
        RequestBody.Discard();
        RequestBody = NewRequestBody();
    }

    /// <summary>An answer that comes as events may be open for long: of it as little is kept as will do, or it is packed. What is compressed already stays as it is.</summary>
    public void KeepLittle()
    {
        if (IsEventStream && ContentEncoding is null or "" or "identity")
        {
            ResponseBody = Call.IsForFigures
                ? new BodyCapture(Call.Capture.Budget, Call.ResponseRoom, keepsMarks: false, new EventSieve())
                : new BodyCapture(Call.Capture.Budget, Call.ResponseRoom, keepsMarks: true) { Packs = true };
        }
    }

    public void SetException(Exception exception) => Exception = exception;

    public void SetResponse(HttpResponseMessage response)
    {
        Status = (int)response.StatusCode;
        RequestId = Header(response.Headers, "x-request-id") ?? Header(response.Headers, "apim-request-id");
        var content = response.Content.Headers;
        ContentEncoding = Header(content, "Content-Encoding");
        ResponseContentType = Header(content, "Content-Type");
        IsEventStream = IsEvents(ResponseContentType);
        ProcessingTime = Header(response.Headers, "openai-processing-ms");
        if (!Succeeded)
        {
            RetryAfter = ReadRetryAfter(Header(response.Headers, "retry-after-ms"), Header(response.Headers, "retry-after"));
        }

        if (IsOneOfSeveral)
        {
            foreach (var (name, values) in response.Headers.NonValidated)
            {
                if (IsRateLimit(name))
                {
                    (RateLimits ??= []).Add(new(name.ToLowerInvariant(), values.ToString()));
                }
            }
        }
    }

    public void SetResponse(PipelineResponse response)
    {
        PipelineResponse = response;
        Status = response.Status;
        RequestId = Header(response, "x-request-id") ?? Header(response, "apim-request-id");
        ContentEncoding = Header(response, "Content-Encoding");
        ResponseContentType = Header(response, "Content-Type");
        IsEventStream = IsEvents(ResponseContentType);
        ProcessingTime = Header(response, "openai-processing-ms");
        if (!Succeeded)
        {
            RetryAfter = ReadRetryAfter(Header(response, "retry-after-ms"), Header(response, "retry-after"));
        }

        if (IsOneOfSeveral)
        {
            foreach (var (name, value) in response.Headers)
            {
                if (IsRateLimit(name))
                {
                    (RateLimits ??= []).Add(new(name.ToLowerInvariant(), value));
                }
            }
        }
    }

    /// <summary>Bytes of the response body passed by.</summary>
    /// <param name="bytes">What was read.</param>
    /// <param name="isEnd">True when nothing comes after it.</param>
    /// <param name="hadCome">True when the read did not have to wait for them.</param>
    public void BodyRead(ReadOnlySpan<byte> bytes, bool isEnd, bool hadCome = false)
    {
        try
        {
            ResponseBody.Append(bytes, TimeOfRead(hadCome));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A failure of ours must not reach the call.
        }

        if (isEnd)
        {
            EndBody(BodyEnd.Completed, null);
        }
    }

    /// <summary>An exception filter: notes the exception where it passes and never catches it.</summary>
    public bool EndBody(Exception exception)
    {
        EndBody(exception is OperationCanceledException ? BodyEnd.Canceled : BodyEnd.Faulted, exception);
        return false;
    }

    /// <summary>The response body, or the request itself, is over. Only the first call counts.</summary>
    public void EndBody(BodyEnd end, Exception? exception)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0)
        {
            return;
        }

        try
        {
            End = end == BodyEnd.Disposed && ReaderGone.IsCancellationRequested ? BodyEnd.Canceled : end;
            Exception ??= exception;
            EndTimestamp = Clock.GetTimestamp();
            Call.Capture.AttemptEnded(this);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Call.Capture.Failed(e);
        }
    }

    /// <summary><c>HttpClient.Timeout</c> nests a <see cref="TimeoutException"/>; the package says that <c>NetworkTimeout</c> was exceeded.</summary>
    private static bool IsTimeoutException(Exception? exception) =>
        exception is TimeoutException
        || exception?.InnerException is TimeoutException
        || (exception is TaskCanceledException && exception.Message.Contains("timeout", StringComparison.OrdinalIgnoreCase));

    /// <summary>A capture for a body that is sent as the body of this request was.</summary>
    public BodyCapture NewRequestBody()
    {
        var filter = MultipartText.BoundaryOf(RequestContentType) is { } boundary ? new MultipartFilter(boundary, Call.Capture.MaxFileBytes) : null;
        return new BodyCapture(Call.Capture.Budget, Call.Capture.MaxCaptureBytes, keepsMarks: false, filter);
    }

    /// <summary>
    /// The exact clock waits for all that the processor has under way, and so for the program's own memory: 90 ns, which a stream that comes in a burst
    /// would pay hundreds of times. Further reads in a tick of the coarse clock, some milliseconds on Linux, have the time of the last one before them.
    /// The coarse clock is not free either. As long as it stands still, it is asked ever more seldom for bytes that had come before they were read.
    /// </summary>
    private long TimeOfRead(bool hadCome)
    {
        if (!IsEventStream || !OperatingSystem.IsLinux() || !ReferenceEquals(Clock, TimeProvider.System))
        {
            return Clock.GetTimestamp();
        }

        if (hadCome && _untimed < _mayBeUntimed)
        {
            _untimed++;
            return _time;
        }

        _untimed = 0;

#pragma warning disable RS0030 // No TimeProvider has a coarse clock, and only the system's own comes here.
        var tick = Environment.TickCount64;
#pragma warning restore RS0030
        if (tick != _tick)
        {
            _tick = tick;
            _readsInTick = 0;
            _mayBeUntimed = 0;
        }

        if (++_readsInTick <= TimedReads)
        {
            return _time = Clock.GetTimestamp();
        }

        _mayBeUntimed = Math.Min(_mayBeUntimed + 1, MostUntimed);
        return _time;
    }

    private static string? Header(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    private static string? Header(PipelineResponse response, string name) => response.Headers.TryGetValue(name, out var value) ? value : null;

    private static bool IsEvents(string? contentType) => contentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) ?? false;

    private static TimeSpan? ReadRetryAfter(string? inMilliseconds, string? inSeconds)
    {
        if (double.TryParse(inMilliseconds, CultureInfo.InvariantCulture, out var milliseconds))
        {
            return TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, int.MaxValue));
        }

        return double.TryParse(inSeconds, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, int.MaxValue))
            : null;
    }

    private static bool IsRateLimit(string name) => name.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase);
}
