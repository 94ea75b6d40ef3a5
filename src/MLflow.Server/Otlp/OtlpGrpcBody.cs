using System.Buffers;
using System.IO.Pipelines;

namespace MLflow.Server.Otlp;

/// <summary>The body of a gRPC request, whose bytes are taken of the budget as they come: the library waits for whole messages and holds them meanwhile.</summary>
internal sealed class OtlpGrpcBody : PipeReader
{
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

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => Take(await _inner.ReadAsync(cancellationToken).ConfigureAwait(false));

    public override bool TryRead(out ReadResult result)
    {
        var isRead = _inner.TryRead(out result);
        return isRead && Take(result).Buffer.Length >= 0;
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
        if (_consumed + _held.Length > _taken)
        {
            _share.TakeOverGrpc(_consumed + _held.Length - _taken);
            _taken = _consumed + _held.Length;
        }

        return result;
    }
}
