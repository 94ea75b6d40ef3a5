using System.IO.Pipelines;
using Grpc.AspNetCore.Server;
using Grpc.AspNetCore.Server.Model;
using Grpc.Net.Compression;
using Microsoft.AspNetCore.Http.Features;
using MLflow.Server.Access.Http;

namespace MLflow.Server.Otlp;

/// <summary>OTLP over gRPC, https://opentelemetry.io/docs/specs/otlp/#otlpgrpc</summary>
internal static class OtlpGrpc
{
    /// <summary>What the paths of its methods begin with.</summary>
    public const string PathPrefix = "/opentelemetry.proto.collector.";

    public static void AddOtlpGrpc(this IServiceCollection services)
    {
        services.AddGrpc(Configure);
        services.AddSingleton<IServiceMethodProvider<OtlpGrpcService>, OtlpGrpcMethods>();
    }

    public static void MapOtlpGrpc(this IEndpointRouteBuilder routes)
    {
        var methods = routes.MapGrpcService<OtlpGrpcService>().RequireAccess(AccessPolicies.Ingest);
        methods.Add(endpoint =>
        {
            var next = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => WithinBudgetAsync(context, next);
        });
    }

    private static async Task WithinBudgetAsync(HttpContext context, RequestDelegate next)
    {
        using var share = new OtlpShare(context.RequestServices.GetRequiredService<OtlpBudget>());
        OtlpShare.Current = share;
        context.Features.Set<IRequestBodyPipeFeature>(new CountedBody(new OtlpGrpcBody(context.Request.BodyReader, share)));
        await next(context).ConfigureAwait(false);
    }

    private static void Configure(GrpcServiceOptions options)
    {
        // OtlpShare bounds messages, and says by which setting.
        options.MaxReceiveMessageSize = null;

        // The other routes of this server answer for themselves.
        options.IgnoreUnknownServices = true;
        options.Interceptors.Add<OtlpGrpcErrors>();
        options.CompressionProviders = new List<ICompressionProvider>
        {
            new GrpcCompression(OtlpCompression.Gzip),
            new GrpcCompression(OtlpCompression.Deflate),
            new GrpcCompression(OtlpCompression.Zstd),
        };
    }

    private sealed record CountedBody(PipeReader Reader) : IRequestBodyPipeFeature;
}
