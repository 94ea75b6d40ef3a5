using System.Buffers;
using System.Text;
using MLflow.Server.Blobs;
using ZstdSharp;

namespace MLflow.Server.Storage;

/// <summary>
/// A payload of which parts lie in the blob store: what stands in the row instead. Long runs of Base64, which is how media stand in JSON, are cut out byte by byte,
/// so that the same picture in many spans is kept once; where the rest is large too, it is a content of its own.
/// Format: version, count of cuts, each with its place in the whole JSON, its length and its name; then the rest, plain, compressed or by its name.
/// </summary>
internal static class PayloadManifest
{
    private const byte Version = 1;
    private const byte RestIsHere = 1;
    private const byte RestIsElsewhere = 2;
    private const int CompressionLevel = 1;
    private const string Damaged = "What says where the content of a span lies is damaged.";

    /// <summary>Characters of the longest escape behind its backslash.</summary>
    private const int EscapeLength = 5;

    private static readonly SearchValues<byte> Base64 = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="u8);

    private static readonly SearchValues<byte> OfNumbers = SearchValues.Create("0123456789+-eE"u8);

    [ThreadStatic]
    private static Compressor? _compressor;

    [ThreadStatic]
    private static Decompressor? _decompressor;

    /// <summary>Cuts a payload; null where there is nothing large in it.</summary>
    /// <param name="json">The payload.</param>
    /// <param name="fromBytes">What is large.</param>
    public static CutPayload? Cut(ReadOnlySpan<byte> json, int fromBytes)
    {
        var cuts = new List<(int Offset, int Length)>();
        for (var at = 0; json.Length - at >= fromBytes;)
        {
            var start = at;
            var rest = json[at..];
            var length = rest.IndexOfAnyExcept(Base64) is >= 0 and var end ? end : rest.Length;

            // What belongs to a \n or \u00e9 before it stays with that.
            var escaped = start > 0 && json[start - 1] == '\\' ? EscapeLength : 0;

            // Only in a string can a sentence stand in its place: numbers and names are not cut.
            if (length - escaped >= fromBytes && rest[escaped..length].ContainsAnyExcept(OfNumbers))
            {
                cuts.Add((start + escaped, length - escaped));
            }

            at += length;
            at += json[at..].IndexOfAny(Base64) is >= 0 and var next ? next : json.Length - at;
        }

        var contents = new List<(int Offset, int Length, byte[] Content)>(cuts.Count);
        var shortened = new ArrayBufferWriter<byte>(json.Length);
        var done = 0;
        foreach (var (offset, length) in cuts)
        {
            contents.Add((offset, length, Compress(json.Slice(offset, length))));
            shortened.Write(json[done..offset]);
            done = offset + length;
        }

        shortened.Write(json[done..]);
        var compressed = Compress(shortened.WrittenSpan);
        return cuts.Count > 0 || compressed.Length >= fromBytes ? new CutPayload(contents, compressed, compressed.Length >= fromBytes) : null;
    }

