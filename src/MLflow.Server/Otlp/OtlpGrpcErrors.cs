using Grpc.Core;
using Grpc.Core.Interceptors;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Otlp;

/// <summary>Tells failures in gRPC's statuses, so that clients decide rightly whether to send again.</summary>
internal sealed partial class OtlpGrpcErrors : Interceptor
{
    private readonly ILogger<OtlpGrpcErrors> _logger;
    private readonly ServerMeter _meter;

    public OtlpGrpcErrors(ILogger<OtlpGrpcErrors> logger, ServerMeter meter)
    {
        _logger = logger;
        _meter = meter;
    }

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context).ConfigureAwait(false);
        }
        catch (Exception e) when (OtlpStatus.Of(e) is { } status)
        {
            _meter.Rejected(status.Reason);
            if (status.Http >= StatusCodes.Status500InternalServerError)
            {
                LogUnavailable(_logger, context.Method, e.Message);
            }

            throw new RpcException(new Status(status.Grpc, status.Message));
        }
        catch (Exception e) when (e is not RpcException && !context.CancellationToken.IsCancellationRequested)
        {
            _meter.Rejected("failed");
            LogFailed(_logger, e, context.Method);
            throw new RpcException(new Status(StatusCode.Internal, "The server failed to store what was sent; its log says why."));
        }
    }

    [LoggerMessage(LogLevel.Error, "{Method} failed: {Reason}")]
    private static partial void LogUnavailable(ILogger logger, string method, string reason);

    [LoggerMessage(LogLevel.Error, "{Method} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method);
}
