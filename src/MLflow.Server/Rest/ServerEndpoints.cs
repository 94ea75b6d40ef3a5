using MLflow.Server.Access.Http;
using MLflow.Server.Hosting;

namespace MLflow.Server.Rest;

/// <summary>What the server says about itself.</summary>
internal static class ServerEndpoints
{
    /// <summary>The MLflow whose protocol this server speaks. Python sends spans by OTLP from 3.4 on only.</summary>
    public const string ProtocolVersion = "3.11.2";

    public const string HealthPath = "/health";
    public const string VersionPath = "/version";
    public const string ReadyPath = "/health/ready";

    /// <summary>What tells nothing but that the server is there: probes ask by whatever name the machine has.</summary>
    public static bool IsForProbes(PathString path) => path == HealthPath || path == VersionPath || path == ReadyPath;

    public static void MapServer(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(HealthPath, () => Results.Text("OK")).RequireAccess(AccessPolicies.Open);
        routes.MapGet(VersionPath, () => Results.Text(ProtocolVersion)).RequireAccess(AccessPolicies.Open);
        routes.MapGet(ReadyPath, ReadyAsync).RequireAccess(AccessPolicies.Open);
        routes.MapApi(HttpMethods.Get, "3.0/mlflow/server-info", AccessPolicies.Any, () => new JsonAnswer(writer =>
        {
            writer.WriteString("store_type", "SqlStore");
            writer.WriteBoolean("workspaces_enabled", false);
            writer.WriteBoolean(TraceFactsFeature.Name, true);
            writer.WriteBoolean("keeps_assessment_ids", true);
            writer.WriteString(PlainCallFeature.Name, SdkInfo.Version);
        }));
    }

    private static async Task<IResult> ReadyAsync(Readiness readiness, CancellationToken cancellationToken)
    {
        var checks = await readiness.CheckAsync(cancellationToken).ConfigureAwait(false);
        var isReady = checks.All(check => check.Fault is null);
        return new JsonAnswer(
            writer =>
            {
                writer.WriteString("status", isReady ? "ready" : "unavailable");
                writer.WriteStartObject("checks");
                foreach (var (check, fault) in checks)
                {
                    writer.WriteString(check, fault ?? "ok");
                }

                writer.WriteEndObject();
            },
            isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
