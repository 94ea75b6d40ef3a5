using System.Globalization;
using System.Text.RegularExpressions;
using MLflow.Server.Access.Guards;
using MLflow.Server.Access.Http;
using MLflow.Server.Artifacts;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary>
/// Spans as the file <c>traces.json</c>: the way of clients that send no OTLP (TypeScript's, and Python's when the info overtook the spans).
/// There is no such file here: what is uploaded becomes spans like any other, and a download is made of the spans, however they came.
/// </summary>
internal static partial class TraceDataEndpoints
{
    private const string PythonClient = "mlflow-python-client/";

    private const string FilePath = "2.0/mlflow-artifacts/artifacts/{experimentId}/traces/{traceId}/artifacts/traces.json";

    public static void MapTraceData(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Put, FilePath, AccessPolicies.Ingest, UploadToAsync);
        routes.MapApi(HttpMethods.Get, FilePath, AccessPolicies.Read, DownloadAsync);
        foreach (var version in (ReadOnlySpan<string>)["2.0", "3.0"])
        {
            routes.MapGet($"{ApiRoutes.AjaxApi}/{version}/mlflow/get-trace-artifact", DownloadForUiAsync).RequireAccess(AccessPolicies.Read);
        }
    }

    /// <summary>The trace whose data a path of an artifact names; null for other artifacts.</summary>
    public static string? TraceOf(string path) => TraceData().Match(path) is { Success: true } match ? match.Groups["trace"].Value : null;

    private static Task<IResult> UploadToAsync(string experimentId, string traceId, HttpRequest request, ITraceStore store, CancellationToken cancellationToken) =>
        UploadAsync(ExperimentEndpoints.ParseId(experimentId), traceId, request, store, cancellationToken);

    public static async Task<IResult> UploadAsync(long experimentId, string traceId, HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        var limits = request.HttpContext.RequestServices.GetRequiredService<MlflowServerLimits>();
        var json = await RequestBody.ReadAsync(request, limits.MaxBodyBytes, RequestBody.AnyBody, cancellationToken).ConfigureAwait(false);
        var spans = TraceDataJson.Read(json, traceId);
        await store.WriteAsync(new TraceBatch { Spans = spans, ExperimentId = experimentId }, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    public static async Task<IResult> DownloadAsync(string traceId, HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        // The other client that downloads is TypeScript's, which names itself in no header.
        var plain = !request.Headers.UserAgent.ToString().StartsWith(PythonClient, StringComparison.Ordinal);
        var spans = await store.GetSpansAsync(traceId, cancellationToken).ConfigureAwait(false);
        return spans.Count > 0
            ? new JsonAnswer(writer => TraceDataJson.Write(writer, spans, plain))
            : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace '{traceId}' has no spans, so there is no traces.json of it.");
    }

    private static async Task<IResult> DownloadForUiAsync(HttpContext context, ITraceStore store, TraceFiles files, ArtifactGuard guard, CancellationToken cancellationToken)
    {
        if (RequestJson.FromQuery(context.Request).String("request_id") is not { Length: > 0 } traceId)
        {
            throw new MlflowException(ErrorCode.BAD_REQUEST, "Request must include the \"request_id\" query parameter.");
        }

        if (context.Request.Query["path"].ToString() is { Length: > 0 } attachment)
        {
            return await AttachmentAsync(traceId, attachment, store, files, guard, cancellationToken).ConfigureAwait(false);
        }

        var spans = await store.GetSpansAsync(traceId, cancellationToken).ConfigureAwait(false);
        if (spans.Count == 0)
        {
            throw new MlflowException(ErrorCode.NOT_FOUND, $"Trace data not found for path={traceId}/artifacts/traces.json");
        }

        context.Response.Headers.ContentDisposition = "attachment; filename=traces.json";
        return new JsonAnswer(writer => TraceDataJson.Write(writer, spans, plain: false));
    }

    /// <summary>Media of a span, which its client uploaded beside the spans.</summary>
    private static async Task<IResult> AttachmentAsync(string traceId, string attachment, ITraceStore store, TraceFiles files, ArtifactGuard guard, CancellationToken cancellationToken)
    {
        if (!Guid.TryParse(attachment, out var id))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid attachment path: '{attachment}'. Attachment path must be a valid UUID.");
        }

        var trace = (await store.GetInfosAsync([traceId], cancellationToken).ConfigureAwait(false)).SingleOrDefault()
            ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID '{traceId}' not found.");
        var name = id.ToString("d", CultureInfo.InvariantCulture);
        var location = trace.Tags[TraceKeys.ArtifactLocation];

        // The location is a tag, which may have been set to what is another's.
        if (TraceFiles.PathOf(location, name) is { } path)
        {
            await guard.RequireReadAsync(path).ConfigureAwait(false);
        }

        return files.OpenRead(location, name) is { } file
            ? ArtifactEndpoints.File(file, name)
            : throw new MlflowException(ErrorCode.NOT_FOUND, $"Trace data not found for path={location}/attachments/{name}");
    }

    [GeneratedRegex("^(?:.+/)?traces/(?<trace>[^/]+)/artifacts/traces\\.json$", RegexOptions.ExplicitCapture)]
    private static partial Regex TraceData();
}
