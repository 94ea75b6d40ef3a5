using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace MLflow.Server.Otlp;

/// <summary>
/// The body of a gRPC request, whose bytes are taken of the budget as they come: the library waits for whole messages and holds them meanwhile. A message
/// that will be too large is refused by its first bytes.
/// </summary>
internal sealed class OtlpGrpcBody : PipeReader
{
    /// <summary>A byte that says whether the message is compressed, and four that say how long it is, https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md</summary>
    private const int PrefixBytes = 5;

    private readonly PipeReader _inner;
    private readonly OtlpShare _share;
    private ReadOnlySequence<byte> _held;
    private long _consumed;
    private long _taken;

    public OtlpGrpcBody(PipeReader inner, OtlpShare share)
    {
        _inner = inner;
        _share = share;
    }

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return Take(await _inner.ReadAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (BadHttpRequestException e)
        {
            throw OtlpShare.OverGrpc(e);
        }
    }

    public override bool TryRead(out ReadResult result)
    {
        try
        {
            var isRead = _inner.TryRead(out result);
            return isRead && Take(result).Buffer.Length >= 0;
        }
        catch (BadHttpRequestException e)
        {
            throw OtlpShare.OverGrpc(e);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _consumed += _held.Slice(_held.Start, consumed).Length;
        _inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => _inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _inner.Complete(exception);

    private ReadResult Take(ReadResult result)
    {
        _held = result.Buffer;
        if (_consumed == 0 && _held.Length >= PrefixBytes)
        {
            Span<byte> prefix = stackalloc byte[PrefixBytes];
            _held.Slice(0, PrefixBytes).CopyTo(prefix);
            _share.BoundOverGrpc(BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
        }

        if (_consumed + _held.Length > _taken)
        {
            _share.TakeOverGrpc(_consumed + _held.Length - _taken);
            _taken = _consumed + _held.Length;
        }

        return result;
    }
}
