using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>What a workspace says of itself to anybody.</summary>
internal sealed class DiscoveryEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/.well-known/databricks-config", ConfigAsync).WithMetadata(PublicEndpoint.Mark);
        routes.MapGet("/oidc/.well-known/oauth-authorization-server", OAuthAsync).WithMetadata(PublicEndpoint.Mark);
        routes.MapGet("/aad/auth", AzureTenantAsync).WithMetadata(PublicEndpoint.Mark);
    }

    /// <summary>Fact sheet §1.3, host metadata: best effort, so clients must do without it.</summary>
    private Task ConfigAsync(HttpContext context) => workspace.HasMetadata
        ? ApiAnswers.OkAsync(context, new { oidc_endpoint = workspace.Host + "/oidc", account_id = "6d2c9b1e-0000-0000-0000-000000000001", workspace_id = "1234567890", cloud = "aws" })
        : ApiAnswers.RefuseAsync(context, 404, "ENDPOINT_NOT_FOUND", "No API found.");

    /// <summary>Fact sheet §1.5, oauth-m2m, discovery.</summary>
    private Task OAuthAsync(HttpContext context) =>
        ApiAnswers.OkAsync(context, new { authorization_endpoint = workspace.Host + "/oidc/v1/authorize", token_endpoint = workspace.Host + "/oidc/v1/token" });

    /// <summary>Fact sheet §1.5, azure-client-secret, missing tenant: the redirect itself is the answer, its target tells nothing.</summary>
    private Task AzureTenantAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status302Found;
        context.Response.Headers.Location = $"https://{StandInCloud.LoginHost}/{workspace.Cloud.Tenant}/oauth2/authorize?client_id={StandInCloud.DatabricksResource}";
        return Task.CompletedTask;
    }
}
