using System.Numerics;
using System.Runtime.InteropServices;
using ZstdSharp;

namespace MLflow.Server.Storage.Sql;

/// <summary>
/// The content of payloads (<see cref="SpanPayload"/>). Spans of a trace that come together are compressed together, because they repeat each other:
/// each turn of a conversation has all turns before it. The first of them owns the frame, the others say where they are in it.
/// <list type="table">
/// <item><term>0</term><description>JSON.</description></item>
/// <item><term>1</term><description>zstd of JSON.</description></item>
/// <item><term>2</term><description>The length of the span's own JSON as a varint, then zstd of that and of the JSON of other spans of the trace.</description></item>
/// <item><term>3</term><description>The 8 bytes of the id of the span that owns the frame, 4 of the CRC-32C of the JSON, then its offset and length in the frame as varints.</description></item>
/// <item><term>4</term><description>In parts, some of them in the blob store (<see cref="PayloadManifest"/>); no frame has to do with it, and <see cref="SpanPayload"/> reads it.</description></item>
/// </list>
/// Who writes over an owner has to see to the others first.
/// </summary>
internal sealed class PayloadFrame
{
    public const int Plain = 0;
    public const int Zstd = 1;
    public const int Owner = 2;
    public const int Member = 3;
    public const int InBlobs = 4;

    /// <summary>Bytes of an id.</summary>
    public const int IdBytes = 8;

    /// <summary>Bytes of JSON from which a frame takes no further span, and from which a span has none: to read one span, all of its frame is decompressed.</summary>
    public const int FrameBytes = 256 * 1024;

    /// <summary>Bytes from which compression is worth its time.</summary>
    private const int CompressFrom = 256;
    private const int CompressionLevel = 3;

    [ThreadStatic]
    private static Compressor? _compressor;

    [ThreadStatic]
    private static Decompressor? _decompressor;

    [ThreadStatic]
    private static (byte[] Frame, byte[] Json)? _last;

    private readonly List<(int Place, string SpanId, Range Json)> _spans = [];

    /// <summary>Takes a span that will be stored with the others or none of them.</summary>
    /// <param name="place">Where its payload belongs.</param>
    /// <param name="spanId">Its id.</param>
    /// <param name="json">Its part of the JSON that is given to <see cref="Close"/>.</param>
    public void Add(int place, string spanId, Range json) => _spans.Add((place, spanId, json));

    /// <summary>Puts the payloads of the spans into their places, and is ready for others.</summary>
    public void Close(ReadOnlySpan<byte> json, (int Codec, byte[] Payload)[] payloads)
    {
        if (_spans.Count == 1)
        {
            payloads[_spans[0].Place] = Alone(json[_spans[0].Json]);
        }
        else if (_spans.Count > 1)
        {
            var (owner, offset) = (_spans[0], Length(_spans[0].Json));
            payloads[owner.Place] = (Owner, [.. Varint(offset), .. Compress(Together(json))]);
            foreach (var span in _spans.Skip(1))
            {
                var length = Length(span.Json);
                payloads[span.Place] = (Member, [.. Convert.FromHexString(owner.SpanId), .. BitConverter.GetBytes(Check(json[span.Json])), .. Varint(offset), .. Varint(length)]);
                offset += length;
            }
        }

        _spans.Clear();
    }

    /// <summary>Compresses the JSON of a span that may be replaced without the others.</summary>
    public static (int Codec, byte[] Payload) Alone(ReadOnlySpan<byte> json) => json.Length < CompressFrom ? (Plain, json.ToArray()) : (Zstd, Compress(json));

    /// <summary>The id of the span that owns the frame; null where a payload has all of its content itself, or is damaged.</summary>
    public static string? OwnerOf(int codec, byte[] payload) => codec == Member && payload.Length >= IdBytes ? Convert.ToHexStringLower(payload.AsSpan(0, IdBytes)) : null;

