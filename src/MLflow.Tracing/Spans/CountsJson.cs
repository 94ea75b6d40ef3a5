using System.Buffers.Text;

namespace MLflow;

/// <summary>Writes a JSON object of counts. Its names need no escaping.</summary>
internal ref struct CountsJson
{
    /// <summary>Room for <c>"name":</c> and the longest number.</summary>
    private const int LongestPair = 64;

    private Span<byte> _buffer;
    private int _length;

    /// <param name="buffer">Room to begin with.</param>
    public CountsJson(Span<byte> buffer) => _buffer = buffer;

    /// <param name="name">Up to 40 ASCII characters.</param>
    /// <param name="count">Null writes nothing.</param>
    public void Add(ReadOnlySpan<byte> name, long? count)
    {
        if (count is not { } number)
        {
            return;
        }

        if (_buffer.Length - _length < LongestPair)
        {
            var larger = new byte[(_buffer.Length * 2) + LongestPair];
            _buffer[.._length].CopyTo(larger);
            _buffer = larger;
        }

        _buffer[_length] = _length == 0 ? (byte)'{' : (byte)',';
        _length++;
        _buffer[_length++] = (byte)'"';
        name.CopyTo(_buffer[_length..]);
        _length += name.Length;
        "\":"u8.CopyTo(_buffer[_length..]);
        _length += 2;
        Utf8Formatter.TryFormat(number, _buffer[_length..], out var digits);
        _length += digits;
    }

    /// <returns>The object; <c>{}</c> where nothing was added.</returns>
    public readonly byte[] ToArray() => _length == 0 ? "{}"u8.ToArray() : [.. _buffer[.._length], (byte)'}'];
}
