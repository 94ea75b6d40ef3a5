using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MLflow;

/// <summary>
/// The bytes of a spool file: a mark, the server's address or its database, then records, each with its lengths and a checksum before it. A record that was cut by the
/// end of a process, or is not what was written, ends the file.
/// </summary>
internal static class SpoolFormat
{
    /// <summary>Bytes before a record: length of its head, length of its body, checksum of both.</summary>
    public const int PrefixBytes = 12;

    private const int DestinationName = 1;
    private const int DestinationId = 2;
    private const int SpanCount = 3;
    private const int SpanBytes = 4;
    private const int ExperimentOffset = 5;
    private const int IsComplete = 6;
    private const int Counts = 7;

    // What a broken length cannot exceed: no export is that large.
    private const int MaxPartBytes = 1 << 30;
    private const int MaxTargetBytes = 8 << 10;

    private static ReadOnlySpan<byte> Mark => "MLSPOOL1"u8;

    public static byte[] Head(string target)
    {
        var text = Encoding.UTF8.GetBytes(target);
        var head = new byte[Mark.Length + sizeof(int) + text.Length];
        Mark.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(Mark.Length), text.Length);
        text.CopyTo(head, Mark.Length + sizeof(int));
        return head;
    }

    /// <returns>The server's address, or its database, and where the records begin; null for what is no spool file.</returns>
    public static (string Target, long Start)? ReadHead(SafeFileHandle file)
    {
        Span<byte> fixedPart = stackalloc byte[Mark.Length + sizeof(int)];
        if (!ReadWhole(file, fixedPart, 0) || !fixedPart[..Mark.Length].SequenceEqual(Mark))
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(fixedPart[Mark.Length..]);
        if (length is <= 0 or > MaxTargetBytes)
        {
            return null;
        }

        var target = new byte[length];
        return ReadWhole(file, target, fixedPart.Length) ? (Encoding.UTF8.GetString(target), fixedPart.Length + length) : null;
    }

    public static void Write(ProtobufWriter target, TraceDestination destination, EncodedExport export, int spanCount, bool isComplete, bool counts)
    {
        var prefix = target.Skip(PrefixBytes);
        var head = target.Position;
        if (destination.ExperimentName is { } name)
        {
            target.WriteString(DestinationName, name);
        }

        if (destination.ExperimentId is { } id)
        {
            target.WriteString(DestinationId, id);
        }

        target.WriteVarint(SpanCount, (ulong)spanCount);
        target.WriteVarint(SpanBytes, (ulong)export.SpanBytes);
        target.WriteVarint(ExperimentOffset, (ulong)export.ExperimentOffset);
        target.WriteVarint(IsComplete, isComplete ? 1UL : 0UL);
        target.WriteVarint(Counts, counts ? 1UL : 0UL);
        var body = target.Position;
        target.Write(export.Bytes);
        var at = target.At(prefix);
        BinaryPrimitives.WriteInt32LittleEndian(at, body - head);
        BinaryPrimitives.WriteInt32LittleEndian(at[4..], target.Position - body);
        BinaryPrimitives.WriteUInt32LittleEndian(at[8..], Checksum(at[PrefixBytes..]));
    }

    /// <returns>Bytes of head and body; null where no whole record begins.</returns>
    public static (int Head, int Body, uint Checksum)? ReadPrefix(SafeFileHandle file, long offset, long end)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        if (offset + PrefixBytes > end || !ReadWhole(file, prefix, offset))
        {
            return null;
        }

        var head = BinaryPrimitives.ReadInt32LittleEndian(prefix);
        var body = BinaryPrimitives.ReadInt32LittleEndian(prefix[4..]);
        return head is <= 0 or > MaxPartBytes || body is <= 0 or > MaxPartBytes || offset + PrefixBytes + head + body > end
            ? null
            : (head, body, BinaryPrimitives.ReadUInt32LittleEndian(prefix[8..]));
    }

    /// <summary>Reads the head of a record whose checksum is right.</summary>
    public static SpoolRecordHead ReadRecordHead(ReadOnlySpan<byte> head, Uri address)
    {
        string? name = null, id = null;
        int spans = 0, spanBytes = 0, experiment = 0;
        bool isComplete = false, counts = false;
        for (var field = new ProtobufReader(head); field.Read();)
        {
            switch (field.Field)
            {
                case DestinationName:
                    name = Encoding.UTF8.GetString(field.Bytes);
                    break;
                case DestinationId:
                    id = Encoding.UTF8.GetString(field.Bytes);
                    break;
                case SpanCount:
                    spans = checked((int)field.Number);
                    break;
                case SpanBytes:
                    spanBytes = checked((int)field.Number);
                    break;
                case ExperimentOffset:
                    experiment = checked((int)field.Number);
                    break;
                case IsComplete:
                    isComplete = field.Number != 0;
                    break;
                case Counts:
                    counts = field.Number != 0;
                    break;
                default:
                    break;
            }
        }

        return name is null && id is null
            ? throw new InvalidDataException("A spool record names no destination.")
            : new SpoolRecordHead(new TraceDestination(address, name, id), spans, spanBytes, experiment, isComplete, counts);
    }

    /// <summary>Reads the body of a record.</summary>
    public static SpoolRecord Read(SpoolSegment segment, long offset, in SpoolRecordHead head, ReadOnlySpan<byte> body, ExportMemory memory)
    {
        if (head.SpanBytes > body.Length || head.ExperimentOffset > body.Length - head.SpanBytes)
        {
            throw new InvalidDataException("A spool record contradicts itself.");
        }

        var (block, start) = memory.Keep(body);
        return new SpoolRecord(
            segment,
            offset,
            head.Destination,
            new EncodedExport(block, start, head.SpanBytes, body.Length - head.SpanBytes, head.ExperimentOffset),
            head.SpanCount,
            head.IsComplete,
            head.Counts);
    }

    /// <summary>CRC-32C.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0U;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        }

        foreach (var rest in bytes[(bytes.Length & ~7)..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return ~crc;
    }

    public static bool ReadWhole(SafeFileHandle file, Span<byte> target, long offset)
    {
        while (!target.IsEmpty)
        {
            var read = RandomAccess.Read(file, target, offset);
            if (read == 0)
            {
                return false;
            }

            target = target[read..];
            offset += read;
        }

        return true;
    }
}
