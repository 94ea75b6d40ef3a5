using System.IO.Compression;

namespace MLflow;

/// <summary>A part of a captured body that is full.</summary>
/// <param name="Bytes">Its bytes, pooled, or what they were packed to.</param>
/// <param name="Length">Bytes that it stands for.</param>
/// <param name="IsPacked">Whether they are packed.</param>
internal readonly record struct BodyBlock(byte[] Bytes, int Length, bool IsPacked)
{
    // The fastest; the events of a stream repeat each other, and take a tenth.
    private const int Quality = 1;

    private const int Window = 14;

    /// <summary>Bytes that are packed at once.</summary>
    public const int PackedLength = 1 << Window;

    /// <summary>Packs bytes; null where little would be won.</summary>
    public static BodyBlock? Pack(ReadOnlySpan<byte> bytes)
    {
        Span<byte> packed = stackalloc byte[PackedLength / 2];
        return BrotliEncoder.TryCompress(bytes, packed, out var length, Quality, Window) ? new BodyBlock(packed[..length].ToArray(), bytes.Length, true) : null;
    }

    public void CopyTo(Span<byte> target)
    {
        if (!IsPacked)
        {
            Bytes.CopyTo(target);
        }
        else if (!BrotliDecoder.TryDecompress(Bytes, target[..Length], out _))
        {
            throw new InvalidOperationException("What was packed here cannot be unpacked.");
        }
    }

    /// <summary>Its bytes, for a look at them.</summary>
    public ReadOnlySpan<byte> Open()
    {
        if (!IsPacked)
        {
            return Bytes;
        }

        var bytes = new byte[Length];
        CopyTo(bytes);
        return bytes;
    }
}
