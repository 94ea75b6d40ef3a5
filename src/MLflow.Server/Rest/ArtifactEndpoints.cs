using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.StaticFiles;
using MLflow.Server.Access.Guards;
using MLflow.Server.Access.Http;
using MLflow.Server.Artifacts;
using MLflow.Server.Storage;

namespace MLflow.Server.Rest;

/// <summary><c>/api/2.0/mlflow-artifacts/…</c>: files of clients, kept in one folder. Trace data among them is made of spans (<see cref="TraceDataEndpoints"/>).</summary>
internal static class ArtifactEndpoints
{
    private const string Artifacts = "2.0/mlflow-artifacts/artifacts";
    private const string Uploads = "2.0/mlflow-artifacts/mpu";

    private static readonly FileExtensionContentTypeProvider ContentTypes = new();

    public static void MapArtifacts(this IEndpointRouteBuilder routes)
    {
        routes.MapApi(HttpMethods.Get, Artifacts, AccessPolicies.Read, ListAsync);
        routes.MapApi(HttpMethods.Get, Artifacts + "/{**path}", AccessPolicies.Read, DownloadAsync);
        routes.MapApi(HttpMethods.Put, Artifacts + "/{**path}", AccessPolicies.Ingest, UploadAsync);
        routes.MapApi(HttpMethods.Delete, Artifacts + "/{**path}", AccessPolicies.Write, DeleteAsync);
        routes.MapApi(HttpMethods.Post, Uploads + "/create/{**path}", AccessPolicies.Ingest, CreateUploadAsync);
        routes.MapApi(HttpMethods.Post, Uploads + "/complete/{**path}", AccessPolicies.Ingest, CompleteUploadAsync);
        routes.MapApi(HttpMethods.Post, Uploads + "/abort/{**path}", AccessPolicies.Ingest, AbortUploadAsync);

        // The address has a secret, as signed addresses have: clients send no credentials with it.
        routes.MapApi(HttpMethods.Put, Uploads + "/parts/{uploadId}/{number:int}", AccessPolicies.Open, UploadPartAsync);
    }

    /// <summary>A file as a download: the browser shall show nothing that somebody uploaded.</summary>
    public static IResult File(FileStream file, string name) =>
        Results.Stream(file, ContentTypes.TryGetContentType(name, out var type) ? type : "application/octet-stream", name, enableRangeProcessing: true);

