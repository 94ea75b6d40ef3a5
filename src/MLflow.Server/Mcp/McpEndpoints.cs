using Microsoft.AspNetCore.Mvc;
using MLflow.Server.Access.Http;
using MLflow.Server.Storage;
using ModelContextProtocol.AspNetCore;

namespace MLflow.Server.Mcp;

/// <summary>
/// <c>/mcp</c>: the Model Context Protocol over Streamable HTTP (https://modelcontextprotocol.io/specification). Without sessions: each request stands for
/// itself, so clients can fill no memory, and nothing is sent but answers.
/// </summary>
internal static class McpEndpoints
{
    public const string Path = "/mcp";

    /// <summary>Requests are the names of tools and a few arguments.</summary>
    private const int MaxRequestBytes = 1 << 20;

    public static IServiceCollection AddMcp(this IServiceCollection services, int maxAnswerBytes)
    {
        services.AddMcpServer().WithHttpTransport(http =>
        {
            http.SessionMode = HttpServerSessionMode.Stateless;

            // For each request, since the stores let its caller see what they may.
            http.ConfigureSessionOptions = (context, options, _) =>
            {
                var stores = context.RequestServices;
                var source = new StoreToolSource(stores.GetRequiredService<ITraceStore>(), stores.GetRequiredService<IExperimentStore>(), stores.GetRequiredService<ITraceAnalysis>());
                McpTools.Configure(options, source, maxAnswerBytes);
                return Task.CompletedTask;
            };
        });
        return services;
    }

    public static void MapMcpTools(this IEndpointRouteBuilder routes) => routes.MapMcp(Path).WithMetadata(new RequestSizeLimitAttribute(MaxRequestBytes)).RequireAccess(AccessPolicies.Read);
}
