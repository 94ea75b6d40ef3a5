using System.Globalization;
using Google.Protobuf;
using MLflow.Server.Access.Http;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Otlp;

/// <summary>OTLP over HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp</summary>
internal static partial class OtlpEndpoints
{
    public const string TracesPath = "/v1/traces";
    public const string LogsPath = "/v1/logs";
    public const string MetricsPath = "/v1/metrics";
    public const string ProtobufType = "application/x-protobuf";
    public const string JsonType = "application/json";

    public static void MapOtlp(this IEndpointRouteBuilder routes)
    {
        routes.MapPost(TracesPath, ExportTracesAsync).RequireAccess(AccessPolicies.Ingest);
        routes.MapPost(LogsPath, ExportLogsAsync).RequireAccess(AccessPolicies.Ingest);
        routes.MapPost(MetricsPath, ExportMetricsAsync).RequireAccess(AccessPolicies.Ingest);
        routes.MapOtlpGrpc();
    }

    private static Task<IResult> ExportTracesAsync(HttpRequest request, OtlpReceiver receiver, OtlpBudget budget, ILogger<OtlpReceiver> logger, CancellationToken cancellationToken) =>
        ExportAsync(request, budget, logger, new ExportTraceServiceRequest(), async message =>
        {
            var (response, facts, calls) = await receiver.ReceiveAsync(message, OtlpSender.Of(request), cancellationToken).ConfigureAwait(false);
            if (facts > 0)
            {
                request.HttpContext.Response.Headers[TraceFactsFeature.Header] = facts.ToString(CultureInfo.InvariantCulture);
            }

            if (calls > 0)
            {
                request.HttpContext.Response.Headers[PlainCallFeature.Header] = calls.ToString(CultureInfo.InvariantCulture);
            }

            return response;
        });

    private static Task<IResult> ExportLogsAsync(HttpRequest request, OtlpReceiver receiver, OtlpBudget budget, ILogger<OtlpReceiver> logger, CancellationToken cancellationToken) =>
        ExportAsync(request, budget, logger, new ExportLogsServiceRequest(), async message => await receiver.ReceiveAsync(message, cancellationToken).ConfigureAwait(false));

    private static Task<IResult> ExportMetricsAsync(HttpRequest request, OtlpBudget budget, ILogger<OtlpReceiver> logger) =>
        ExportAsync(request, budget, logger, new ExportMetricsServiceRequest(), message => Task.FromResult<IMessage>(OtlpReceiver.Receive(message)));

    private static async Task<IResult> ExportAsync<T>(HttpRequest request, OtlpBudget budget, ILogger logger, T message, Func<T, Task<IMessage>> receive)
        where T : IMessage
    {
        var type = request.ContentType?.Split(';')[0].Trim();
        var isJson = JsonType.Equals(type, StringComparison.OrdinalIgnoreCase);
        var format = isJson || !ProtobufType.Equals(type, StringComparison.OrdinalIgnoreCase) ? OtlpFormat.Json : OtlpFormat.Protobuf;
        try
        {
            if (format == OtlpFormat.Json && !isJson)
            {
                throw new OtlpException(StatusCodes.Status400BadRequest, $"Invalid Content-Type: {request.ContentType}. Expected: {ProtobufType} or {JsonType}");
            }

            using var body = await OtlpBody.ReadAsync(request, budget, request.HttpContext.RequestAborted).ConfigureAwait(false);
            message = format == OtlpFormat.Json ? OtlpJson.Parse(body.Bytes, message) : OtlpProtobuf.Parse(body.Bytes, message, budget.Limits);
            return new OtlpAnswer(await receive(message).ConfigureAwait(false), format);
        }
        catch (OtlpException e) when (IsMlflowClient(request))
        {
            var status = OtlpStatus.Of(e)!;
            Meter().Rejected(status.Reason);
            if (status.IsRetryable)
            {
                request.HttpContext.Response.Headers.RetryAfter = OtlpLimits.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
            }

            return Results.Json(new OtlpError(e.Message), OtlpJsonContext.Default.OtlpError, statusCode: e.StatusCode);
        }
        catch (Exception e) when (OtlpStatus.Of(e) is { } status && !IsMlflowClient(request))
        {
            Meter().Rejected(status.Reason);
            if (status.Http >= StatusCodes.Status500InternalServerError && !status.IsBusy)
            {
                LogUnavailable(logger, request.Path, e.Message);
            }

            return new OtlpAnswer(status, format);
        }
        catch (Exception e) when (!IsMlflowClient(request) && !request.HttpContext.RequestAborted.IsCancellationRequested)
        {
            LogFailed(logger, e, request.Path);
            var failed = new OtlpStatus(StatusCodes.Status500InternalServerError, "The server failed to store what was sent; its log says why.");
            Meter().Rejected(failed.Reason);
            return new OtlpAnswer(failed, format);
        }

        ServerMeter Meter() => request.HttpContext.RequestServices.GetRequiredService<ServerMeter>();
    }

    /// <summary>MLflow's own clients read the errors of MLflow's server, which are not OTLP's.</summary>
    private static bool IsMlflowClient(HttpRequest request) => request.Headers.UserAgent.ToString().StartsWith("mlflow-", StringComparison.OrdinalIgnoreCase);

    [LoggerMessage(LogLevel.Error, "POST {Path} failed: {Reason}")]
    private static partial void LogUnavailable(ILogger logger, PathString path, string reason);

    [LoggerMessage(LogLevel.Error, "POST {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, PathString path);
}
