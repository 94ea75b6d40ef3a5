using System.ClientModel.Primitives;

namespace MLflow;

/// <summary>What pipeline policies hand over. The HTTP layer adds its requests to their calls, where it sees any.</summary>
internal sealed partial class HttpCapture
{
    // The call that a pipeline policy has around the requests of this flow. The policy takes it back before its caller goes on.
    private readonly AsyncLocal<LlmCall?> _held = new();

    /// <summary>The call that a pipeline policy of this flow has begun, or null.</summary>
    public LlmCall? Held => _held.Value;

    /// <summary>A pipeline policy is about to make a call. Null when it is none that is traced, or a policy further out has it already.</summary>
    public LlmCall? Hold(PipelineRequest request, bool isAsync)
    {
        if (Volatile.Read(ref _isDisposed) != 0 || request.Uri is null)
        {
            return null;
        }

        var seen = new HttpRequestMessage(new HttpMethod(request.Method), request.Uri);
        var content = request.Content;
        if (HeldCall(seen, content) is not null || _filter.Match(seen, isOpenAI: true) is not { } operation)
        {
            return null;
        }

        CopyHeaders(request, seen);
        var key = (object?)content ?? seen;
        if ((Resume(seen, key) ?? Begin(operation, key, Clock.GetTimestamp())) is not { } call)
        {
            return null;
        }

        call.Hold();
        call.PolicyRequest = seen;
        if (content is not null)
        {
            call.SentContent = new TeeBinaryContent(content, call, isAsync);
            request.Content = call.SentContent;
        }

        _held.Value = call;
        return call;
    }

    /// <summary>All tries of a policy's call are made; what is left is the reading of the answer.</summary>
    public void Release(LlmCall call, LlmCall? outer, PipelineRequest request, Exception? exception)
    {
        _held.Value = outer;

        // The call itself no longer knows it where it was closed meanwhile, as when the program ends.
        if (request.Content is TeeBinaryContent sent && ReferenceEquals(sent.Call, call))
        {
            request.Content = sent.Inner;
        }

        if (exception is not null)
        {
            if (call.LastOrNull is not { } last)
            {
                // It failed before any try, for example because its token was cancelled already.
                Tried(last = call.NewAttempt(call.StartTimestamp), null, exception);
            }

            last.ThrownForResponse ??= exception;
        }

        if (call.Release())
        {
            AttemptEnded(call.Last);
        }
    }

    /// <summary>A policy has seen one try and its end. Where HttpClient's diagnostics saw it too, theirs counts.</summary>
    public static void Tried(LlmAttempt attempt, PipelineResponse? response, Exception? exception)
    {
        var call = attempt.Call;
        call.PolicyAttempt = null;
        if (!call.TryAdd(attempt))
        {
            attempt.RequestBody.Discard();
            return;
        }

        if (attempt.RequestBody.TotalBytes == 0)
        {
            call.SentContent?.CopyUnsent(attempt);
        }

        if (exception is not null || response is null)
        {
            attempt.EndBody(exception is OperationCanceledException ? BodyEnd.Canceled : BodyEnd.Faulted, exception);
            return;
        }

        attempt.SetResponse(response);
        if (IsBuffered(response, out var body))
        {
            attempt.BodyRead(body.ToMemory().Span, isEnd: true);
        }
        else if (response.ContentStream is { } stream)
        {
            response.ContentStream = new TeeReadStream(stream, attempt, new AnswerGuard(attempt));
        }
        else
        {
            attempt.EndBody(BodyEnd.Completed, null);
        }
    }

    /// <summary>What is looked at of a request's headers.</summary>
    private static void CopyHeaders(PipelineRequest from, HttpRequestMessage to)
    {
        if (from.Content is not null && from.Headers.TryGetValue("Content-Type", out var type))
        {
            to.Content = new ByteArrayContent([]);
            to.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        foreach (var name in (ReadOnlySpan<string>)["Accept", LastEventId])
        {
            if (from.Headers.TryGetValue(name, out var value))
            {
                to.Headers.TryAddWithoutValidation(name, value);
            }
        }
    }

    private static bool IsBuffered(PipelineResponse response, out BinaryData body)
    {
        try
        {
            body = response.Content;
            return true;
        }
        catch (InvalidOperationException)
        {
            // The way to ask whether a response was read as a whole.
            body = BinaryData.Empty;
            return false;
        }
    }

    /// <summary>The policy's call that a request is a try of: their bodies are the same, or, where the body is not known, their addresses.</summary>
    private LlmCall? HeldCall(HttpRequestMessage request, object? body)
    {
        if (_held.Value is not { } call)
        {
            return null;
        }

        var isSame = body is null ? request.RequestUri is { } address && address == call.PolicyRequest?.RequestUri : ReferenceEquals(call.SentContent, body) || ReferenceEquals(call.RetryKey, body);
        return isSame ? call : null;
    }
}
