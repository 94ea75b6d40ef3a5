namespace MLflow;

/// <summary>Passes writes on to another stream and copies them.</summary>
internal sealed class TeeWriteStream : Stream
{
    private readonly Stream _inner;
    private readonly BodyCapture _capture;
    private readonly TimeProvider _clock;

    public TeeWriteStream(Stream inner, BodyCapture capture, TimeProvider clock)
    {
        _inner = inner;
        _capture = capture;
        _clock = clock;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => _inner.CanWrite;

    public override bool CanTimeout => _inner.CanTimeout;

    public override int WriteTimeout
    {
        get => _inner.WriteTimeout;
        set => _inner.WriteTimeout = value;
    }

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        _inner.Write(buffer, offset, count);
        Copy(buffer.AsSpan(offset, count));
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _inner.Write(buffer);
        Copy(buffer);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        // Copied first: the owner may reuse the buffer as soon as the write has completed.
        Copy(buffer.AsSpan(offset, count));
        return _inner.WriteAsync(buffer, offset, count, cancellationToken);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Copy(buffer.Span);
        return _inner.WriteAsync(buffer, cancellationToken);
    }

    public override void Flush() => _inner.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => _inner.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void Copy(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _capture.Append(bytes, _clock.GetTimestamp());
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A failure of ours must not reach the call.
        }
    }
}
