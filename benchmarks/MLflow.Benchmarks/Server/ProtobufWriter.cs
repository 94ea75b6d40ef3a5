using System.Buffers.Binary;
using System.Text;

namespace MLflow.Benchmarks.Server;

/// <summary>Writes protobuf in one pass: the length of a nested message gets four bytes, which are filled in at its end.</summary>
internal sealed class ProtobufWriter
{
    private const int LengthBytes = 4;
    private const int MaxLength = 1 << (7 * LengthBytes);

    private byte[] _bytes = new byte[1 << 16];
    private int _count;

    public int Count => _count;

    public byte[] ToArray() => _bytes.AsSpan(0, _count).ToArray();

    public void Clear() => _count = 0;

    /// <summary>Begins a nested message; <see cref="End"/> takes what this returns.</summary>
    public int Begin(int field)
    {
        Tag(field, 2);
        Room(LengthBytes);
        _count += LengthBytes;
        return _count;
    }

    public void End(int begin)
    {
        var length = _count - begin;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(length, MaxLength);
        for (var i = 0; i < LengthBytes; i++)
        {
            _bytes[begin - LengthBytes + i] = (byte)(((length >> (7 * i)) & 0x7f) | (i < LengthBytes - 1 ? 0x80 : 0));
        }
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Tag(field, 2);
        Varint((ulong)value.Length);
        Room(value.Length);
        value.CopyTo(_bytes.AsSpan(_count));
        _count += value.Length;
    }

    public void Text(int field, string value)
    {
        Tag(field, 2);
        var length = Encoding.UTF8.GetByteCount(value);
        Varint((ulong)length);
        Room(length);
        _count += Encoding.UTF8.GetBytes(value, _bytes.AsSpan(_count));
    }

    public void Fixed64(int field, ulong value)
    {
        Tag(field, 1);
        Room(sizeof(ulong));
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan(_count), value);
        _count += sizeof(ulong);
    }

    public void Varint(int field, ulong value)
    {
        Tag(field, 0);
        Varint(value);
    }

    private void Tag(int field, int type) => Varint((ulong)((field << 3) | type));

    private void Varint(ulong value)
    {
        Room(10);
        for (; value >= 0x80; value >>= 7)
        {
            _bytes[_count++] = (byte)(value | 0x80);
        }

        _bytes[_count++] = (byte)value;
    }

    private void Room(int bytes)
    {
        if (_count + bytes > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _count + bytes));
        }
    }
}
