namespace MLflow.Cli.Traces.Import;

/// <summary>Reads lines as bytes, one at a time in memory.</summary>
internal sealed class LineReader : ITraceLines
{
    /// <summary>A trace may hold pictures and long streams; above this a line is refused.</summary>
    private const int MaxLineBytes = TrackingApi.MaxAnswerBytes;

    private readonly Stream _stream;
    private byte[] _buffer = new byte[64 << 10];
    private int _start;
    private int _end;

    public LineReader(Stream stream) => _stream = stream;

    public string Piece => "line";

    /// <returns>The line with its end, valid until the next call; null at the end of the file.</returns>
    /// <exception cref="FormatException">The line is too long.</exception>
    public async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(CancellationToken cancellationToken)
    {
        var searched = 0;
        while (true)
        {
            var at = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (at >= 0)
            {
                return Take(searched + at + 1);
            }

            searched = _end - _start;
            if (searched > MaxLineBytes)
            {
                throw new FormatException($"it is longer than {MaxLineBytes >> 20} MiB");
            }

            MakeRoom();
            var read = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            if (read == 0)
            {
                // Not by a conditional: its null would be converted to a memory of no bytes.
                if (searched == 0)
                {
                    return null;
                }

                return Take(searched);
            }

            _end += read;
        }
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        var line = _buffer.AsMemory(_start, length);
        _start += length;
        return line;
    }

    private void MakeRoom()
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        var kept = _end - _start;
        var target = kept > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, kept).CopyTo(target);
        (_buffer, _start, _end) = (target, 0, kept);
    }
}
