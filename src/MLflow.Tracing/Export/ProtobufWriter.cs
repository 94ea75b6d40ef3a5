using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Numerics;
using System.Text;

namespace MLflow;

/// <summary>
/// Writes protobuf into one pooled buffer. The length of a nested message is not known before it is written, so four bytes are kept for it
/// and filled in afterwards (a varint may be padded). As a buffer writer it takes the content of a message from somebody else.
/// </summary>
internal sealed class ProtobufWriter : IBufferWriter<byte>, IDisposable
{
    private const int VarintType = 0;
    private const int Fixed64Type = 1;
    private const int LengthDelimitedType = 2;
    private const int LengthBytes = 4;

    private byte[] _buffer;

    /// <param name="capacity">Bytes for which there is room at first.</param>
    public ProtobufWriter(int capacity = 16 << 10) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    public int Position { get; private set; }

    public int Capacity => _buffer.Length;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, Position);

    public void Clear() => Position = 0;

    /// <summary>Forgets what was written behind a position.</summary>
    public void Rewind(int position) => Position = position;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        Position = 0;
    }

    public void Advance(int count) => Position += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(Position);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Leaves room for bytes that are filled in by <see cref="At"/>.</summary>
    /// <returns>Where the room begins.</returns>
    public int Skip(int bytes)
    {
        Ensure(bytes);
        Position += bytes;
        return Position - bytes;
    }

    public Span<byte> At(int position) => _buffer.AsSpan(position, Position - position);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(Position));
        Position += bytes.Length;
    }

    /// <summary>Writes the characters of ASCII text.</summary>
    public void WriteText(string ascii)
    {
        Ensure(ascii.Length);
        Position += Encoding.ASCII.GetBytes(ascii, _buffer.AsSpan(Position));
    }

    /// <summary>Writes the number's decimal digits.</summary>
    public void WriteDigits(long number)
    {
        Ensure(20);
        Utf8Formatter.TryFormat(number, _buffer.AsSpan(Position), out var written);
        Position += written;
    }

    /// <summary>Begins a nested message; <see cref="EndMessage"/> takes what is returned.</summary>
    public int BeginMessage(int field)
    {
        WriteTag(field, LengthDelimitedType);
        Ensure(LengthBytes);
        Position += LengthBytes;
        return Position;
    }

    public void EndMessage(int start)
    {
        // 28 bits: the exporter's batches stay far below 256 MiB.
        var length = (uint)(Position - start);
        var padded = 0x00808080u | (length & 0x7F) | ((length << 1) & 0x7F00) | ((length << 2) & 0x7F0000) | (checked((byte)(length >> 21)) * 0x1000000u);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(start - LengthBytes), padded);
    }

    public void WriteString(int field, string value) => WriteString(field, value, Encoding.UTF8.GetByteCount(value));

    /// <param name="field">The field's number.</param>
    /// <param name="value">The text.</param>
    /// <param name="size">Bytes of it in UTF-8.</param>
    public void WriteString(int field, string value, int size)
    {
        WriteHeader(field, size);
        Ensure(size);
        Position += Encoding.UTF8.GetBytes(value, _buffer.AsSpan(Position, size));
    }

    /// <summary>Begins a field of known length, which is written next. Unlike <see cref="BeginMessage"/> it wastes no bytes.</summary>
    public void WriteHeader(int field, int length)
    {
        WriteTag(field, LengthDelimitedType);
        WriteVarint((ulong)length);
    }

    /// <summary>Bytes of a field with its number, which is less than 16, and its length.</summary>
    public static int SizeOf(int length) => 1 + VarintSize((ulong)length) + length;

    /// <summary>Bytes of a number.</summary>
    public static int VarintSize(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    public void WriteBytes(int field, ReadOnlySpan<byte> value)
    {
        WriteHeader(field, value.Length);
        Write(value);
    }

    public void WriteVarint(int field, ulong value)
    {
        WriteTag(field, VarintType);
        WriteVarint(value);
    }

    public void WriteFixed64(int field, ulong value)
    {
        WriteTag(field, Fixed64Type);
        Ensure(8);
        BinaryPrimitives.WriteUInt64LittleEndian(_buffer.AsSpan(Position), value);
        Position += 8;
    }

    private void WriteTag(int field, int wireType) => WriteVarint((ulong)((field << 3) | wireType));

    private void WriteVarint(ulong value)
    {
        var (buffer, at) = (_buffer, Position);
        if (value < 0x80 && at < buffer.Length)
        {
            // All tags and most lengths.
            buffer[at] = (byte)value;
            Position = at + 1;
            return;
        }

        WriteLongVarint(value);
    }

    private void WriteLongVarint(ulong value)
    {
        Ensure(10);
        while (value >= 0x80)
        {
            _buffer[Position++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _buffer[Position++] = (byte)value;
    }

    private void Ensure(int size)
    {
        if (_buffer.Length - Position < size)
        {
            Grow(size);
        }
    }

    private void Grow(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, Position + size));
        _buffer.AsSpan(0, Position).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
