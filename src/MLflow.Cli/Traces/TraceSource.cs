using System.Net;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Traces;

/// <summary>
/// Traces as a server of MLflow (3.0 or later) gives them. Unlike the SDK's objects they keep what we do not know: new fields of a newer server, links, ids that are not ours.
/// </summary>
internal sealed class TraceSource
{
    /// <summary>Traces whose spans are asked for at once, as MLflow's client does: they may be large.</summary>
    public const int Batch = 10;

    private const string Path = "/api/3.0/mlflow/traces";
    private readonly TrackingApi _api;

    public TraceSource(TrackingApi api) => _api = api;

    /// <exception cref="MlflowException">The filter is wrong, or the server refused or could not be reached.</exception>
    public async Task<TracePage> SearchAsync(TraceQuery query, CancellationToken cancellationToken)
    {
        var body = ScratchJson.Write(query, static (json, q) =>
        {
            json.WriteStartObject();
            json.WriteStartArray("locations");
            foreach (var id in q.ExperimentIds)
            {
                TraceDocument.WriteLocation(json, id);
            }

            json.WriteEndArray();
            if (!string.IsNullOrWhiteSpace(q.Filter))
            {
                json.WriteString("filter", q.Filter);
            }

            json.WriteNumber("max_results", q.PageSize);
            json.WriteStartArray("order_by");
            foreach (var column in q.OrderBy)
            {
                json.WriteStringValue(column);
            }

            json.WriteEndArray();
            if (q.PageToken is not null)
            {
                json.WriteString("page_token", q.PageToken);
            }

            json.WriteEndObject();
        });
        var answer = await _api.QueryAsync(Path + "/search", body, cancellationToken);
        return ApiJson.Read(answer, root => new TracePage(
            [.. ApiJson.Items(root, "traces")],
            ApiJson.Text(root, "next_page_token") is { Length: > 0 } token ? token : null));
    }

    /// <summary>The traces with their spans, in the same order. One that was deleted in the meantime is left out.</summary>
    public async Task<IReadOnlyList<TraceDocument>> GetAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, TraceDocument>();
        foreach (var trace in await TryAsync($"{Path}/batchGet?{string.Join('&', traceIds.Select(id => "trace_ids=" + Uri.EscapeDataString(id)))}", cancellationToken) ?? [])
        {
            found[trace.TraceId] = trace;
        }

        var traces = new List<TraceDocument>(traceIds.Count);
        foreach (var id in traceIds)
        {
            if ((found.GetValueOrDefault(id) ?? await FindAsync(id, cancellationToken)) is { } trace)
            {
                traces.Add(trace);
            }
        }

        return traces;
    }

    /// <summary>A trace with the spans that are there, also while it runs.</summary>
    /// <returns>Null where the server has none of that id.</returns>
    public async Task<TraceDocument?> FindAsync(string traceId, CancellationToken cancellationToken)
    {
        try
        {
            var id = Uri.EscapeDataString(traceId);
            return await TryAsync($"{Path}/get?trace_id={id}&allow_partial=true", cancellationToken) is [var whole]
                ? whole
                : await GetInPartsAsync(id, cancellationToken);
        }
        catch (MlflowException e) when (e.ErrorCode == MlflowErrorCode.ResourceDoesNotExist)
        {
            return null;
        }
    }

    /// <summary>Where the spans are not in the server's database, they are an artifact.</summary>
    private async Task<TraceDocument> GetInPartsAsync(string id, CancellationToken cancellationToken)
    {
        var info = ApiJson.Read(await _api.GetAsync($"{Path}/{id}", cancellationToken), root => ApiJson.Member(ApiJson.Member(root, "trace") ?? root, "trace_info") ?? default);
        var location = ApiJson.Member(info, "tags") is { } tags ? ApiJson.Text(tags, TraceKeys.ArtifactLocation) : null;
        if (!Uri.TryCreate(location, UriKind.Absolute, out var uri) || uri.Scheme != "mlflow-artifacts")
        {
            throw new CommandException($"the server at {_api.Address} keeps the spans of trace '{id}' at '{location}', where a client cannot read: start it with --serve-artifacts");
        }

        try
        {
            var data = await _api.GetAsync($"/api/2.0/mlflow-artifacts/artifacts{uri.AbsolutePath}/traces.json", cancellationToken);
            return ApiJson.Read(data, root => new TraceDocument(info, [.. ApiJson.Items(root, "spans")]));
        }
        catch (MlflowException e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            // They were never uploaded.
            return new TraceDocument(info, []);
        }
    }

    /// <returns>Null where the server has no such request, or not these spans in its database.</returns>
    private async Task<IReadOnlyList<TraceDocument>?> TryAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return ApiJson.Read(await _api.GetAsync(path, cancellationToken, retriesFailures: false), TraceDocument.ReadAll);
        }
        catch (MlflowException e) when (e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.InternalServerError or HttpStatusCode.NotImplemented)
        {
            return null;
        }
    }
}
