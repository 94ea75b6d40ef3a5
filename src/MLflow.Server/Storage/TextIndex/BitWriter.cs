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
        if (_bits + bits > _bytes.Length * 8)
        {
            Array.Resize(ref _bytes, _bytes.Length * 2);
        }

        for (var bit = bits - 1; bit >= 0; bit--, _bits++)
        {
            if ((value >> bit & 1) != 0)
            {
                _bytes[_bits >> 3] |= (byte)(0x80 >> (_bits & 7));
            }
        }
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
