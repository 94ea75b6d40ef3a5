using System.IO.Compression;
using ZstdSharp;

namespace MLflow.Server.Otlp;

/// <summary>The compressions in which exporters and collectors send. What comes out is bounded by who reads it.</summary>
internal static class OtlpCompression
{
    public const string Gzip = "gzip";
    public const string Deflate = "deflate";
    public const string Zstd = "zstd";

    public static bool IsKnown(string encoding) => encoding is Gzip or Deflate or Zstd;

    public static Stream Open(string encoding, Stream compressed) => encoding switch
    {
        Gzip => new GZipStream(compressed, CompressionMode.Decompress, leaveOpen: true),
        Zstd => new DecompressionStream(compressed, leaveOpen: true),
        _ => OpenDeflate(compressed),
    };

    /// <summary>Of reading what is in memory: nothing else can fail there.</summary>
    public static bool IsDamage(Exception exception) => exception is InvalidDataException or IOException or ZstdException;

    // HTTP's deflate is zlib, but some clients send it without the frame (RFC 9110 §8.4.1.2). A zlib header is a multiple of 31.
    private static Stream OpenDeflate(Stream compressed)
    {
        var first = compressed.ReadByte();
        var second = compressed.ReadByte();
        compressed.Position = 0;
        var isZlib = first >= 0 && second >= 0 && (first & 0x0F) == 8 && ((first << 8) | second) % 31 == 0;
        return isZlib
            ? new ZLibStream(compressed, CompressionMode.Decompress, leaveOpen: true)
            : new DeflateStream(compressed, CompressionMode.Decompress, leaveOpen: true);
    }
}
