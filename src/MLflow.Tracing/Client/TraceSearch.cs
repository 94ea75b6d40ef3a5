using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>Searches page by page, and fetches the spans of what was found.</summary>
internal sealed class TraceSearch
{
    /// <summary>Traces whose spans are asked for at once, as MLflow's client does: they may be large.</summary>
    public const int SpanBatch = 10;

    private const string CatalogPath = "/api/4.0/mlflow/traces/search";
    private const string Path = "/api/3.0/mlflow/traces/search";

    private readonly TrackingApi _api;
    private readonly TraceDownload _download;
    private readonly IReadOnlyList<string> _experimentIds;
    private readonly CatalogTraces? _catalog;
    private readonly string? _filter;
    private readonly TraceSearchOptions _options;
    private bool _hasNoBatches;

    public TraceSearch(TrackingApi api, IReadOnlyList<string> experimentIds, string? filter, TraceSearchOptions options)
    {
        _api = api;
        _download = new TraceDownload(api);
        _experimentIds = experimentIds;
        var places = experimentIds.Count(id => CatalogLocation.TryParse(id, out _));
        _catalog = places == 0 ? null : places == experimentIds.Count
            ? new CatalogTraces(api)
            : throw new ArgumentException("A search looks in experiments or in places of Unity Catalog, not in both.", nameof(experimentIds));
        _filter = options.RunId is { } runId ? string.Join(" AND ", new[] { filter, $"attribute.run_id = '{runId}'" }.Where(part => !string.IsNullOrWhiteSpace(part))) : filter;
        _options = options;
    }

    public async IAsyncEnumerable<TraceRecord> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var left = _options.MaxResults ?? int.MaxValue;
        string? token = null;
        do
        {
            var body = Body(Math.Min(_options.PageSize, left), token);
            var (page, next) = TraceReader.ReadPage(
                await _api.QueryAsync(_catalog is null ? Path : CatalogPath, body, cancellationToken).ConfigureAwait(false), _catalog is null ? "traces" : "trace_infos");
            foreach (var batch in page.Take(left).Chunk(_options.IncludeSpans ? SpanBatch : _options.PageSize))
            {
                IReadOnlyList<TraceRecord> traces = _options.IncludeSpans ? await WithSpansAsync(batch, cancellationToken).ConfigureAwait(false) : batch;
                foreach (var trace in traces)
                {
                    yield return trace;
                }
            }

            left -= page.Count;
            token = next;
        }
        while (token is not null && left > 0);
    }

    private byte[] Body(int pageSize, string? token) => ScratchJson.Write((Search: this, pageSize, token), static (json, s) =>
    {
        json.WriteStartObject();
        json.WriteStartArray("locations");
        foreach (var id in s.Search._experimentIds)
        {
            if (CatalogLocation.TryParse(id, out var place))
            {
                CatalogTraceInfo.WriteLocation(json, place);
                continue;
            }

            json.WriteStartObject();
            json.WriteString("type", "MLFLOW_EXPERIMENT");
            json.WriteStartObject("mlflow_experiment");
            json.WriteString("experiment_id", id);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (!string.IsNullOrWhiteSpace(s.Search._filter))
        {
            json.WriteString("filter", s.Search._filter);
        }

        if (s.Search._catalog is { } catalog)
        {
            json.WriteString("sql_warehouse_id", catalog.WarehouseId());
        }

        json.WriteNumber("max_results", s.pageSize);
        if (s.Search._options.OrderBy.Count > 0)
        {
            json.WriteStartArray("order_by");
            foreach (var item in s.Search._options.OrderBy)
            {
                json.WriteStringValue(item);
            }

            json.WriteEndArray();
        }

        if (s.token is not null)
        {
            json.WriteString("page_token", s.token);
        }

        json.WriteEndObject();
    });

    /// <summary>The traces with their spans, in the same order. One that was deleted in the meantime is left out.</summary>
    private async Task<List<TraceRecord>> WithSpansAsync(TraceRecord[] infos, CancellationToken cancellationToken)
    {
        if (_catalog is not null)
        {
            return await FromCatalogAsync(_catalog, infos, cancellationToken).ConfigureAwait(false);
        }

        if (_api.Workspace is { } workspace)
        {
            var documents = new WorkspaceTraces(_api, workspace);
            return [.. await Task.WhenAll(infos.Select(info => documents.TryWithSpansAsync(info, cancellationToken))).ConfigureAwait(false)];
        }

        var found = new Dictionary<string, TraceRecord>();
        var inStore = infos.Where(info => info.Tags.GetValueOrDefault(TraceKeys.SpansLocation) == TraceKeys.TrackingStore).Select(info => info.TraceId).ToList();
        if (inStore.Count > 0 && !_hasNoBatches)
        {
            var batch = await _download.TryGetBatchAsync(inStore, cancellationToken).ConfigureAwait(false);
            _hasNoBatches = batch is null;
            foreach (var trace in batch ?? [])
            {
                found[trace.TraceId] = trace;
            }
        }

        var traces = new List<TraceRecord>(infos.Length);
        foreach (var info in infos)
        {
            if ((found.GetValueOrDefault(info.TraceId) ?? await TryGetAsync(info, cancellationToken).ConfigureAwait(false)) is { } trace)
            {
                traces.Add(trace);
            }
        }

        return traces;
    }

    /// <summary>One whose spans cannot be seen yet comes without.</summary>
    private static async Task<List<TraceRecord>> FromCatalogAsync(CatalogTraces catalog, TraceRecord[] infos, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, TraceRecord>();
        foreach (var place in infos.GroupBy(info => info.TraceId[..info.TraceId.LastIndexOf('/')]))
        {
            if (CatalogLocation.TryParseId(place.First().TraceId, out var location, out _))
            {
                foreach (var trace in await catalog.GetAsync(location, place.Select(info => info.TraceId[(info.TraceId.LastIndexOf('/') + 1)..]), cancellationToken).ConfigureAwait(false))
                {
                    found[trace.TraceId] = trace;
                }
            }
        }

        return [.. infos.Select(info => found.GetValueOrDefault(info.TraceId) ?? info)];
    }

    /// <summary>One that is not in a batch: its spans are elsewhere or still on their way. Where they were never uploaded, it has none.</summary>
    private async Task<TraceRecord?> TryGetAsync(TraceRecord info, CancellationToken cancellationToken)
    {
        try
        {
            return await _download.GetAsync(info.TraceId, cancellationToken).ConfigureAwait(false);
        }
        catch (TraceNotFoundException e)
        {
            return e.RequestUrl?.EndsWith("/traces.json", StringComparison.Ordinal) == true ? info : null;
        }
    }
}
