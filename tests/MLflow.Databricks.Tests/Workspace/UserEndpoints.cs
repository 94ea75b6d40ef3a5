using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Who one is, and folders.</summary>
internal sealed class UserEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    public const string UserName = "ann@example.com";

    public void Map(IEndpointRouteBuilder routes)
    {
        // Fact sheet §1.7: the current user, for /Users/<me>.
        routes.MapGet("/api/2.0/preview/scim/v2/Me", context => ApiAnswers.OkAsync(context, new { userName = UserName }));

        // Fact sheet §1.7: creates a folder with all above it.
        routes.MapPost("/api/2.0/workspace/mkdirs", async context =>
        {
            workspace.Experiments.AddFolder(ApiRequest.Text(ApiRequest.Json(context, "path"), "path")!);
            await ApiAnswers.OkAsync(context, new { });
        });
    }
}
