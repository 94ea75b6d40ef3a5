using System.Buffers.Binary;
using System.Numerics;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>Reads what <see cref="BitWriter"/> wrote. Behind the end there are zeros, so that damaged bytes end as well.</summary>
internal ref struct BitReader
{
    private const int MaxBits = 31;

    private readonly ReadOnlySpan<byte> _bytes;
    private int _bit;

    public BitReader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Whether a one is left: numbers have one each, and what fills up the last byte has none.</summary>
    public readonly bool HasOne
    {
        get
        {
            var at = _bit >> 3;
            return at < _bytes.Length && ((_bytes[at] & (0xFF >> (_bit & 7))) != 0 || _bytes[(at + 1)..].ContainsAnyExcept((byte)0));
        }
    }

    public uint Read(int bits)
    {
        var at = _bit >> 3;
        ulong value;
        if (at + sizeof(ulong) <= _bytes.Length)
        {
            value = BinaryPrimitives.ReadUInt64BigEndian(_bytes[at..]);
        }
        else
        {
            Span<byte> last = stackalloc byte[sizeof(ulong)];
            last.Clear();
            _bytes[Math.Min(at, _bytes.Length)..].CopyTo(last);
            value = BinaryPrimitives.ReadUInt64BigEndian(last);
        }

        value <<= _bit & 7;
        _bit += bits;
        return bits == 0 ? 0 : (uint)(value >> (64 - bits));
    }

    public void Skip(int bits) => _bit += bits;

    public uint ReadGamma()
    {
        var bits = 0;
        while (bits < MaxBits && Read(1) == 0)
        {
            bits++;
        }

        return 1u << bits | Read(bits);
    }

    public uint ReadBelow(uint limit)
    {
        var bits = BitOperations.Log2(limit);
        var shorter = (2u << bits) - limit;
        var value = Read(bits);
        return value < shorter ? value : (value << 1 | Read(1)) - shorter;
    }
}
