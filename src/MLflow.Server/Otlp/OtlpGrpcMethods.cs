using Google.Protobuf;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;

namespace MLflow.Server.Otlp;

/// <summary>Names the methods of <see cref="OtlpGrpcService"/> as OTLP has them, https://opentelemetry.io/docs/specs/otlp/#otlpgrpc</summary>
internal sealed class OtlpGrpcMethods : IServiceMethodProvider<OtlpGrpcService>
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create((_, _) => throw new NotSupportedException("Requests are read only."), Copy);

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<OtlpGrpcService> context)
    {
        Add(context, "opentelemetry.proto.collector.trace.v1.TraceService", (service, request, call) => service.ExportTracesAsync(request, call));
        Add(context, "opentelemetry.proto.collector.logs.v1.LogsService", (service, request, call) => service.ExportLogsAsync(request, call));
        Add(context, "opentelemetry.proto.collector.metrics.v1.MetricsService", (service, request, _) => service.ExportMetricsAsync(request));
    }

    private static byte[] Copy(DeserializationContext context)
    {
        OtlpShare.Current?.TakeOverGrpc(context.PayloadLength);
        return context.PayloadAsNewBuffer();
    }

    private static void Add<T>(ServiceMethodProviderContext<OtlpGrpcService> context, string service, UnaryServerMethod<OtlpGrpcService, byte[], T> method)
        where T : class, IMessage<T> =>
        context.AddUnaryMethod(new Method<byte[], T>(MethodType.Unary, service, "Export", Bytes, Answers<T>()), [new HttpMethodMetadata([HttpMethods.Post])], method);

    private static Marshaller<T> Answers<T>()
        where T : class, IMessage<T> =>
        Marshallers.Create<T>((answer, context) => context.Complete(answer.ToByteArray()), _ => throw new NotSupportedException("Answers are written only."));
}
