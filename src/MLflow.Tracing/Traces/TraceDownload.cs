using System.Net;

namespace MLflow;

/// <summary>
/// Fetches a trace from a tracking server. Servers of MLflow 3.6 and later give a trace whole by <c>traces/get</c>, some before by <c>traces/batchGet</c>; where the spans
/// are not in the server's database, they are the artifact <c>traces.json</c>.
/// </summary>
internal sealed class TraceDownload
{
    private const string Api = "/api/3.0/mlflow/traces/";
    private const string ArtifactScheme = "mlflow-artifacts";

    private readonly TrackingApi _api;

    public TraceDownload(TrackingApi api) => _api = api;

    /// <exception cref="TraceNotFoundException">There is none of that id.</exception>
    /// <exception cref="MlflowException">The server could not be reached or refused.</exception>
    /// <exception cref="FormatException">What came is no trace.</exception>
    public async Task<TraceRecord> GetAsync(string traceId, CancellationToken cancellationToken)
    {
        try
        {
            if (CatalogTraces.For(_api, traceId, out var location, out var hex) is { } catalog)
            {
                return await catalog.GetAsync(location, hex, cancellationToken).ConfigureAwait(false)
                    ?? throw new MlflowException("The place has no such trace, or none that can be seen yet.") { ErrorCode = MlflowErrorCode.ResourceDoesNotExist };
            }

            if (_api.Workspace is { } workspace)
            {
                return await new WorkspaceTraces(_api, workspace).GetAsync(traceId, cancellationToken).ConfigureAwait(false);
            }

            return await TryGetWholeAsync(traceId, cancellationToken).ConfigureAwait(false)
                ?? await GetInPartsAsync(traceId, cancellationToken).ConfigureAwait(false);
        }
        catch (MlflowException e) when (e.IsMissing)
        {
            throw new TraceNotFoundException(traceId, _api.Address, e);
        }
    }

    /// <summary>Several traces with their spans; those that the server leaves out, because they are gone or not all there, are not in the result.</summary>
    /// <returns>Null where the server does not have such a request.</returns>
    public async Task<IReadOnlyList<TraceRecord>?> TryGetBatchAsync(IEnumerable<string> traceIds, CancellationToken cancellationToken)
    {
        try
        {
            var query = string.Join('&', traceIds.Select(id => "trace_ids=" + Uri.EscapeDataString(id)));
            return TraceReader.ReadMany(await _api.GetAsync($"{Api}batchGet?{query}", cancellationToken, retriesFailures: false).ConfigureAwait(false));
        }
        catch (MlflowException e) when (IsOtherWay(e))
        {
            return null;
        }
    }

    /// <summary>Null where the server does not have such a request, or not these spans.</summary>
    private async Task<TraceRecord?> TryGetWholeAsync(string traceId, CancellationToken cancellationToken)
    {
        try
        {
            var path = $"{Api}get?trace_id={Uri.EscapeDataString(traceId)}&allow_partial=true";
            return TraceReader.ReadOne(await _api.GetAsync(path, cancellationToken, retriesFailures: false).ConfigureAwait(false));
        }
        catch (MlflowException e) when (e.IsMissing && e.Message.Contains("'get'", StringComparison.Ordinal))
        {
            // A server that took the request's name for an id.
            return await TryGetBatchAsync([traceId], cancellationToken).ConfigureAwait(false) is [var trace] ? trace : null;
        }
        catch (MlflowException e) when (!e.IsMissing && IsOtherWay(e))
        {
            return null;
        }
    }

    private async Task<TraceRecord> GetInPartsAsync(string traceId, CancellationToken cancellationToken)
    {
        var info = await _api.GetAsync(Api + Uri.EscapeDataString(traceId), cancellationToken).ConfigureAwait(false);
        var location = TraceReader.ReadOne(info).Tags.GetValueOrDefault(TraceKeys.ArtifactLocation);
        if (!Uri.TryCreate(location, UriKind.Absolute, out var uri) || uri.Scheme != ArtifactScheme)
        {
            throw new MlflowException(
                $"The tracking server at {_api.Address} keeps the spans of trace '{traceId}' at '{location}', where a client cannot read: start it with --serve-artifacts.");
        }

        var data = await _api.GetAsync($"/api/2.0/mlflow-artifacts/artifacts{uri.AbsolutePath}/traces.json", cancellationToken).ConfigureAwait(false);
        return TraceReader.Read(info, data);
    }

    /// <summary>Answers of servers that know the request not at all, or not for this trace: 500 says that the spans are elsewhere.</summary>
    private static bool IsOtherWay(MlflowException e) =>
        e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.InternalServerError or HttpStatusCode.NotImplemented;
}
