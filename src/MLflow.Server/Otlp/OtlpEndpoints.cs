using System.Globalization;
using MLflow.Server.Rest;
using MLflow.Server.Storage;
using MLflow.Server.Traces;

namespace MLflow.Server.Otlp;

/// <summary>OTLP over HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp</summary>
internal static class OtlpEndpoints
{
    public const string Path = "/v1/traces";
    public const string ExperimentIdHeader = "x-mlflow-experiment-id";
    public const string ContentType = "application/x-protobuf";

    public static void MapOtlp(this IEndpointRouteBuilder routes) => routes.MapPost(Path, ExportAsync);

    private static async Task<IResult> ExportAsync(HttpRequest request, ITraceStore store, CancellationToken cancellationToken)
    {
        try
        {
            var contentType = request.ContentType?.Split(';')[0].Trim();
            if (!ContentType.Equals(contentType, StringComparison.OrdinalIgnoreCase))
            {
                throw new OtlpException(StatusCodes.Status400BadRequest, $"Invalid Content-Type: {request.ContentType}. Expected: {ContentType}");
            }

            var experimentId = ExperimentId(request);
            using var body = await OtlpBody.ReadAsync(request, cancellationToken).ConfigureAwait(false);
            var traces = OtlpDecoder.Decode(body);
            var infos = traces.Facts.Select(facts => TraceInfoJson.ReadStartTrace(RequestJson.Parse(facts))).ToList();
            await store.WriteAsync(new TraceBatch { Spans = traces.Spans, ExperimentId = experimentId, Infos = infos }, cancellationToken).ConfigureAwait(false);
            if (infos.Count > 0)
            {
                request.HttpContext.Response.Headers[TraceFactsFeature.Header] = infos.Count.ToString(CultureInfo.InvariantCulture);
            }

            // No bytes are an ExportTraceServiceResponse in which nothing was rejected.
            return Results.Bytes(ReadOnlyMemory<byte>.Empty, ContentType);
        }
        catch (OtlpException e)
        {
            return Results.Json(new OtlpError(e.Message), OtlpJsonContext.Default.OtlpError, statusCode: e.StatusCode);
        }
    }

    // Collectors that know nothing of MLflow send no experiment: theirs is the default one.
    private static long ExperimentId(HttpRequest request)
    {
        var header = request.Headers[ExperimentIdHeader].ToString();
        if (header.Length == 0)
        {
            return 0;
        }

        return long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var experimentId)
            ? experimentId
            : throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid experiment ID '{header}'. Experiment ID must be a valid integer.");
    }
}