    public static void AllowLongBody(HttpRequest request)
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = ArtifactFolder.MaxFileBytes;
        }
    }

    private static async Task<IResult> ListAsync(HttpRequest request, ArtifactFolder artifacts, ArtifactGuard guard)
    {
        var path = ArtifactPath.Check(RequestJson.FromQuery(request).String("path"));
        await guard.RequireReadAsync(path).ConfigureAwait(false);
        var entries = artifacts.List(path);
        return new JsonAnswer(writer => writer.WriteList("files", entries, (w, entry) =>
        {
            w.WriteStartObject();
            w.WriteString("path", entry.Name);
            w.WriteBoolean("is_dir", entry.Size is null);
            if (entry.Size is { } size)
            {
                w.WriteNumber("file_size", size);
            }

            w.WriteEndObject();
        }));
    }

    private static async Task<IResult> DownloadAsync(string? path, HttpRequest request, ArtifactFolder artifacts, ArtifactGuard guard, ITraceStore store, CancellationToken cancellationToken)
    {
        var file = ArtifactPath.CheckFile(path);
        await guard.RequireReadAsync(file).ConfigureAwait(false);
        return TraceDataEndpoints.TraceOf(file) is { } traceId ? await TraceDataEndpoints.DownloadAsync(traceId, request, store, cancellationToken).ConfigureAwait(false)
            : artifacts.OpenRead(file) is { } stream ? File(stream, file[(file.LastIndexOf('/') + 1)..])
            : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"There is no artifact '{file}'.");
    }

    private static async Task<IResult> UploadAsync(string? path, HttpRequest request, ArtifactFolder artifacts, ArtifactGuard guard, ITraceStore store, CancellationToken cancellationToken)
    {
        var file = ArtifactPath.CheckFile(path);
        if (TraceDataEndpoints.TraceOf(file) is { } traceId)
        {
            // An experiment whose artifacts lie elsewhere: only the trace knows its number.
            var trace = (await store.GetInfosAsync([traceId], cancellationToken).ConfigureAwait(false)).SingleOrDefault()
                ?? throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID '{traceId}' not found.");
            return await TraceDataEndpoints.UploadAsync(trace.ExperimentId, traceId, request, store, cancellationToken).ConfigureAwait(false);
        }

        await guard.RequireWriteAsync(file).ConfigureAwait(false);
        AllowLongBody(request);
        await artifacts.WriteAsync(file, request.Body, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> DeleteAsync(string? path, ArtifactFolder artifacts, ArtifactGuard guard)
    {
        var file = ArtifactPath.CheckFile(path);
        await guard.RequireWriteAsync(file).ConfigureAwait(false);
        return TraceDataEndpoints.TraceOf(file) is { } traceId ? throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'{file}' is made of the spans of trace '{traceId}'; delete the trace.")
            : artifacts.Delete(file) ? JsonAnswer.Empty
            : throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"There is no artifact '{file}'.");
    }

    private static async Task<IResult> CreateUploadAsync(string? path, HttpRequest request, ArtifactUploads uploads, ArtifactGuard guard, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var parts = body.Int64("num_parts") ?? throw RequestJson.Missing("num_parts");
        var target = Target(path, body);
        await guard.RequireWriteAsync(target).ConfigureAwait(false);
        var uploadId = uploads.Create(target, parts);
        var address = $"{request.Scheme}://{request.Host}{request.PathBase}{ApiRoutes.Api}/{Uploads}/parts/{uploadId}/";
        return new JsonAnswer(writer =>
        {
            writer.WriteString("upload_id", uploadId);
            writer.WriteList("credentials", [.. Enumerable.Range(1, (int)parts)], (w, number) =>
            {
                w.WriteStartObject();
                w.WriteString("url", address + number);
                w.WriteNumber("part_number", number);
                w.WriteEndObject();
            });
        });
    }

    private static async Task<IResult> UploadPartAsync(string uploadId, int number, HttpRequest request, ArtifactUploads uploads, CancellationToken cancellationToken)
    {
        AllowLongBody(request);
        var tag = await uploads.WritePartAsync(uploadId, number, request.Body, cancellationToken).ConfigureAwait(false);
        request.HttpContext.Response.Headers.ETag = $"\"{tag}\"";
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> CompleteUploadAsync(string? path, HttpRequest request, ArtifactUploads uploads, ArtifactGuard guard, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var parts = body.Objects("parts")
            .Select(part => new ArtifactPart((int)Math.Clamp(part.Int64("part_number") ?? throw RequestJson.Missing("part_number"), 0, int.MaxValue), part.Required("etag")))
            .ToList();
        var target = Target(path, body);
        await guard.RequireWriteAsync(target).ConfigureAwait(false);
        await uploads.CompleteAsync(target, body.Required("upload_id"), parts, cancellationToken).ConfigureAwait(false);
        return JsonAnswer.Empty;
    }

    private static async Task<IResult> AbortUploadAsync(string? path, HttpRequest request, ArtifactUploads uploads, ArtifactGuard guard, CancellationToken cancellationToken)
    {
        var body = await RequestJson.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var target = Target(path, body);
        await guard.RequireWriteAsync(target).ConfigureAwait(false);
        uploads.Abort(target, body.Required("upload_id"));
        return JsonAnswer.Empty;
    }

    // The address has the folder, the body the name of the client's own file, with the folders that it lies in there.
    private static string Target(string? path, RequestJson body)
    {
        var folder = ArtifactPath.Check(path);
        var file = body.Required("path");
        var name = file[(file.LastIndexOfAny(['/', '\\']) + 1)..];
        var target = ArtifactPath.CheckFile(folder.Length > 0 ? $"{folder}/{name}" : name);
        return TraceDataEndpoints.TraceOf(target) is null ? target
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"'{target}' is made of spans, and cannot be uploaded in parts.");
    }
}
