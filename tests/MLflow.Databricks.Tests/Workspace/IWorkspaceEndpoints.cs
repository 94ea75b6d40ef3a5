using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>One group of endpoints of the stand-in. What no group maps is refused, and remembered in <see cref="StandInWorkspace.Unlisted"/>.</summary>
internal interface IWorkspaceEndpoints
{
    void Map(IEndpointRouteBuilder routes);
}