    /// <param name="payload">What was cut.</param>
    /// <param name="nameOf">Says the name of a content.</param>
    public static byte[] Write(CutPayload payload, Func<byte[], string> nameOf)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Version);
        writer.Write7BitEncodedInt(payload.Cuts.Count);
        foreach (var (offset, length, content) in payload.Cuts)
        {
            writer.Write7BitEncodedInt(offset);
            writer.Write7BitEncodedInt(length);
            writer.Write(nameOf(content));
        }

        if (payload.IsRestLarge)
        {
            writer.Write(RestIsElsewhere);
            writer.Write(nameOf(payload.Rest));
        }
        else
        {
            writer.Write(RestIsHere);
            writer.Write(payload.Rest);
        }

        return stream.ToArray();
    }

    /// <summary>The names of all contents that a payload has elsewhere.</summary>
    public static IEnumerable<string> NamesIn(byte[] manifest)
    {
        var (cuts, name, _) = Read(manifest);
        return cuts.Select(cut => cut.Name).Concat(name is null ? [] : [name]);
    }

    /// <summary>The whole JSON again. In the place of what cannot be had stands a sentence that says so.</summary>
    /// <param name="manifest">What stands in the row.</param>
    /// <param name="read">Reads a content; null where nobody needs media, whose places stay empty then, and the rest is read by <paramref name="readRest"/>.</param>
    /// <param name="readRest">Reads the rest.</param>
    /// <param name="isWhole">Whether all could be had.</param>
    public static byte[] Restore(byte[] manifest, Func<string, BlobContent>? read, Func<string, BlobContent> readRest, out bool isWhole)
    {
        isWhole = true;
        var (cuts, name, here) = Read(manifest);
        byte[] json;
        if (name is null)
        {
            json = Decompress(here.Span);
        }
        else if (readRest(name) is var rest && rest.Bytes is { } bytes)
        {
            json = Decompress(bytes);
        }
        else
        {
            isWhole = false;
            return Encoding.UTF8.GetBytes("{\"a\":{\"" + SpanBlobs.LostAttribute + "\":\"" + Notice("The content of this span", name, rest.Fault) + "\"}}");
        }

        if (cuts.Count == 0 || read is null)
        {
            return json;
        }

        var whole = new ArrayBufferWriter<byte>();
        var (done, cutBytes) = (0, 0);
        foreach (var (offset, length, cutName) in cuts)
        {
            if (offset - cutBytes < done || offset - cutBytes > json.Length)
            {
                throw new InvalidDataException(Damaged);
            }

            whole.Write(json.AsSpan(done..(offset - cutBytes)));
            done = offset - cutBytes;
            cutBytes += length;
            var content = read(cutName);
            if (content.Bytes is { } media)
            {
                whole.Write(Decompress(media));
            }
            else
            {
                isWhole = false;
                whole.Write(Encoding.UTF8.GetBytes($"({Notice("This content", cutName, content.Fault)})"));
            }
        }

        whole.Write(json.AsSpan(done..));
        return whole.WrittenSpan.ToArray();
    }

    /// <summary>Stands within a string of JSON.</summary>
    private static string Notice(string what, string name, string? fault) =>
        Encoding.UTF8.GetString(System.Text.Json.JsonEncodedText.Encode($"{what} cannot be shown: {fault} (blob {BlobNameShown(name)}).").EncodedUtf8Bytes);

    private static string BlobNameShown(string name) => name[(name.LastIndexOf('/') + 1)..];

    private static (List<(int Offset, int Length, string Name)> Cuts, string? RestName, ReadOnlyMemory<byte> Here) Read(byte[] manifest)
    {
        try
        {
            return Parse(manifest);
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            // An IOException would say that it can be had later.
            throw new InvalidDataException(Damaged, e);
        }
    }

    private static (List<(int Offset, int Length, string Name)> Cuts, string? RestName, ReadOnlyMemory<byte> Here) Parse(byte[] manifest)
    {
        using var stream = new MemoryStream(manifest);
        using var reader = new BinaryReader(stream);
        if (reader.ReadByte() != Version)
        {
            throw new InvalidDataException("The content of a span was written by a newer version of this server.");
        }

        var count = reader.Read7BitEncodedInt();
        var cuts = new List<(int, int, string)>();
        for (var i = 0; i < count; i++)
        {
            cuts.Add((reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt(), reader.ReadString()));
        }

        return reader.ReadByte() == RestIsElsewhere ? (cuts, reader.ReadString(), default) : (cuts, null, manifest.AsMemory((int)stream.Position));
    }

    private static byte[] Compress(ReadOnlySpan<byte> bytes) => (_compressor ??= new Compressor(CompressionLevel)).Wrap(bytes).ToArray();

    private static byte[] Decompress(ReadOnlySpan<byte> bytes) => (_decompressor ??= new Decompressor()).Unwrap(bytes).ToArray();
}
