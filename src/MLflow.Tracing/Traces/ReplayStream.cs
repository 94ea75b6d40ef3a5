namespace MLflow;

/// <summary>Gives the pieces of an answer, each not before its time.</summary>
internal sealed class ReplayStream : Stream
{
    private readonly IReadOnlyList<(TimeSpan Time, ReadOnlyMemory<byte> Bytes)> _pieces;
    private readonly string? _brokenBy;
    private readonly TimeProvider? _timeProvider;
    private readonly long _start;
    private int _index;
    private int _offset;

    /// <param name="pieces">The pieces and their times from the beginning of the request.</param>
    /// <param name="brokenBy">How the connection broke behind the last of them; null where it did not.</param>
    /// <param name="timeProvider">The clock; null to give all at once.</param>
    /// <param name="start">Timestamp of the beginning of the request.</param>
    public ReplayStream(IReadOnlyList<(TimeSpan Time, ReadOnlyMemory<byte> Bytes)> pieces, string? brokenBy, TimeProvider? timeProvider, long start)
    {
        _pieces = pieces;
        _brokenBy = brokenBy;
        _timeProvider = timeProvider;
        _start = start;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (Wait() is { } wait)
        {
            Task.Delay(wait, _timeProvider!).GetAwaiter().GetResult();
        }

        return Take(buffer);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Wait() is { } wait)
        {
            await Task.Delay(wait, _timeProvider!, cancellationToken).ConfigureAwait(false);
        }

        return Take(buffer.Span);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Time until the next piece; null when it is there.</summary>
    private TimeSpan? Wait()
    {
        if (_timeProvider is null || _offset > 0 || _index >= _pieces.Count)
        {
            return null;
        }

        var wait = _pieces[_index].Time - _timeProvider.GetElapsedTime(_start);
        return wait > TimeSpan.Zero ? wait : null;
    }

    private int Take(Span<byte> buffer)
    {
        while (_index < _pieces.Count && _offset == _pieces[_index].Bytes.Length)
        {
            _index++;
            _offset = 0;
        }

        if (_index == _pieces.Count)
        {
            return _brokenBy is null ? 0 : throw new HttpIOException(HttpRequestError.ResponseEnded, _brokenBy);
        }

        var rest = _pieces[_index].Bytes.Span[_offset..];
        var taken = Math.Min(rest.Length, buffer.Length);
        rest[..taken].CopyTo(buffer);
        _offset += taken;
        if (_offset == _pieces[_index].Bytes.Length)
        {
            _index++;
            _offset = 0;
        }

        return taken;
    }
}
