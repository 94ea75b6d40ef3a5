using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace MLflow;

/// <summary>
/// Keeps of each read of a stream what differs from the read before: events that follow each other are alike but for a word. What is not written costs the
/// reading thread no memory that another core used last. A read is a header of three numbers, how many bytes are those of the read before at its beginning
/// and at its end and how many follow, and those that follow.
/// </summary>
internal static class FoldedReads
{
    public const int HeaderBytes = 3 * sizeof(ushort);

    /// <summary>Longer reads have more than an event in them, and are kept whole.</summary>
    public const int MaxFolded = 1024;

    /// <summary>Bytes of one record at most.</summary>
    public const int MaxRead = ushort.MaxValue;

    /// <summary>Fewer are not worth the header.</summary>
    private const int MinAlike = 16;

    /// <summary>How many bytes at the beginning, and of the rest at the end, are those of the read before.</summary>
    public static (int Prefix, int Suffix) Compare(ReadOnlySpan<byte> last, ReadOnlySpan<byte> read)
    {
        var prefix = last.CommonPrefixLength(read);
        var suffix = CommonSuffix(last[prefix..], read[prefix..]);
        return prefix + suffix < MinAlike ? default : (prefix, suffix);
    }

    public static void WriteHeader(Span<byte> header, int prefix, int suffix, int length)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)prefix);
        BinaryPrimitives.WriteUInt16LittleEndian(header[sizeof(ushort)..], (ushort)suffix);
        BinaryPrimitives.WriteUInt16LittleEndian(header[(2 * sizeof(ushort))..], (ushort)length);
    }

    /// <summary>Writes the reads as they were.</summary>
    /// <param name="folded">Their records. A last one may be cut: nothing of it belongs to the reads.</param>
    /// <param name="reads">As long as the reads.</param>
    public static void Unfold(ReadOnlySpan<byte> folded, Span<byte> reads)
    {
        var last = 0..0;
        for (var at = 0; at < reads.Length;)
        {
            var prefix = BinaryPrimitives.ReadUInt16LittleEndian(folded);
            var suffix = BinaryPrimitives.ReadUInt16LittleEndian(folded[sizeof(ushort)..]);
            var length = BinaryPrimitives.ReadUInt16LittleEndian(folded[(2 * sizeof(ushort))..]);
            var before = reads[last];
            var read = reads.Slice(at, prefix + length + suffix);
            before[..prefix].CopyTo(read);
            folded.Slice(HeaderBytes, length).CopyTo(read[prefix..]);
            before[^suffix..].CopyTo(read[(prefix + length)..]);
            folded = folded[(HeaderBytes + length)..];
            last = at..(at + read.Length);
            at += read.Length;
        }
    }

    private static int CommonSuffix(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var length = Math.Min(left.Length, right.Length);
        left = left[^length..];
        right = right[^length..];
        var rest = length;
        for (; rest >= sizeof(ulong); rest -= sizeof(ulong))
        {
            var differing = MemoryMarshal.Read<ulong>(left[(rest - sizeof(ulong))..]) ^ MemoryMarshal.Read<ulong>(right[(rest - sizeof(ulong))..]);
            if (differing != 0)
            {
                return length - rest + ((BitConverter.IsLittleEndian ? BitOperations.LeadingZeroCount(differing) : BitOperations.TrailingZeroCount(differing)) / 8);
            }
        }

        while (rest > 0 && left[rest - 1] == right[rest - 1])
        {
            rest--;
        }

        return length - rest;
    }
}
