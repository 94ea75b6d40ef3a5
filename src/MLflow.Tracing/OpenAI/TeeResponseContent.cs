using System.Net;

namespace MLflow;

/// <summary>
/// Copies a response body while the program reads it, as fast and as far as the program reads. The OpenAI package keeps the stream and drops the content,
/// so the end of the body is told by the stream.
/// </summary>
internal sealed class TeeResponseContent : HttpContent
{
    private readonly HttpContent _inner;
    private readonly LlmAttempt _attempt;
    private AnswerGuard? _guard;

    public TeeResponseContent(HttpContent inner, LlmAttempt attempt)
    {
        _inner = inner;
        _attempt = attempt;
        _guard = new AnswerGuard(attempt);
        ContentHeaders.Move(inner, this);
    }

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => Tee(_inner.ReadAsStream(cancellationToken));

    protected override Task<Stream> CreateContentReadStreamAsync() => CreateContentReadStreamAsync(CancellationToken.None);

    protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
        Tee(await _inner.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        try
        {
            await _inner.CopyToAsync(new TeeWriteStream(stream, _attempt.ResponseBody, _attempt.Clock), context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        End(BodyEnd.Completed);
    }

    protected override void SerializeToStream(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        try
        {
            _inner.CopyTo(new TeeWriteStream(stream, _attempt.ResponseBody, _attempt.Clock), context, cancellationToken);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        End(BodyEnd.Completed);
    }

    protected override bool TryComputeLength(out long length)
    {
        // A length that the server sent is among the headers; otherwise nobody knows it before the end.
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            End(BodyEnd.Disposed);
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>From here on the stream tells the end: the program may keep the response and drop the stream.</summary>
    private TeeReadStream Tee(Stream inner)
    {
        var guard = _guard ?? new AnswerGuard(_attempt);
        _guard = null;
        return new TeeReadStream(inner, _attempt, guard);
    }

    private void End(BodyEnd end)
    {
        _attempt.EndBody(end, null);
        _guard?.Dispose();
    }
}
