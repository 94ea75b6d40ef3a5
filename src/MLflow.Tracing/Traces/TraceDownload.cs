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
    private const string NotFound = "RESOURCE_DOES_NOT_EXIST";

    /// <summary>A trace may hold pictures and long streams; above this the answer is refused.</summary>
    private const int MaxTraceBytes = 512 << 20;

    private static readonly Lazy<HttpClient> Client = new(CreateClient);

    private readonly TrackingHttp _http;

    public TraceDownload(Uri address, TimeProvider timeProvider) => _http = new TrackingHttp(Client.Value, address, timeProvider);

    /// <exception cref="TraceNotFoundException">There is none of that id.</exception>
    /// <exception cref="HttpRequestException">The server could not be reached or refused.</exception>
    /// <exception cref="FormatException">What came is no trace.</exception>
    public async Task<TraceRecord> GetAsync(string traceId, CancellationToken cancellationToken)
    {
        try
        {
            return await TryGetWholeAsync(traceId, cancellationToken).ConfigureAwait(false)
                ?? await GetInPartsAsync(traceId, cancellationToken).ConfigureAwait(false);
        }
        catch (ExportFailureException e) when (IsMissing(e))
        {
            throw new TraceNotFoundException(traceId, _http.Address);
        }
        catch (ExportFailureException e)
        {
            var what = e.Status is null ? $"The tracking server at {_http.Address} could not be asked for trace '{traceId}'" : $"Trace '{traceId}' could not be read";
            throw new HttpRequestException($"{what}: {e.Message}", e, e.Status is { } status ? (HttpStatusCode)status : null);
        }
    }

    /// <summary>Null where the server does not have such a request, or not these spans.</summary>
    private async Task<TraceRecord?> TryGetWholeAsync(string traceId, CancellationToken cancellationToken)
    {
        var id = Uri.EscapeDataString(traceId);
        try
        {
            var trace = await _http.GetAsync($"{Api}get?trace_id={id}&allow_partial=true", cancellationToken).ConfigureAwait(false);
            return TraceReader.Read(trace)[0];
        }
        catch (ExportFailureException e) when (IsMissing(e) && e.Message.Contains("'get'", StringComparison.Ordinal))
        {
            // A server that took the request's name for an id.
            return await TryGetBatchAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (ExportFailureException e) when (!IsMissing(e) && IsOtherWay(e))
        {
            return null;
        }
    }

    private async Task<TraceRecord?> TryGetBatchAsync(string escapedId, CancellationToken cancellationToken)
    {
        try
        {
            var traces = await _http.GetAsync($"{Api}batchGet?trace_ids={escapedId}", cancellationToken).ConfigureAwait(false);
            return TraceReader.Read(traces) is [var trace] ? trace : null;
        }
        catch (ExportFailureException e) when (IsOtherWay(e))
        {
            return null;
        }
    }

    private async Task<TraceRecord> GetInPartsAsync(string traceId, CancellationToken cancellationToken)
    {
        var info = await _http.GetAsync(Api + Uri.EscapeDataString(traceId), cancellationToken).ConfigureAwait(false);
        var location = TraceReader.Read(info)[0].Tags.GetValueOrDefault(TraceKeys.ArtifactLocation);
        if (!Uri.TryCreate(location, UriKind.Absolute, out var uri) || uri.Scheme != ArtifactScheme)
        {
            throw new HttpRequestException(
                $"The tracking server at {_http.Address} keeps the spans of trace '{traceId}' at '{location}', where a client cannot read: start it with --serve-artifacts.");
        }

        var data = await _http.GetAsync($"/api/2.0/mlflow-artifacts/artifacts{uri.AbsolutePath}/traces.json", cancellationToken).ConfigureAwait(false);
        return TraceReader.Read(info, data);
    }

    private static bool IsMissing(ExportFailureException e) => e.ErrorCode == NotFound;

    /// <summary>Answers of servers that know the request not at all, or not for this trace: 500 says that the spans are elsewhere.</summary>
    private static bool IsOtherWay(ExportFailureException e) => e.Status is 404 or 405 or 500 or 501;

    private static HttpClient CreateClient()
    {
        var client = TrackingHttp.CreateClient();
        client.MaxResponseContentBufferSize = MaxTraceBytes;
        return client;
    }
}
