namespace MLflow;

/// <summary>Calls that pass through a gateway. It makes their tries itself and says when they are over: nothing is waited for, and nobody else sees them.</summary>
internal sealed partial class HttpCapture
{
    /// <summary>A call is about to be passed on. Null when it is not traced. Its tries are added by <see cref="Try"/>, and <see cref="Settle"/> ends it, which must be called.</summary>
    /// <param name="operation">What is asked for.</param>
    public LlmCall? Pass(ApiOperation operation)
    {
        if (Volatile.Read(ref _isDisposed) != 0 || Begin(operation, new object(), Clock.GetTimestamp()) is not { } call)
        {
            return null;
        }

        call.IsPassed = true;
        call.Hold();
        return call;
    }

    /// <summary>A try of a passed call.</summary>
    /// <param name="call">The call.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="body">Its body, which is there as a whole.</param>
    public static LlmAttempt? Try(LlmCall call, HttpRequestMessage request, ReadOnlySpan<byte> body)
    {
        var timestamp = call.Capture.Clock.GetTimestamp();
        var attempt = call.AddAttempt(request, timestamp);
        attempt?.RequestBody.Append(body, timestamp);
        return attempt;
    }

    /// <summary>The answer of a try that is passed on. Its body is copied while it is read.</summary>
    /// <param name="attempt">The try.</param>
    /// <param name="response">Its answer.</param>
    /// <param name="readerGone">Says that whoever it is passed on to has gone.</param>
    public static void Answer(LlmAttempt attempt, HttpResponseMessage response, CancellationToken readerGone)
    {
        attempt.ReaderGone = readerGone;
        attempt.SetResponse(response);
        attempt.KeepLittle();
        response.Content = new TeeResponseContent(response.Content, attempt);
    }

    /// <summary>The call is over, and recorded as far as it came.</summary>
    /// <param name="call">The call.</param>
    /// <param name="exception">Why it failed, where no try has said so; null for none.</param>
    public void Settle(LlmCall call, Exception? exception)
    {
        call.Release();
        var last = call.LastOrFirst();
        if (exception is null)
        {
            last.EndBody(BodyEnd.Disposed, null);
        }
        else
        {
            last.EndBody(exception);
        }

        Close(call);
    }
}
