using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace MLflow;

/// <summary>The requests for experiments: <c>/api/2.0/mlflow/experiments/…</c></summary>
internal sealed class ExperimentApi
{
    private const string Path = "/api/2.0/mlflow/experiments/";

    private readonly TrackingApi _api;

    public ExperimentApi(TrackingApi api) => _api = api;

    /// <exception cref="MlflowException">There is none, or the server could not be asked.</exception>
    public async Task<ExperimentRecord> GetAsync(string experimentId, CancellationToken cancellationToken) =>
        ReadOne(await _api.GetAsync($"{Path}get?experiment_id={Uri.EscapeDataString(experimentId)}", cancellationToken).ConfigureAwait(false));

    /// <summary>Null where there is none. Deleted ones are found.</summary>
    public async Task<ExperimentRecord?> FindAsync(string name, CancellationToken cancellationToken)
    {
        name = NameOf(name);
        try
        {
            return ReadOne(await _api.GetAsync($"{Path}get-by-name?experiment_name={Uri.EscapeDataString(name)}", cancellationToken).ConfigureAwait(false));
        }
        catch (MlflowException e) when (e.IsMissing)
        {
            return null;
        }
    }

    public async Task<string> CreateAsync(string name, string? artifactLocation, IReadOnlyDictionary<string, string>? tags, CancellationToken cancellationToken)
    {
        name = NameOf(name);
        var body = ScratchJson.Write((name, artifactLocation, tags), static (json, s) =>
        {
            json.WriteStartObject();
            json.WriteString("name", s.name);
            if (s.artifactLocation is not null)
            {
                json.WriteString("artifact_location", s.artifactLocation);
            }

            if (s.tags is { Count: > 0 })
            {
                json.WriteStartArray("tags");
                foreach (var (key, value) in s.tags)
                {
                    json.WriteStartObject();
                    json.WriteString("key", key);
                    json.WriteString("value", value);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        });
        var answer = await PostAsync("create", body, cancellationToken).ConfigureAwait(false);
        return ApiJson.Read(answer, root => ApiJson.Text(root, "experiment_id") ?? throw new FormatException("it names no experiment_id"));
    }

    private string NameOf(string name) => _api.Workspace is null ? name : ExperimentPath.Normalize(name);

    /// <summary>Gets the experiment, and creates it where it is missing.</summary>
    public async Task<ExperimentRecord> GetOrCreateAsync(string name, CancellationToken cancellationToken)
    {
        if (await FindAsync(name, cancellationToken).ConfigureAwait(false) is { } existing)
        {
            return existing;
        }

        try
        {
            return await GetAsync(await CreateAsync(name, null, null, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.ErrorCode == MlflowErrorCode.ResourceAlreadyExists)
        {
            // Another program was faster.
            if (await FindAsync(name, cancellationToken).ConfigureAwait(false) is { } others)
            {
                return others;
            }

            throw;
        }
    }

    public async IAsyncEnumerable<ExperimentRecord> SearchAsync(string? filter, ExperimentSearchOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = options.MaxResults ?? int.MaxValue;
        string? token = null;
        do
        {
            var body = SearchBody(filter, options, Math.Min(options.PageSize, left), token);
            var (page, next) = ApiJson.Read(await _api.QueryAsync(Path + "search", body, cancellationToken).ConfigureAwait(false), root =>
                (ApiJson.Items(root, "experiments").Select(Read).ToList(), ApiJson.Text(root, "next_page_token")));
            foreach (var experiment in page.Take(left))
            {
                yield return experiment;
            }

            left -= page.Count;
            token = next;
        }
        while (!string.IsNullOrEmpty(token) && left > 0);
    }

    /// <summary>Sends a change that is told by fields of text.</summary>
    public Task ChangeAsync(string operation, (string Name, string Value)[] fields, CancellationToken cancellationToken) =>
        PostAsync(operation, ApiJson.Fields(fields), cancellationToken);

    private Task<byte[]> PostAsync(string operation, byte[] body, CancellationToken cancellationToken) =>
        _api.WriteAsync(HttpMethod.Post, Path + operation, body, cancellationToken);

    private static byte[] SearchBody(string? filter, ExperimentSearchOptions options, int pageSize, string? token) =>
        ScratchJson.Write((filter, options, pageSize, token), static (json, s) =>
        {
            json.WriteStartObject();
            json.WriteNumber("max_results", s.pageSize);
            if (s.token is not null)
            {
                json.WriteString("page_token", s.token);
            }

            if (!string.IsNullOrWhiteSpace(s.filter))
            {
                json.WriteString("filter", s.filter);
            }

            if (s.options.OrderBy.Count > 0)
            {
                json.WriteStartArray("order_by");
                foreach (var item in s.options.OrderBy)
                {
                    json.WriteStringValue(item);
                }

                json.WriteEndArray();
            }

            json.WriteString("view_type", (s.options.IncludeActive, s.options.IncludeDeleted) switch
            {
                (true, false) => "ACTIVE_ONLY",
                (false, true) => "DELETED_ONLY",
                _ => "ALL",
            });
            json.WriteEndObject();
        });

    private static ExperimentRecord ReadOne(byte[] answer) =>
        ApiJson.Read(answer, root => Read(ApiJson.Member(root, "experiment") ?? throw new FormatException("it has no 'experiment'")));

    private static ExperimentRecord Read(JsonElement experiment) => new()
    {
        ExperimentId = ApiJson.Text(experiment, "experiment_id") ?? throw new FormatException("an experiment has no experiment_id"),
        Name = ApiJson.Text(experiment, "name") ?? "",
        ArtifactLocation = ApiJson.Text(experiment, "artifact_location"),
        IsActive = ApiJson.Text(experiment, "lifecycle_stage") != "deleted",
        CreationTime = Time(experiment, "creation_time"),
        LastUpdateTime = Time(experiment, "last_update_time"),
        Tags = ApiJson.Items(experiment, "tags").DistinctBy(tag => ApiJson.Text(tag, "key")).ToDictionary(tag => ApiJson.Text(tag, "key") ?? "", tag => ApiJson.Text(tag, "value") ?? ""),
    };

    private static DateTimeOffset? Time(JsonElement experiment, string name) =>
        long.TryParse(ApiJson.Text(experiment, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var ms) ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : null;
}
