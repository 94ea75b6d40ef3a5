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
    private bool _isRead;

    public TeeResponseContent(HttpContent inner, LlmAttempt attempt)
    {
        _inner = inner;
        _attempt = attempt;
        HeaderCopy.Copy(inner.Headers, Headers);
    }

    /// <summary>The program dropped the response without reading it.</summary>
    ~TeeResponseContent()
    {
        if (!_isRead)
        {
            _attempt.EndBody(BodyEnd.Finalized, null);
        }
    }

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => Tee(_inner.ReadAsStream(cancellationToken));

    protected override Task<Stream> CreateContentReadStreamAsync() => CreateContentReadStreamAsync(CancellationToken.None);

    protected override async Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) =>
        Tee(await _inner.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _isRead = true;
        try
        {
            await _inner.CopyToAsync(new TeeWriteStream(stream, _attempt.ResponseBody, _attempt.Clock), context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        _attempt.EndBody(BodyEnd.Completed, null);
    }

    protected override void SerializeToStream(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _isRead = true;
        try
        {
            _inner.CopyTo(new TeeWriteStream(stream, _attempt.ResponseBody, _attempt.Clock), context, cancellationToken);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        _attempt.EndBody(BodyEnd.Completed, null);
    }

    protected override bool TryComputeLength(out long length)
    {
        // A length that the server sent is among the copied headers; otherwise nobody knows it before the end.
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _attempt.EndBody(BodyEnd.Disposed, null);
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private TeeReadStream Tee(Stream inner)
    {
        _isRead = true;
#pragma warning disable CA1816 // From here on the stream's own finalizer tells the end.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        return new TeeReadStream(inner, _attempt);
    }
}
