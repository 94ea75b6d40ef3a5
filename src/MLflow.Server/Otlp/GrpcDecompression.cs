using Grpc.Core;

namespace MLflow.Server.Otlp;

/// <summary>Reads a decompressing stream as far as a message may be, and says in gRPC's words where the bytes are damaged.</summary>
internal sealed class GrpcDecompression : Stream
{
    private readonly Stream _inner;
    private long _read;

    public GrpcDecompression(Stream inner) => _inner = inner;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        try
        {
            var read = _inner.Read(buffer, offset, count);
            _read += read;
            OtlpShare.Current?.BoundOverGrpc(_read);
            OtlpShare.Current?.TakeOverGrpc(read);
            return read;
        }
        catch (Exception e) when (OtlpCompression.IsDamage(e))
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "Failed to decompress the message."));
        }
    }

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
