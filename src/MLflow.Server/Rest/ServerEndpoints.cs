namespace MLflow.Server.Rest;

/// <summary>What the server says about itself.</summary>
internal static class ServerEndpoints
{
    /// <summary>The MLflow whose protocol this server speaks. Python sends spans by OTLP from 3.4 on only.</summary>
    public const string ProtocolVersion = "3.11.2";

    public const string HealthPath = "/health";
    public const string VersionPath = "/version";

    /// <summary>What tells nothing but that the server is there: probes ask by whatever name the machine has.</summary>
    public static bool IsForProbes(PathString path) => path == HealthPath || path == VersionPath;

    public static void MapServer(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(HealthPath, () => Results.Text("OK"));
        routes.MapGet(VersionPath, () => Results.Text(ProtocolVersion));
        routes.MapApi(HttpMethods.Get, "3.0/mlflow/server-info", () => new JsonAnswer(writer =>
        {
            writer.WriteString("store_type", "SqlStore");
            writer.WriteBoolean("workspaces_enabled", false);
            writer.WriteBoolean(TraceFactsFeature.Name, true);
        }));
    }
}
