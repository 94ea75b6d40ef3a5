using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Credentials for the document of a trace. Fact sheet §1.9.</summary>
internal sealed class TraceDataEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    private const string Path = "/api/2.0/mlflow/traces/{id}/";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path + "credentials-for-data-upload", context => AnswerAsync(context, isUpload: true));
        routes.MapGet(Path + "credentials-for-data-download", context => AnswerAsync(context, isUpload: false));
    }

    /// <summary>Where the document of a trace lies in the storage.</summary>
    public static string PathOf(StoredTrace trace) => $"mlflow-tracking/{trace.Place}/{trace.Id}/artifacts/traces.json";

    private async Task AnswerAsync(HttpContext context, bool isUpload)
    {
        ApiRequest.Query(context);
        if (workspace.Traces.Find(ApiRequest.Route(context, "id")) is not { } trace)
        {
            await ApiAnswers.MissingAsync(context, $"Trace with ID '{ApiRequest.Route(context, "id")}' not found.");
            return;
        }

        var (uri, grant) = workspace.Storage.Sign(PathOf(trace), isUpload);
        await ApiAnswers.OkAsync(context, new
        {
            credential_info = new
            {
                run_id = "",
                path = "traces.json",
                signed_uri = uri,
                headers = grant.Headers.Select(h => new { name = h.Key, value = h.Value }),
                type = grant.Kind.ToString(),
            },
        });
    }
}