    /// <summary>What a span has to be written with once its owner is gone; null where its content is damaged, which nothing mends.</summary>
    public static (int Codec, byte[] Payload)? Freed(byte[] payload, byte[] owner)
    {
        try
        {
            return Alone(Json(Member, payload, owner));
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>A span's JSON.</summary>
    /// <param name="codec">How its payload is written.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="owner">The payload of the span that owns the frame, where <see cref="OwnerOf"/> says that there is one.</param>
    /// <exception cref="InvalidDataException">The payload of the owner is missing or another one.</exception>
    public static ReadOnlySpan<byte> Json(int codec, byte[] payload, byte[]? owner)
    {
        var rest = payload.AsSpan();
        switch (codec)
        {
            case Plain:
                return payload;
            case Zstd:
                return Decompress(payload);
            case Owner:
                return Content(payload).AsSpan(0, ReadVarint(ref rest));
            case Member:
                rest = rest[IdBytes..];
                var check = BitConverter.ToUInt32(rest);
                rest = rest[sizeof(uint)..];
                var (offset, length) = (ReadVarint(ref rest), ReadVarint(ref rest));
                var content = owner is null ? [] : Content(owner);
                return (uint)offset + (uint)length <= (uint)content.Length && Check(content.AsSpan(offset, length)) == check
                    ? content.AsSpan(offset, length)
                    : throw new InvalidDataException($"The span's content is no longer with span {OwnerOf(codec, payload)}.");
            default:
                throw new InvalidDataException($"The payload has the codec {codec}, which this version does not know.");
        }
    }

    /// <summary>What the frame of an owner holds. The last one is kept: spans of a trace are read one after the other.</summary>
    private static byte[] Content(byte[] payload)
    {
        if (_last is not { } last || !last.Frame.AsSpan().SequenceEqual(payload))
        {
            var frame = payload.AsSpan();
            ReadVarint(ref frame);
            last = (payload, Decompress(frame).ToArray());
            _last = last;
        }

        return last.Json;
    }

    /// <summary>The JSON of the spans without what stands between them, which is of spans that are not in the frame.</summary>
    private ReadOnlySpan<byte> Together(ReadOnlySpan<byte> json)
    {
        var whole = json[_spans[0].Json.Start.._spans[^1].Json.End];
        var length = _spans.Sum(span => Length(span.Json));
        if (length == whole.Length)
        {
            return whole;
        }

        var together = new byte[length];
        var done = 0;
        foreach (var (_, _, part) in _spans)
        {
            json[part].CopyTo(together.AsSpan(done));
            done += Length(part);
        }

        return together;
    }

    private static int Length(Range part) => part.End.Value - part.Start.Value;

    private static uint Check(ReadOnlySpan<byte> json)
    {
        var check = 0u;
        var words = MemoryMarshal.Cast<byte, ulong>(json);
        foreach (var word in words)
        {
            check = BitOperations.Crc32C(check, word);
        }

        foreach (var one in json[(words.Length * sizeof(ulong))..])
        {
            check = BitOperations.Crc32C(check, one);
        }

        return check;
    }

    private static byte[] Compress(ReadOnlySpan<byte> json) => (_compressor ??= new Compressor(CompressionLevel)).Wrap(json).ToArray();

    private static Span<byte> Decompress(ReadOnlySpan<byte> frame) => (_decompressor ??= new Decompressor()).Unwrap(frame);

    private static ReadOnlySpan<byte> Varint(int value)
    {
        var bytes = new byte[5];
        var count = 0;
        for (; value >= 0x80; value >>= 7)
        {
            bytes[count++] = (byte)(value | 0x80);
        }

        bytes[count++] = (byte)value;
        return bytes.AsSpan(0, count);
    }

    private static int ReadVarint(ref Span<byte> from)
    {
        var value = 0;
        for (var i = 0; i < from.Length && i < 5; i++)
        {
            value |= (from[i] & 0x7f) << (7 * i);
            if (from[i] < 0x80)
            {
                from = from[(i + 1)..];
                return value;
            }
        }

        throw new InvalidDataException("The payload ends within a number.");
    }
}
