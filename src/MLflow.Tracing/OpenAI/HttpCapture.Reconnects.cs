using System.ClientModel;

namespace MLflow;

/// <summary>Requests that are tries of a call though no object ties them to it: those that go on with a broken stream, and those without a body.</summary>
internal sealed partial class HttpCapture
{
    /// <summary>Most tries of one call. A client may reconnect for hours while a server is away; what follows is a call of its own.</summary>
    public const int MaxAttempts = 100;

    private const string LastEventId = "Last-Event-ID";

    // The call whose stream broke in this flow. Weak: the flow may go on for long.
    private readonly AsyncLocal<WeakReference<LlmCall>?> _broken = new();

    /// <summary>An answer is over. True when it is a stream that a further request may go on with; then its call waits.</summary>
    private bool TryWaitForRest(LlmAttempt attempt)
    {
        var call = attempt.Call;
        if (BrokenStream.Of(attempt) is not { } broken)
        {
            return false;
        }

        call.Break(broken);
        _pending.Park(call, broken.Wait);

        // Reaches the reader where it reads synchronously; other readers are found by the exception that they get.
        _broken.Value = new WeakReference<LlmCall>(call);
        return true;
    }

    /// <summary>An exception is thrown once more in each flow that it passes; one of them reads the stream, and reconnects.</summary>
    private void NoteFlow(Exception exception)
    {
        if (_pending.Where(call => ReferenceEquals(call.Broken?.Attempt.Exception, exception)) is [var call, ..])
        {
            _broken.Value = new WeakReference<LlmCall>(call);
        }
    }

    /// <summary>The call that a request goes on with, because it asks the same and names the last event that the call's stream brought, or null.</summary>
    /// <param name="request">The request.</param>
    /// <param name="key">What is the same on each of its tries.</param>
    private LlmCall? Resume(HttpRequestMessage request, object key)
    {
        var id = request.Headers.NonValidated.TryGetValues(LastEventId, out var values) ? values.ToString() : null;
        if (id is null && request.Method != HttpMethod.Get)
        {
            return null;
        }

        LlmCall? ofFlow = null;
        _broken.Value?.TryGetTarget(out ofFlow);
        var current = _tracer.Current;

        // Two equal streams may have broken at the same event: the reader's own is the one, else the one that broke first.
        foreach (var call in _pending.Where(call => call.Broken is not null).OrderByDescending(call => ReferenceEquals(call, ofFlow)))
        {
            var isOfFlow = ReferenceEquals(call, ofFlow);
            if (call.Attempts.Count < MaxAttempts && IsNamed(call.Broken!, id, isOfFlow)
                && (isOfFlow || ReferenceEquals(call.Parent, current))
                && call.Broken!.Attempt.Request is { } first && IsSame(first, request) && HasSameBody(call, request, key, isOfFlow)
                && _pending.TryTake(call))
            {
                call.Resume(key);
                return call;
            }
        }

        return null;
    }

    /// <summary>
    /// The call that a request without a body is a further try of, or null. The package makes a new message for each try, and where there is no body
    /// nothing in it is the same object: its address and the span above it tell. A program that asks again by itself has seen an exception before.
    /// </summary>
    private LlmCall? Repeat(HttpRequestMessage request)
    {
        var current = _tracer.Current;
        var waiting = _pending.Where(call => ReferenceEquals(call.Parent, current) && call.RetryKey is HttpRequestMessage { Content: null } first && IsSame(first, request)
            && call.Last is { ThrownForResponse: null, Status: >= 400, Number: < 4 } last && PendingCalls.IsRetried(last)
            && CallFilter.IsOfPackage(first) && CallFilter.IsOfPackage(request));
        foreach (var call in waiting)
        {
            if (_pending.TryTake(call))
            {
                call.Repeat(request);
                return call;
            }
        }

        return null;
    }

    /// <summary>The last id may be among the bytes that were not kept. Where a stream had none, only its own reader is known to start again.</summary>
    private static bool IsNamed(BrokenStream broken, string? id, bool isOfFlow) =>
        id is null ? broken.LastEventId is null && isOfFlow : broken.LastEventId == id || broken.Attempt.ResponseBody.IsCut;

    private static bool IsSame(HttpRequestMessage first, HttpRequestMessage second) => first.Method == second.Method && first.RequestUri == second.RequestUri;

    /// <summary>A body that cannot be read beforehand is taken to be the same only when the stream's own reader sends it.</summary>
    private static bool HasSameBody(LlmCall call, HttpRequestMessage request, object key, bool isOfFlow)
    {
        var sent = call.Attempts.LastOrDefault(attempt => attempt.RequestBody.TotalBytes > 0);
        if (request.Content is null && key is not BinaryContent)
        {
            return sent is null;
        }

        if (sent is null)
        {
            return false;
        }

        var body = sent.NewRequestBody();
        try
        {
            return TryCopy(key, request.Content, body, sent.Clock) ? body.IsSameAs(sent.RequestBody) : isOfFlow;
        }
        finally
        {
            body.Discard();
        }
    }

    /// <param name="key">The package's content, where it sends.</param>
    /// <param name="content">The content of another client.</param>
    /// <param name="copy">Takes the bytes.</param>
    /// <param name="clock">The tracer's clock.</param>
    private static bool TryCopy(object key, HttpContent? content, BodyCapture copy, TimeProvider clock)
    {
        if (key is not BinaryContent package)
        {
            return content is not null && CopyUnsent(content, copy, clock);
        }

        if (!package.TryComputeLength(out _))
        {
            return false;
        }

        package.WriteTo(new TeeWriteStream(Stream.Null, copy, clock), CancellationToken.None);
        return true;
    }
}
