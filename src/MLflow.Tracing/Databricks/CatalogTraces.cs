using System.Text.Json;

namespace MLflow;

/// <summary>Requests for traces in Unity Catalog (MLflow's V4 API): where they lie stands in their ids.</summary>
internal sealed class CatalogTraces
{
    /// <summary>Spans are seen a few seconds after they were taken: how long to wait before each further look.</summary>
    private static readonly TimeSpan[] Waits = [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8)];

    private readonly TrackingApi _api;
    private readonly DatabricksWorkspace _workspace;

    /// <exception cref="MlflowException">The server is none that has such traces.</exception>
    public CatalogTraces(TrackingApi api)
    {
        _api = api;
        _workspace = api.Workspace
            ?? throw new MlflowException("The trace lies in Unity Catalog, and the tracking URI names another server: set it to 'databricks'.") { ErrorCode = MlflowErrorCode.ResourceDoesNotExist };
    }

    /// <summary>Null where the id is not of a trace in Unity Catalog.</summary>
    public static CatalogTraces? For(TrackingApi api, string traceId, out CatalogLocation location, out string hex)
    {
        if (CatalogLocation.TryParseId(traceId, out var found, out hex))
        {
            location = found;
            return new CatalogTraces(api);
        }

        location = null!;
        return null;
    }

    public async Task<TraceRecord?> GetAsync(CatalogLocation location, string hex, CancellationToken cancellationToken)
    {
        foreach (var wait in (TimeSpan[])[.. Waits, TimeSpan.Zero])
        {
            if (await GetAsync(location, [hex], cancellationToken).ConfigureAwait(false) is [var trace])
            {
                return trace;
            }

            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, _workspace.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
        }

        return null;
    }

    /// <summary>Those that are there.</summary>
    public async Task<IReadOnlyList<TraceRecord>> GetAsync(CatalogLocation location, IEnumerable<string> ids, CancellationToken cancellationToken) =>
        TraceReader.ReadMany(await GetBytesAsync(location, ids, cancellationToken).ConfigureAwait(false));

    /// <summary>Those that are there, as the workspace writes them.</summary>
    public Task<byte[]> GetBytesAsync(CatalogLocation location, IEnumerable<string> ids, CancellationToken cancellationToken)
    {
        var query = string.Join('&', ids.Select(id => "trace_ids=" + Uri.EscapeDataString(id)));
        return _api.GetAsync($"{WorkspaceExport.CatalogPath(location)}/batchGet?{query}&{Warehouse()}", cancellationToken);
    }

    public Task SetTagAsync(CatalogLocation location, string hex, string key, string value, CancellationToken cancellationToken) =>
        _api.WriteAsync(HttpMethod.Patch, $"{PathOf(location, hex)}/tags", ApiJson.Fields(("key", key), ("value", value)), cancellationToken);

    public Task DeleteTagAsync(CatalogLocation location, string hex, string key, CancellationToken cancellationToken) =>
        _api.WriteAsync(HttpMethod.Delete, $"{PathOf(location, hex)}/tags/{Uri.EscapeDataString(key)}?{Warehouse()}", null, cancellationToken);

    /// <summary>Path and query of the assessments of a trace, or of one of them.</summary>
    public string Assessments(CatalogLocation location, string hex, string? assessmentId = null) =>
        $"{PathOf(location, hex)}/assessments{(assessmentId is null ? "" : "/" + Uri.EscapeDataString(assessmentId))}?{Warehouse()}";

    public Task LinkToRunAsync(CatalogLocation location, IReadOnlyList<string> ids, string runId, CancellationToken cancellationToken)
    {
        var body = ScratchJson.Write((location, ids, runId), static (json, s) =>
        {
            json.WriteStartObject();
            json.WriteString("location_id", s.location.Id);
            json.WriteStartArray("trace_ids");
            foreach (var id in s.ids)
            {
                json.WriteStringValue(id);
            }

            json.WriteEndArray();
            json.WriteString("run_id", s.runId);
            json.WriteEndObject();
        });
        return _api.WriteAsync(HttpMethod.Post, $"{WorkspaceExport.CatalogPath(location)}/link-to-run/batchCreate", body, cancellationToken);
    }

    /// <summary>Creates the tables of a schema; those that are there stay.</summary>
    public async Task CreateLocationAsync(CatalogLocation location, CancellationToken cancellationToken)
    {
        try
        {
            var body = Write(location, json => json.WriteString("sql_warehouse_id", WarehouseId()));
            await _api.WriteAsync(HttpMethod.Post, "/api/4.0/mlflow/traces/location", body, cancellationToken).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.ErrorCode is "ALREADY_EXISTS" or MlflowErrorCode.ResourceAlreadyExists)
        {
            // As wanted.
        }
    }

    /// <summary>Says that the traces of an experiment lie there.</summary>
    public Task LinkAsync(CatalogLocation location, string experimentId, CancellationToken cancellationToken) =>
        _api.WriteAsync(
            HttpMethod.Post,
            $"/api/4.0/mlflow/traces/{Uri.EscapeDataString(experimentId)}/link-location",
            Write(location, json => json.WriteString("experiment_id", experimentId)),
            cancellationToken);

    /// <summary>The warehouse that reads.</summary>
    /// <exception cref="MlflowException">None is set.</exception>
    public string WarehouseId() => _workspace.Config.SqlWarehouseId
        ?? throw new MlflowException("Traces of Unity Catalog are read by a SQL warehouse, and none is set: set MLFLOW_TRACING_SQL_WAREHOUSE_ID, or DatabricksOptions.SqlWarehouseId, to its id.")
        {
            ErrorCode = MlflowErrorCode.BadRequest,
        };

    private string Warehouse() => "sql_warehouse_id=" + Uri.EscapeDataString(WarehouseId());

    private static string PathOf(CatalogLocation location, string hex) => $"{WorkspaceExport.CatalogPath(location)}/{Uri.EscapeDataString(hex)}";

    private static byte[] Write(CatalogLocation location, Action<Utf8JsonWriter> more) => ScratchJson.Write((location, more), static (json, s) =>
    {
        json.WriteStartObject();
        json.WriteStartObject("uc_schema");
        json.WriteString("catalog_name", s.location.Catalog);
        json.WriteString("schema_name", s.location.Schema);
        json.WriteEndObject();
        s.more(json);
        json.WriteEndObject();
    });
}
