using System.Buffers.Binary;
using System.Numerics;

namespace MLflow.Server.Storage.TextIndex;

/// <summary>Writes numbers of few bits, highest bit first.</summary>
internal sealed class BitWriter
{
    private byte[] _bytes = new byte[4096];
    private int _bits;

    public int Length => (_bits + 7) / 8;

    /// <summary>How many bits have been written.</summary>
    public int Bits => _bits;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Write(uint value, int bits)
    {
        // Eight bytes from the first one on hold any number, wherever in it that begins.
        var at = _bits >> 3;
        if (at + sizeof(ulong) > _bytes.Length)
        {
            Array.Resize(ref _bytes, _bytes.Length * 2);
        }

        var word = _bytes.AsSpan(at, sizeof(ulong));
        var below = value & (uint)((1UL << bits) - 1);
        BinaryPrimitives.WriteUInt64BigEndian(word, BinaryPrimitives.ReadUInt64BigEndian(word) | ((ulong)below << (64 - (_bits & 7) - bits)));
        _bits += bits;
    }

    /// <summary>A number from 1 on; small ones take fewer bits (Elias' gamma code).</summary>
    public void WriteGamma(uint value)
    {
        var bits = BitOperations.Log2(value);
        Write(0, bits);
        Write(value, bits + 1);
    }

    /// <summary>A number below a limit, in as few bits as the limit allows.</summary>
    public void WriteBelow(uint value, uint limit)
    {
        var bits = BitOperations.Log2(limit);
        var shorter = (2u << bits) - limit;
        if (value < shorter)
        {
            Write(value, bits);
        }
        else
        {
            Write(value + shorter, bits + 1);
        }
    }

    /// <summary>Writes a number in the place of zeros that were written before.</summary>
    public void Fill(int at, uint value, int bits)
    {
        var end = _bits;
        _bits = at;
        Write(value, bits);
        _bits = end;
    }

    /// <summary>Fills up to a whole byte.</summary>
    public void Align() => _bits = Length * 8;

    public void Clear()
    {
        _bytes.AsSpan(0, Length).Clear();
        _bits = 0;
    }
}
