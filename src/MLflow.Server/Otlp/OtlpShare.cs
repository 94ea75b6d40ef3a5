using Grpc.Core;

namespace MLflow.Server.Otlp;

/// <summary>What one request has taken of the <see cref="OtlpBudget"/>, to be given back when it is answered.</summary>
internal sealed class OtlpShare : IDisposable
{
    private static readonly AsyncLocal<OtlpShare?> OfFlow = new();

    private readonly OtlpBudget _budget;
    private long _taken;

    public OtlpShare(OtlpBudget budget) => _budget = budget;

    /// <summary>That of the request of this flow, for what the gRPC library calls without telling for whom.</summary>
    public static OtlpShare? Current
    {
        get => OfFlow.Value;
        set => OfFlow.Value = value;
    }

    /// <exception cref="OtlpException">There is no room now; trying again later is right.</exception>
    public void Take(long bytes)
    {
        _budget.Take(bytes);
        _taken += bytes;
    }

    /// <summary>As <see cref="Take"/>, within the gRPC library.</summary>
    /// <exception cref="RpcException">There is no room now.</exception>
    public void TakeOverGrpc(long bytes)
    {
        try
        {
            Take(bytes);
        }
        catch (OtlpException e)
        {
            throw OverGrpc(e);
        }
    }

    /// <summary>The bound of a message's size, within the gRPC library, whose own bound names no setting.</summary>
    /// <param name="bytes">Decompressed bytes that it has, or more.</param>
    /// <exception cref="RpcException">It is larger than one may be.</exception>
    public void BoundOverGrpc(long bytes)
    {
        if (bytes > _budget.Limits.MaxDecompressedBytes)
        {
            throw OverGrpc(OtlpException.TooLarge(_budget.Limits.MaxDecompressedBytes, OtlpBody.Decompressed));
        }
    }

    /// <summary>What may be thrown within the gRPC library: whatever else is thrown there, it takes for a failure of the server.</summary>
    /// <param name="exception">What <see cref="OtlpStatus"/> knows.</param>
    public static RpcException OverGrpc(Exception exception)
    {
        var status = OtlpStatus.Of(exception)!;
        return new RpcException(new Status(status.Grpc, status.Message));
    }

    public void Dispose()
    {
        _budget.Return(_taken);
        _taken = 0;
    }
}
