using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Experiments. Protocol sheet §1.8 for the requests, fact sheet §1.7 for names.</summary>
internal sealed class ExperimentEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    private const string Path = "/api/2.0/mlflow/experiments/";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Path + "create", CreateAsync);
        routes.MapGet(Path + "get", context =>
        {
            ApiRequest.Query(context, "experiment_id");
            return AnswerAsync(context, workspace.Experiments.Find(context.Request.Query["experiment_id"]), $"No Experiment with id={context.Request.Query["experiment_id"]} exists");
        });
        routes.MapGet(Path + "get-by-name", context =>
        {
            ApiRequest.Query(context, "experiment_name");
            var name = context.Request.Query["experiment_name"].ToString();
            return AnswerAsync(context, workspace.Experiments.FindByName(name), $"Could not find experiment with name '{name}'");
        });
        routes.MapPost(Path + "search", SearchAsync);
        routes.MapPost(Path + "update", context => ChangeAsync(context, ["experiment_id", "new_name"], (e, body) => e.Name = ApiRequest.Text(body, "new_name")!));
        routes.MapPost(Path + "delete", context => ChangeAsync(context, ["experiment_id"], (e, _) => e.IsDeleted = true));
        routes.MapPost(Path + "restore", context => ChangeAsync(context, ["experiment_id"], (e, _) => e.IsDeleted = false));
        routes.MapPost(Path + "set-experiment-tag", context =>
            ChangeAsync(context, ["experiment_id", "key", "value"], (e, body) => e.Tags[ApiRequest.Text(body, "key")!] = ApiRequest.Text(body, "value")!));
        routes.MapPost(Path + "delete-experiment-tag", context => ChangeAsync(context, ["experiment_id", "key"], (e, body) => e.Tags.Remove(ApiRequest.Text(body, "key")!)));
    }

    private async Task CreateAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "name", "artifact_location", "tags");
        var name = ApiRequest.Text(body, "name") ?? "";
        if (!name.StartsWith('/') || name.EndsWith('/'))
        {
            // Fact sheet §1.7, the text as it stands there.
            await ApiAnswers.InvalidAsync(
                context,
                $"Got an invalid experiment name '{name}'. An experiment name must be an absolute path within the Databricks workspace, e.g. '/Users/<some-username>/my-experiment'.");
            return;
        }

        // Fact sheet §1.7: stored without a leading /Workspace.
        name = name.StartsWith("/Workspace/", StringComparison.Ordinal) ? name["/Workspace".Length..] : name;
        if (workspace.Experiments.HasFolder(name))
        {
            await ApiAnswers.InvalidAsync(context, "Expected id '77' to be an MLflow experiment or Databricks notebook, found 'DIRECTORY'.");
            return;
        }

        if (!workspace.Experiments.HasFolder(StoredExperiments.Parent(name)))
        {
            // Fact sheet §1.7: the code is known, the text is not.
            await ApiAnswers.MissingAsync(context, $"The parent directory {StoredExperiments.Parent(name)} does not exist.");
            return;
        }

        if (workspace.Experiments.FindByName(name) is not null)
        {
            await ApiAnswers.RefuseAsync(context, 400, "RESOURCE_ALREADY_EXISTS", $"Experiment '{name}' already exists.");
            return;
        }

        await ApiAnswers.OkAsync(context, new { experiment_id = workspace.Experiments.Add(name).Id });
    }

    private async Task SearchAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "max_results", "page_token", "filter", "order_by", "view_type");
        if (body["filter"] is not null || body["page_token"] is not null || body["order_by"] is not null)
        {
            throw new UnlistedRequestException("the stand-in searches experiments without filter, order and pages");
        }

        var view = ApiRequest.Text(body, "view_type");
        await ApiAnswers.OkAsync(context, new
        {
            experiments = workspace.Experiments.All.Where(e => view == "ALL" || e.IsDeleted == (view == "DELETED_ONLY")).OrderByDescending(e => e.Id).Select(Json),
        });
    }

    private async Task ChangeAsync(HttpContext context, string[] members, Action<StoredExperiment, JsonObject> change)
    {
        var body = ApiRequest.Json(context, members);
        if (workspace.Experiments.Find(ApiRequest.Text(body, "experiment_id")) is not { } experiment)
        {
            await ApiAnswers.MissingAsync(context, $"No Experiment with id={ApiRequest.Text(body, "experiment_id")} exists");
            return;
        }

        change(experiment, body);
        await ApiAnswers.OkAsync(context, new { });
    }

    private static Task AnswerAsync(HttpContext context, StoredExperiment? experiment, string missing) =>
        experiment is null ? ApiAnswers.MissingAsync(context, missing) : ApiAnswers.OkAsync(context, new { experiment = Json(experiment) });

    private static object Json(StoredExperiment experiment) => new
    {
        experiment_id = experiment.Id,
        name = experiment.Name,
        artifact_location = "dbfs:/databricks/mlflow-tracking/" + experiment.Id,
        lifecycle_stage = experiment.IsDeleted ? "deleted" : "active",
        tags = experiment.Tags.Select(tag => new { key = tag.Key, value = tag.Value }),
    };
}
