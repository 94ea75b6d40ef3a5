using System.Net;

namespace MLflow;

/// <summary>
/// Copies a request body while it is sent. The body itself is serialised by the original content, whose headers and length it shows: reading it
/// beforehand would break bodies that can be read only once.
/// </summary>
internal sealed class TeeRequestContent : HttpContent
{
    private readonly HttpContent _inner;
    private readonly LlmAttempt _attempt;

    public TeeRequestContent(HttpContent inner, LlmAttempt attempt)
    {
        _inner = inner;
        _attempt = attempt;

        // Asking for the length makes the original compute it, as sending would; then it is among the headers.
        _ = inner.Headers.ContentLength;
        ContentHeaders.Share(inner, this);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _attempt.RequestSerialized(isAsync: true);
        return _inner.CopyToAsync(new TeeWriteStream(stream, _attempt.RequestBody, _attempt.Clock), context, cancellationToken);
    }

    protected override void SerializeToStream(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _attempt.RequestSerialized(isAsync: false);
        _inner.CopyTo(new TeeWriteStream(stream, _attempt.RequestBody, _attempt.Clock), context, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        var known = _inner.Headers.ContentLength;
        length = known.GetValueOrDefault();
        return known.HasValue;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
