using System.IO.Compression;
using Grpc.Net.Compression;

namespace MLflow.Server.Otlp;

/// <summary>A compression of gRPC messages. The library has gzip and deflate of its own, but not zstd, and takes a damaged message for a failure of the server.</summary>
internal sealed class GrpcCompression : ICompressionProvider
{
    public GrpcCompression(string encoding) => EncodingName = encoding;

    public string EncodingName { get; }

    // Answers are a few bytes, so they are never compressed.
    public Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel) => throw new NotSupportedException("Answers are not compressed.");

    public Stream CreateDecompressionStream(Stream stream)
    {
        // Deflate looks at the first bytes and goes back, which a stream over the message's segments cannot.
        var compressed = new MemoryStream();
        stream.CopyTo(compressed);
        OtlpShare.Current?.TakeOverGrpc(compressed.Length);
        compressed.Position = 0;
        return new GrpcDecompression(OtlpCompression.Open(EncodingName, compressed));
    }
}
