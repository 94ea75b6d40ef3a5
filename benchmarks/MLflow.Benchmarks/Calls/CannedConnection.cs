using System.Globalization;
using System.Text;
using System.Threading.Tasks.Sources;

namespace MLflow.Benchmarks.Calls;

/// <summary>
/// A connection that ends in memory: when a request has been written whole, the answer can be read, one piece a read.
/// Without sockets and a second process, a microsecond of ours is not lost in the noise of the network.
/// </summary>
internal sealed class CannedConnection : Stream, IValueTaskSource<int>
{
    private readonly IReadOnlyList<byte[]> _answer;
    private readonly Lock _lock = new();
    private readonly MemoryStream _head = new();
    private ManualResetValueTaskSourceCore<int> _waiting;
    private Memory<byte> _target;
    private bool _isWaiting;
    private int _requests;
    private int _bodyLeft = -1;
    private int _piece;
    private int _offset;
    private bool _answering;

    public CannedConnection(IReadOnlyList<byte[]> answer) => _answer = answer;

    /// <summary>Request line and headers of the last request.</summary>
    public string LastHead { get; private set; } = "";

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return ValueTask.FromResult(0);
        }

        lock (_lock)
        {
            if (_answering || _requests > 0)
            {
                return ValueTask.FromResult(Take(buffer.Span));
            }

            _target = buffer;
            _isWaiting = true;
            _waiting.Reset();
            return new ValueTask<int>(this, _waiting.Version);
        }
    }

    int IValueTaskSource<int>.GetResult(short token) => _waiting.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _waiting.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiting.OnCompleted(continuation, state, token, flags);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (_bodyLeft < 0)
            {
                buffer = WriteHead(buffer);
            }
            else
            {
                var taken = Math.Min(_bodyLeft, buffer.Length);
                _bodyLeft -= taken;
                buffer = buffer[taken..];
            }

            if (_bodyLeft == 0)
            {
                _bodyLeft = -1;
                RequestCame();
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Write(buffer.AsSpan(offset, count));
        return Task.CompletedTask;
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _head.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>A client reads ahead on a connection that waits: it goes on within the write, and so the call on its own thread.</summary>
    private void RequestCame()
    {
        int read;
        lock (_lock)
        {
            _requests++;
            if (!_isWaiting)
            {
                return;
            }

            _isWaiting = false;
            read = Take(_target.Span);
        }

        _waiting.SetResult(read);
    }

    private ReadOnlySpan<byte> WriteHead(ReadOnlySpan<byte> buffer)
    {
        // The client writes the head in one piece, so its end is looked for in the piece alone.
        var end = buffer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            _head.Write(buffer);
            return [];
        }

        _head.Write(buffer[..end]);
        var head = Encoding.ASCII.GetString(_head.GetBuffer(), 0, (int)_head.Length);
        _head.SetLength(0);
        LastHead = head;
        _bodyLeft = ContentLength(head);
        return buffer[(end + 4)..];
    }

    private static int ContentLength(string head)
    {
        const string name = "\r\nContent-Length: ";
        var start = head.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        if (start < 0)
        {
            return 0;
        }

        start += name.Length;
        var end = head.IndexOf('\r', start);
        return int.Parse(end < 0 ? head.AsSpan(start) : head.AsSpan(start, end - start), CultureInfo.InvariantCulture);
    }

    private int Take(Span<byte> buffer)
    {
        if (!_answering)
        {
            _requests--;
            _answering = true;
        }

        var piece = _answer[_piece].AsSpan(_offset);
        var taken = Math.Min(piece.Length, buffer.Length);
        piece[..taken].CopyTo(buffer);
        _offset += taken;
        if (_offset == _answer[_piece].Length)
        {
            _offset = 0;
            if (++_piece == _answer.Count)
            {
                _piece = 0;
                _answering = false;
            }
        }

        return taken;
    }
}
