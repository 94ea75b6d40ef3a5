using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Traces of experiments: StartTraceV3, get, search, delete, tags. Fact sheet §1.8, protocol sheet §1.10 and §8.2.</summary>
internal sealed partial class TraceEndpoints(StandInWorkspace workspace) : IWorkspaceEndpoints
{
    private const string V3 = "/api/3.0/mlflow/traces";
    private const string V2 = "/api/2.0/mlflow/traces";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(V3, StartAsync);
        routes.MapGet(V3 + "/{id}", GetAsync);
        routes.MapPost(V3 + "/search", SearchAsync);
        routes.MapPost(V2 + "/delete-traces", DeleteAsync);
        routes.MapPatch(V2 + "/{id}/tags", context => ChangeTagAsync(context, ["key", "value"]));
        routes.MapDelete(V2 + "/{id}/tags", context => ChangeTagAsync(context, ["key"]));
        routes.MapPost(V2 + "/link-to-run", LinkAsync);
    }

    /// <summary>Fact sheet §1.8, step 1.</summary>
    private async Task StartAsync(HttpContext context)
    {
        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.CreateTraces))
        {
            return;
        }

        var trace = ApiRequest.Json(context, "trace")["trace"] as JsonObject ?? throw new UnlistedRequestException("there is no trace");
        ApiRequest.Only(trace, "trace_info");
        var info = (JsonObject)trace["trace_info"]!;
        var id = ApiRequest.Text(info, "trace_id") ?? "";
        if ((TraceId().IsMatch(id) ? TraceInfoRules.Mistake(info, "3") : $"The trace id '{id}' is none.") is { } mistake)
        {
            await ApiAnswers.InvalidAsync(context, mistake);
            return;
        }

        var location = info["trace_location"] as JsonObject ?? [];
        ApiRequest.Only(location, "type", "mlflow_experiment");
        var experimentId = ApiRequest.Text(location["mlflow_experiment"], "experiment_id");
        var experiment = workspace.Experiments.Find(experimentId);
        switch (experiment)
        {
            case null:
                await ApiAnswers.MissingAsync(context, $"No Experiment with id={experimentId} exists");
                return;
            case { IsForbidden: true }:
                await ApiAnswers.RefuseAsync(context, 403, "PERMISSION_DENIED", $"User does not have permission to edit experiment {experimentId}.");
                return;
            case { IsDeleted: true }:
                await ApiAnswers.InvalidAsync(context, $"The experiment {experimentId} must be in the 'active' state. Current state is deleted.");
                return;
            default:
                break;
        }

        var assessments = info["assessments"] as JsonArray;
        info.Remove("assessments");
        var tags = info["tags"] as JsonObject ?? [];
        info["tags"] = tags.Parent is null ? tags : tags.DeepClone();

        // Fact sheet §1.8 and §1.9: the server's tag, and where it says that the artifacts of traces lie.
        ((JsonObject)info["tags"]!)["mlflow.artifactLocation"] = $"dbfs:/databricks/mlflow-tracking/{experimentId}/{id}/artifacts";
        var stored = workspace.Traces.Put(new StoredTrace(id, experiment.Id, (JsonObject)info.DeepClone()));
        foreach (var assessment in assessments ?? [])
        {
            stored.Assessments.Add(AssessmentEndpoints.Complete((JsonObject)assessment!, id));
        }

        await AnswerAsync(context, stored);
    }

    /// <summary>Protocol sheet §1.10, GetTraceInfoV3.</summary>
    private async Task GetAsync(HttpContext context)
    {
        if (ApiRequest.Route(context, "id") is "get" or "batchGet")
        {
            throw new UnlistedRequestException("requests for whole traces are those of MLflow's own server");
        }

        ApiRequest.Query(context, "trace_id");
        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.GetTraces))
        {
            return;
        }

        var id = ApiRequest.Route(context, "id");
        if (workspace.Traces.Find(id) is { } trace)
        {
            await AnswerAsync(context, trace);
        }
        else
        {
            await ApiAnswers.MissingAsync(context, $"Trace with ID '{id}' not found.");
        }
    }

    /// <summary>Protocol sheet §1.10, SearchTracesV3.</summary>
    private async Task SearchAsync(HttpContext context)
    {
        if (!await workspace.Quotas.TryTakeAsync(context, QuotaGroup.SearchTraces))
        {
            return;
        }

        var body = ApiRequest.Json(context, "locations", "filter", "max_results", "order_by", "page_token");
        var experiments = ((JsonArray)body["locations"]!).Select(location => ApiRequest.Text(location!["mlflow_experiment"], "experiment_id")).ToHashSet();
        try
        {
            var found = workspace.Traces.All.Where(t => experiments.Contains(t.Place)).Where(TraceFilter.Parse(ApiRequest.Text(body, "filter"))).ToList();
            await AnswerPageAsync(context, found, body, "traces");
        }
        catch (FormatException e)
        {
            await ApiAnswers.InvalidAsync(context, e.Message);
        }
    }

    /// <summary>A page, the newest first. Protocol sheet §1.5; max_results 1 to 500.</summary>
    public static async Task AnswerPageAsync(HttpContext context, IEnumerable<StoredTrace> found, JsonObject body, string member)
    {
        var size = body["max_results"]?.GetValue<int>() ?? 100;
        if (size is < 1 or > 500)
        {
            await ApiAnswers.InvalidAsync(context, $"Invalid value {size} for parameter 'max_results' supplied.");
            return;
        }

        var at = int.Parse(ApiRequest.Text(body, "page_token") ?? "0", System.Globalization.CultureInfo.InvariantCulture);
        var page = found.OrderByDescending(t => ApiRequest.Text(t.Info, "request_time"), StringComparer.Ordinal).ThenBy(t => t.Id, StringComparer.Ordinal).Skip(at).Take(size).ToList();
        var answer = new JsonObject();
        if (page.Count > 0)
        {
            answer[member] = new JsonArray([.. page.Select(t => t.ToJson())]);
        }

        if (page.Count == size)
        {
            answer["next_page_token"] = (at + size).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        await ApiAnswers.OkAsync(context, answer);
    }

    /// <summary>Protocol sheet §1.10, DeleteTraces; fact sheet §1.12: at most 100 ids.</summary>
    private async Task DeleteAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "experiment_id", "request_ids", "max_timestamp_millis", "max_traces");
        var ids = (body["request_ids"] as JsonArray)?.Select(id => id!.GetValue<string>()).ToList();
        if (ids is null)
        {
            var until = body["max_timestamp_millis"]!.GetValue<long>();
            ids = [.. workspace.Traces.All.Where(t => DateTimeOffset.Parse(ApiRequest.Text(t.Info, "request_time")!, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds() <= until).Select(t => t.Id).Take(body["max_traces"]?.GetValue<int>() ?? int.MaxValue)];
        }
        else if (ids.Count > 100)
        {
            await ApiAnswers.InvalidAsync(context, "At most 100 traces can be deleted in one request.");
            return;
        }

        var experiment = ApiRequest.Text(body, "experiment_id");
        await ApiAnswers.OkAsync(context, new { traces_deleted = ids.Count(id => workspace.Traces.Find(id)?.Place == experiment && workspace.Traces.Remove(id)) });
    }

    /// <summary>Protocol sheet §1.10, trace tags.</summary>
    private async Task ChangeTagAsync(HttpContext context, string[] members)
    {
        var body = ApiRequest.Json(context, members);
        var (id, key) = (ApiRequest.Route(context, "id"), ApiRequest.Text(body, "key")!);
        if (workspace.Traces.Find(id) is not { } trace)
        {
            await ApiAnswers.MissingAsync(context, $"Trace with ID '{id}' not found.");
        }
        else if (ApiRequest.Text(body, "value") is { } value)
        {
            trace.Tags[key] = value;
            await ApiAnswers.OkAsync(context, new { });
        }
        else if (trace.Tags.Remove(key))
        {
            await ApiAnswers.OkAsync(context, new { });
        }
        else
        {
            await ApiAnswers.MissingAsync(context, $"No trace tag with key '{key}' for trace with ID '{id}'");
        }
    }

    /// <summary>Protocol sheet §1.10, link to run.</summary>
    private async Task LinkAsync(HttpContext context)
    {
        var body = ApiRequest.Json(context, "trace_ids", "run_id");
        foreach (var id in (JsonArray)body["trace_ids"]!)
        {
            if (workspace.Traces.Find(id!.GetValue<string>()) is { } trace)
            {
                ((JsonObject)trace.Info["trace_metadata"]!)["mlflow.sourceRun"] = ApiRequest.Text(body, "run_id");
            }
        }

        await ApiAnswers.OkAsync(context, new { });
    }

    private static Task AnswerAsync(HttpContext context, StoredTrace trace) =>
        ApiAnswers.OkAsync(context, new JsonObject { ["trace"] = new JsonObject { ["trace_info"] = trace.ToJson() } });

    [GeneratedRegex("^tr-[0-9a-f]{32}$")]
    private static partial Regex TraceId();
}
