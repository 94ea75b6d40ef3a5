using System.Globalization;
using System.Security.Cryptography;
using MLflow.Server.Access.Http;
using MLflow.Server.Runs;
using MLflow.Server.Storage;

namespace MLflow.Server.Rest;

/// <summary><c>/api/2.0/mlflow/runs/…</c>: what clients of traces call around them.</summary>
internal static class RunEndpoints
{
    private const string Path = "2.0/mlflow/runs/";

    // As in MLflow.
    private const int MaxMetrics = 1000;
    private const int MaxParams = 100;
    private const int MaxTags = 100;
    private const int MaxEntities = 1000;

    private static readonly string[] Manners = ["able", "bold", "calm", "deft", "eager", "fair", "glad", "keen", "lucid", "merry", "neat", "quick", "rare", "sly", "trim", "wise"];
    private static readonly string[] Beings = ["ant", "bee", "crane", "dove", "elk", "finch", "goose", "hare", "ibex", "jay", "koi", "lynx", "mole", "newt", "owl", "wren"];

    public static void MapRuns(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, Path + "create", AccessPolicies.Write, CreateAsync);
        routes.MapApi(HttpMethods.Get, Path + "get", AccessPolicies.Read, GetAsync);
        routes.MapApi(HttpMethods.Post, Path + "update", AccessPolicies.Write, UpdateAsync);
        routes.MapApi(HttpMethods.Post, Path + "search", AccessPolicies.Read, SearchAsync);
        routes.MapApi(HttpMethods.Post, Path + "delete", AccessPolicies.Write, (HttpRequest request, IRunStore store, CancellationToken cancellationToken) => SetActiveAsync(request, store, false, cancellationToken));
        routes.MapApi(HttpMethods.Post, Path + "restore", AccessPolicies.Write, (HttpRequest request, IRunStore store, CancellationToken cancellationToken) => SetActiveAsync(request, store, true, cancellationToken));
        routes.MapApi(HttpMethods.Post, Path + "log-metric", AccessPolicies.Write, LogMetricAsync);
        routes.MapApi(HttpMethods.Post, Path + "log-parameter", AccessPolicies.Write, LogParamAsync);
        routes.MapApi(HttpMethods.Post, Path + "log-batch", AccessPolicies.Write, LogBatchAsync);
        routes.MapApi(HttpMethods.Post, Path + "set-tag", AccessPolicies.Write, SetTagAsync);
        routes.MapApi(HttpMethods.Post, Path + "delete-tag", AccessPolicies.Write, DeleteTagAsync);
    }

    private static async Task<IResult> CreateAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var tags = RunJson.ReadTags(body);
        var name = body.String("run_name");
        var nameInTags = tags.GetValueOrDefault(Run.NameTag);
        if (!string.IsNullOrEmpty(name) && !string.IsNullOrEmpty(nameInTags) && name != nameInTags)
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE, $"Both 'run_name' ('{name}') and the tag '{Run.NameTag}' ('{nameInTags}') name the run, and differ. Send one of them.");
        }

        var run = await store.CreateAsync(
            new Run
            {
                RunId = Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture),
                ExperimentId = ExperimentEndpoints.ParseId(body.Required("experiment_id")),
                Name = Name(!string.IsNullOrEmpty(name) ? name : nameInTags),
                UserId = body.String("user_id") ?? string.Empty,
                StartTimeMs = body.Int64("start_time"),
                Tags = tags,
            },
            cancellationToken).ConfigureAwait(false);
        return Answer(run);
    }

    private static async Task<IResult> GetAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var runId = RunId(RequestJson.FromQuery(request));
        return Answer(await store.GetAsync(runId, cancellationToken).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Run with id={runId} not found"));
    }

    private static async Task<IResult> UpdateAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var name = body.String("run_name");
        var change = new RunChange(string.IsNullOrEmpty(name) ? null : Name(name), RunJson.ReadStatus(body.String("status")), body.Int64("end_time"));
        var run = await store.UpdateAsync(RunId(body), change, cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WritePropertyName("run_info");
            RunJson.WriteInfo(writer, run);
        });
    }

    private static async Task<IResult> SearchAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var (active, deleted) = ExperimentEndpoints.View(body, "run_view_type");
        var page = await store.SearchAsync(
            new RunQuery
            {
                ExperimentIds = [.. body.Strings("experiment_ids").Select(ExperimentEndpoints.ParseId).Distinct()],
                Filter = body.String("filter"),
                OrderBy = body.Strings("order_by"),
                IncludeActive = active,
                IncludeDeleted = deleted,
                PageSize = (int)Math.Clamp(body.Int64("max_results") ?? 1000, 0, int.MaxValue),
                PageToken = body.String("page_token"),
            },
            cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteList("runs", page.Runs, RunJson.Write);
            writer.WriteText("next_page_token", page.NextPageToken);
        });
    }

    private static async Task<IResult> SetActiveAsync(HttpRequest request, IRunStore store, bool isActive, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.SetActiveAsync(RunId(body), isActive, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> LogMetricAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.LogAsync(RunId(body), new RunBatch { Metrics = [RunJson.ReadMetric(body)] }, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> LogParamAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.LogAsync(RunId(body), new RunBatch { Params = new Dictionary<string, string>([RunJson.ReadParam(body)]) }, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> LogBatchAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var metrics = body.Objects("metrics").Select(RunJson.ReadMetric).ToList();
        var parameters = body.Objects("params").Select(RunJson.ReadParam).ToList();
        var tags = RunJson.ReadTags(body);
        RequireFew("metrics", metrics.Count, MaxMetrics);
        RequireFew("params", parameters.Count, MaxParams);
        RequireFew("tags", tags.Count, MaxTags);
        RequireFew("metrics, params and tags", metrics.Count + parameters.Count + tags.Count, MaxEntities);
        var batch = new RunBatch { Metrics = metrics, Params = Once(parameters), Tags = tags };
        await store.LogAsync(RunId(body), batch, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> SetTagAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.LogAsync(RunId(body), new RunBatch { Tags = new Dictionary<string, string>([RunJson.ReadTag(body)]) }, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> DeleteTagAsync(HttpRequest request, IRunStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.DeleteTagAsync(RunId(body), body.Required("key"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    // Clients send both names, or the old one alone.
    private static string RunId(RequestJson json) =>
        json.String("run_id") is { Length: > 0 } runId ? runId
        : json.String("run_uuid") is { Length: > 0 } runUuid ? runUuid
        : throw RequestJson.Missing("run_id");

    private static string Name(string? given) => string.IsNullOrEmpty(given)
        ? $"{Manners[RandomNumberGenerator.GetInt32(Manners.Length)]}-{Beings[RandomNumberGenerator.GetInt32(Beings.Length)]}-{RandomNumberGenerator.GetInt32(1000)}"
        : RunJson.Name(given);

    private static Dictionary<string, string> Once(List<KeyValuePair<string, string>> parameters)
    {
        var once = new Dictionary<string, string>();
        foreach (var (key, value) in parameters)
        {
            if (!once.TryAdd(key, value))
            {
                throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The param '{key}' stands twice in the request; send each once.");
            }
        }

        return once;
    }

    private static void RequireFew(string what, int count, int limit)
    {
        if (count > limit)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"A batch logging request can contain at most {limit} {what}. Got {count} {what}; split them into several requests.");
        }
    }

    private static JsonAnswer Answer(Run run) => new(writer =>
    {
        writer.WritePropertyName("run");
        RunJson.Write(writer, run);
    });
}
