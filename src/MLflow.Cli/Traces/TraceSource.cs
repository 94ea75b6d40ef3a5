using System.Net;
using System.Text.Json;
using MLflow.Cli.Commands;

namespace MLflow.Cli.Traces;

/// <summary>
/// Traces as a server of MLflow (3.0 or later) or a Databricks workspace gives them. Unlike the SDK's objects they keep what we do not know: new fields of a newer server, links, ids that are not ours.
/// </summary>
internal sealed class TraceSource
{
    /// <summary>Traces whose spans are asked for at once, as MLflow's client does: they may be large.</summary>
    public const int Batch = 10;

    private const string Path = "/api/3.0/mlflow/traces";
    private const string CatalogSearch = "/api/4.0/mlflow/traces/search";
    private readonly TrackingApi _api;

    public TraceSource(TrackingApi api) => _api = api;

    /// <exception cref="MlflowException">The filter is wrong, or the server refused or could not be reached.</exception>
    public async Task<TracePage> SearchAsync(TraceQuery query, CancellationToken cancellationToken)
    {
        var places = query.ExperimentIds.Count(id => CatalogLocation.TryParse(id, out _));
        if (places > 0 && places < query.ExperimentIds.Count)
        {
            throw CommandException.WrongUse("a search looks in experiments or in places of Unity Catalog, not in both");
        }

        var warehouse = places > 0 ? new CatalogTraces(_api).WarehouseId() : null;
        var body = ScratchJson.Write((query, warehouse), static (json, s) =>
        {
            var q = s.query;
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

            if (s.warehouse is not null)
            {
                json.WriteString("sql_warehouse_id", s.warehouse);
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
        var answer = await _api.QueryAsync(places > 0 ? CatalogSearch : Path + "/search", body, cancellationToken);
        return ApiJson.Read(answer, root => new TracePage(
            [.. ApiJson.Items(root, places > 0 ? "trace_infos" : "traces")],
            ApiJson.Text(root, "next_page_token") is { Length: > 0 } token ? token : null));
    }

    /// <summary>The traces with their spans, in the same order. One that was deleted in the meantime is left out.</summary>
    public async Task<IReadOnlyList<TraceDocument>> GetAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken)
    {
        if (_api.Workspace is { } workspace)
        {
            // Each is a document of its own, or in Unity Catalog a request of its own.
            return [.. (await Task.WhenAll(traceIds.Select(id => FindInWorkspaceAsync(workspace, id, cancellationToken)))).OfType<TraceDocument>()];
        }

        var found = new Dictionary<string, TraceDocument>();
        foreach (var trace in await TryBatchAsync(traceIds, cancellationToken) ?? [])
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

    /// <summary>The names of traces' roots, by the ids of the traces: what comes by OTLP has no other name. Those whose spans the server does not have at hand are left out.</summary>
    public async Task<Dictionary<string, string?>> RootNamesAsync(IEnumerable<string> traceIds, CancellationToken cancellationToken)
    {
        var names = new Dictionary<string, string?>();
        foreach (var batch in _api.Workspace is null ? traceIds.Chunk(Batch) : [])
        {
            foreach (var trace in await TryBatchAsync(batch, cancellationToken) ?? [])
            {
                names[trace.TraceId] = trace.RootName;
            }
        }

        return names;
    }

    /// <summary>A trace with the spans that are there, also while it runs.</summary>
    /// <returns>Null where the server has none of that id.</returns>
    public async Task<TraceDocument?> FindAsync(string traceId, CancellationToken cancellationToken)
    {
        if (_api.Workspace is { } workspace)
        {
            return await FindInWorkspaceAsync(workspace, traceId, cancellationToken);
        }

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

    private async Task<TraceDocument?> FindInWorkspaceAsync(DatabricksWorkspace workspace, string traceId, CancellationToken cancellationToken)
    {
        try
        {
            if (CatalogTraces.For(_api, traceId, out var location, out var hex) is { } catalog)
            {
                return ApiJson.Read(await catalog.GetBytesAsync(location, [hex], cancellationToken), TraceDocument.ReadAll) is [var whole] ? whole : null;
            }

            var info = Info(await _api.GetAsync($"{Path}/{Uri.EscapeDataString(traceId)}", cancellationToken));
            try
            {
                return ApiJson.Read(await new WorkspaceTraces(_api, workspace).DocumentAsync(traceId, cancellationToken), root => new TraceDocument(info, [.. ApiJson.Items(root, "spans")]));
            }
            catch (MlflowException e) when (e is { StatusCode: HttpStatusCode.NotFound, ErrorCode: not MlflowErrorCode.ResourceDoesNotExist })
            {
                // They were never uploaded.
                return new TraceDocument(info, []);
            }
        }
        catch (MlflowException e) when (e.ErrorCode == MlflowErrorCode.ResourceDoesNotExist)
        {
            return null;
        }
    }

    private static JsonElement Info(byte[] answer) => ApiJson.Read(answer, root => ApiJson.Member(ApiJson.Member(root, "trace") ?? root, "trace_info") ?? default);

    /// <summary>Where the spans are not in the server's database, they are an artifact.</summary>
    private async Task<TraceDocument> GetInPartsAsync(string id, CancellationToken cancellationToken)
    {
        var info = Info(await _api.GetAsync($"{Path}/{id}", cancellationToken));
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

    private Task<IReadOnlyList<TraceDocument>?> TryBatchAsync(IEnumerable<string> traceIds, CancellationToken cancellationToken) =>
        TryAsync($"{Path}/batchGet?{string.Join('&', traceIds.Select(id => "trace_ids=" + Uri.EscapeDataString(id)))}", cancellationToken);

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
