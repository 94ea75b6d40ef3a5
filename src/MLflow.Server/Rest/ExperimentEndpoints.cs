using System.Globalization;
using System.Text.Json;
using MLflow.Server.Access.Http;
using MLflow.Server.Experiments;
using MLflow.Server.Storage;
using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Rest;

/// <summary><c>/api/2.0/mlflow/experiments/…</c></summary>
internal static class ExperimentEndpoints
{
    private const int MaxNameLength = 500;
    private const int MaxTagKeyLength = 250;
    private const int MaxTagValueLength = 5000;

    public static void MapExperiments(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/experiments/create", AccessPolicies.Write, CreateAsync);
        routes.MapApi(HttpMethods.Get, "2.0/mlflow/experiments/get", AccessPolicies.Any, GetAsync);
        routes.MapApi(HttpMethods.Get, "2.0/mlflow/experiments/get-by-name", AccessPolicies.Any, GetByNameAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/experiments/search", AccessPolicies.Read, SearchByPostAsync);
        routes.MapApi(HttpMethods.Get, "2.0/mlflow/experiments/search", AccessPolicies.Read, SearchByGetAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/experiments/update", AccessPolicies.Write, RenameAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/experiments/delete", AccessPolicies.Full, DeleteAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/experiments/restore", AccessPolicies.Full, RestoreAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/experiments/set-experiment-tag", AccessPolicies.Write, SetTagAsync);
        routes.MapApi(HttpMethods.Post, "2.0/mlflow/experiments/delete-experiment-tag", AccessPolicies.Write, DeleteTagAsync);
    }

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: not a number.</exception>
    public static long ParseId(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var experimentId)
            ? experimentId
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid experiment ID '{text}'. Experiment ID must be a valid integer.");

    /// <summary>Whether a search is for active and for deleted things.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: no such view.</exception>
    public static (bool Active, bool Deleted) View(RequestJson parameters, string name) => parameters.String(name)?.ToUpperInvariant() switch
    {
        null or "" or "ACTIVE_ONLY" or "1" => (true, false),
        "DELETED_ONLY" or "2" => (false, true),
        "ALL" or "3" => (true, true),
        var other => throw new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid value {other} for parameter '{name}' supplied: it must be ACTIVE_ONLY, DELETED_ONLY or ALL."),
    };

    private static async Task<IResult> CreateAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var name = body.Required("name");
        RequireLength("name", name, MaxNameLength);

        var tags = body.Pairs("tags");
        foreach (var (key, value) in tags)
        {
            RequireTag(key, value);
        }

        var experiment = await store.CreateAsync(name, body.String("artifact_location"), tags, cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer => writer.WriteString("experiment_id", Id(experiment)));
    }

    private static async Task<IResult> GetAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken)
    {
        var id = RequestJson.FromQuery(request).Required("experiment_id");
        return Answer(await store.GetAsync(ParseId(id), cancellationToken).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No Experiment with id={id} exists"));
    }

    private static async Task<IResult> GetByNameAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken)
    {
        var name = RequestJson.FromQuery(request).Required("experiment_name");
        return Answer(await store.GetByNameAsync(name, cancellationToken).ConfigureAwait(false)
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Could not find experiment with name '{name}'"));
    }

    private static async Task<IResult> SearchByPostAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken) =>
        await SearchAsync(await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false), store, cancellationToken).ConfigureAwait(false);

    private static Task<IResult> SearchByGetAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken) =>
        SearchAsync(RequestJson.FromQuery(request), store, cancellationToken);

    private static async Task<IResult> SearchAsync(RequestJson parameters, IExperimentStore store, CancellationToken cancellationToken)
    {
        var (active, deleted) = View(parameters, "view_type");
        var page = await store.SearchAsync(
            new ExperimentQuery
            {
                Filter = parameters.String("filter"),
                OrderBy = parameters.Strings("order_by"),
                IncludeActive = active,
                IncludeDeleted = deleted,
                PageSize = (int)Math.Clamp(parameters.Int64("max_results") ?? 0, 0, int.MaxValue),
                PageToken = parameters.String("page_token"),
            },
            cancellationToken).ConfigureAwait(false);
        return new JsonAnswer(writer =>
        {
            writer.WriteList("experiments", page.Experiments, Write);
            writer.WriteText("next_page_token", page.NextPageToken);
        });
    }

    private static async Task<IResult> RenameAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var id = ParseId(body.Required("experiment_id"));
        var name = body.Required("new_name");
        RequireLength("name", name, MaxNameLength);
        await store.RenameAsync(id, name, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static Task<IResult> DeleteAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken) =>
        SetActiveAsync(request, store, isActive: false, cancellationToken);

    private static Task<IResult> RestoreAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken) =>
        SetActiveAsync(request, store, isActive: true, cancellationToken);

    private static async Task<IResult> SetActiveAsync(HttpRequest request, IExperimentStore store, bool isActive, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.SetActiveAsync(ParseId(body.Required("experiment_id")), isActive, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> SetTagAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var id = ParseId(body.Required("experiment_id"));
        var key = body.Required("key");
        var value = body.String("value") ?? string.Empty;
        RequireTag(key, value);
        await store.SetTagAsync(id, key, value, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> DeleteTagAsync(HttpRequest request, IExperimentStore store, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        await store.DeleteTagAsync(ParseId(body.Required("experiment_id")), body.Required("key"), cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static JsonAnswer Answer(Experiment experiment) => new(writer =>
    {
        writer.WritePropertyName("experiment");
        Write(writer, experiment);
    });

    private static void Write(Utf8JsonWriter writer, Experiment experiment)
    {
        writer.WriteStartObject();
        writer.WriteString("experiment_id", Id(experiment));
        writer.WriteString("name", experiment.Name);
        writer.WriteString("artifact_location", experiment.ArtifactLocation);
        writer.WriteString("lifecycle_stage", experiment.IsActive ? "active" : "deleted");
        writer.WriteNumber("last_update_time", experiment.LastUpdateTimeMs);
        writer.WriteNumber("creation_time", experiment.CreationTimeMs);
        writer.WritePairs("tags", experiment.Tags);
        writer.WriteEndObject();
    }

    private static string Id(Experiment experiment) => experiment.ExperimentId.ToString(CultureInfo.InvariantCulture);

    private static void RequireTag(string key, string value)
    {
        RequireLength("key", key, MaxTagKeyLength);
        RequireLength("value", value, MaxTagValueLength);
        RetentionPolicy.CheckTag(key, value);
    }

    private static void RequireLength(string name, string value, int limit)
    {
        if (value.Length > limit)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'{name}' exceeds the maximum length of {limit} characters");
        }
    }
}
