using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>Passes reads on to another stream and copies what was read. Never reads by itself.</summary>
internal sealed class TeeReadStream : Stream
{
    private readonly Stream _inner;
    private readonly LlmAttempt _attempt;
    private readonly AnswerGuard _guard;
    private int _isReading;

    public TeeReadStream(Stream inner, LlmAttempt attempt, AnswerGuard guard)
    {
        _inner = inner;
        _attempt = attempt;
        _guard = guard;
    }

    public override bool CanRead => _inner.CanRead;

    public override bool CanSeek => _inner.CanSeek;

    public override bool CanWrite => false;

    public override bool CanTimeout => _inner.CanTimeout;

    public override int ReadTimeout
    {
        get => _inner.ReadTimeout;
        set => _inner.ReadTimeout = value;
    }

    public override long Length => _inner.Length;

    public override long Position
    {
        get => _inner.Position;
        set => _inner.Position = value;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        int read;
        Volatile.Write(ref _isReading, 1);
        try
        {
            read = _inner.Read(buffer, offset, count);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        Volatile.Write(ref _isReading, 0);

        _attempt.BodyRead(buffer.AsSpan(offset, read), isEnd: read == 0 && count > 0);
        return read;
    }

    public override int Read(Span<byte> buffer)
    {
        int read;
        Volatile.Write(ref _isReading, 1);
        try
        {
            read = _inner.Read(buffer);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        Volatile.Write(ref _isReading, 0);

        _attempt.BodyRead(buffer[..read], isEnd: read == 0 && !buffer.IsEmpty);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Task<int> pending;
        try
        {
            pending = _inner.ReadAsync(buffer, offset, count, cancellationToken);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        if (!pending.IsCompletedSuccessfully)
        {
            return AwaitAsync(new ValueTask<int>(pending), buffer.AsMemory(offset, count)).AsTask();
        }

        var read = pending.Result;
        _attempt.BodyRead(buffer.AsSpan(offset, read), isEnd: read == 0 && count > 0, hadCome: true);
        return pending;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ValueTask<int> pending;
        try
        {
            pending = _inner.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            // HttpClient throws at once where what is wrong is in its buffer already.
            throw;
        }

        if (!pending.IsCompletedSuccessfully)
        {
            return AwaitAsync(pending, buffer);
        }

        var read = pending.Result;

        // A read into an empty buffer is legal and says nothing about the end.
        _attempt.BodyRead(buffer.Span[..read], isEnd: read == 0 && !buffer.IsEmpty, hadCome: true);
        return new ValueTask<int>(read);
    }

    public override void Flush() => _inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => _inner.Seek(offset, origin);

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            EndByDispose();
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        EndByDispose();
        await _inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Whoever reads does not close at the same time: the package's timer does when its <c>NetworkTimeout</c> is over.</summary>
    private void EndByDispose()
    {
        _attempt.EndBody(Volatile.Read(ref _isReading) != 0 ? BodyEnd.DisposedInRead : BodyEnd.Disposed, null);
        _guard.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> AwaitAsync(ValueTask<int> pending, Memory<byte> buffer)
    {
        int read;
        Volatile.Write(ref _isReading, 1);
        try
        {
            read = await pending.ConfigureAwait(false);
        }
        catch (Exception e) when (_attempt.EndBody(e))
        {
            throw;
        }

        Volatile.Write(ref _isReading, 0);

        _attempt.BodyRead(buffer.Span[..read], isEnd: read == 0 && !buffer.IsEmpty);
        return read;
    }
}
