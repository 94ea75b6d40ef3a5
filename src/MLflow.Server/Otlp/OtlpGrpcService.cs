using Grpc.Core;
using MLflow.Server.Otlp.Protos;

namespace MLflow.Server.Otlp;

/// <summary>
/// The three services of OTLP over gRPC. Messages come as bytes and are parsed here: within the library, whatever cannot be parsed is a failure of the
/// server, with a stack in its log for each.
/// </summary>
internal sealed class OtlpGrpcService
{
    private readonly OtlpReceiver _receiver;

    public OtlpGrpcService(OtlpReceiver receiver) => _receiver = receiver;

    public async Task<ExportTraceServiceResponse> ExportTracesAsync(byte[] request, ServerCallContext context) =>
        (await _receiver.ReceiveAsync(OtlpProtobuf.Parse(request, new ExportTraceServiceRequest(), _receiver.Limits), OtlpSender.Of(context.GetHttpContext().Request), context.CancellationToken).ConfigureAwait(false)).Response;

    public Task<ExportLogsServiceResponse> ExportLogsAsync(byte[] request, ServerCallContext context) =>
        _receiver.ReceiveAsync(OtlpProtobuf.Parse(request, new ExportLogsServiceRequest(), _receiver.Limits), context.CancellationToken);

    public Task<ExportMetricsServiceResponse> ExportMetricsAsync(byte[] request) =>
        Task.FromResult(OtlpReceiver.Receive(OtlpProtobuf.Parse(request, new ExportMetricsServiceRequest(), _receiver.Limits)));
}
