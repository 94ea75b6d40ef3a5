using System.Globalization;
using System.Text.Encodings.Web;
using MLflow.Server.Otlp;
using MLflow.Server.Telemetry;

namespace MLflow.Server.Rest;

/// <summary>Answers failures as MLflow does, so that its clients decide rightly whether to try again.</summary>
internal sealed partial class ErrorAnswers
{
    private readonly RequestDelegate _next;
    private readonly ILogger<ErrorAnswers> _logger;
    private readonly ServerMeter _meter;

    public ErrorAnswers(RequestDelegate next, ILogger<ErrorAnswers> logger, ServerMeter meter)
    {
        _meter = meter;
        _next = next;
        _logger = logger;
    }

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await _next(context).ConfigureAwait(false);
            if (!context.Response.HasStarted && context.Response.ContentLength is null && context.Response.ContentType is null
                && context.Response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed
                && ApiRoutes.IsApi(context.Request.Path))
            {
                // Not JSON: clients find out by it that a route is missing, and fall back to another one.
                var title = context.Response.StatusCode == StatusCodes.Status404NotFound ? "Not Found" : "Method Not Allowed";
                var route = HtmlEncoder.Default.Encode($"{context.Request.Method} {context.Request.Path}");
                context.Response.ContentType = "text/html; charset=utf-8";
                await context.Response.WriteAsync($"<!doctype html><title>{title}</title><h1>{title}</h1><p>{route} is not a route of this server.</p>").ConfigureAwait(false);
            }
        }
        catch (MlflowException e) when (!context.Response.HasStarted)
        {
            var status = Status(e.ErrorCode);
            _meter.Rejected(e.ErrorCode.ToString());
            if (status >= StatusCodes.Status500InternalServerError)
            {
                LogUnavailable(_logger, context.Request.Method, context.Request.Path, e.Message);
            }

            await WriteAsync(context, e.ErrorCode, e.Message, status).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            _meter.Rejected(ErrorCode.BAD_REQUEST.ToString());
            await WriteAsync(context, ErrorCode.BAD_REQUEST, e.Message + Setting(e.StatusCode), e.StatusCode).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read an answer.
        }
        catch (Exception e) when (!context.Response.HasStarted && ApiRoutes.IsApi(context.Request.Path))
        {
            _meter.Rejected(ErrorCode.INTERNAL_ERROR.ToString());
            LogFailed(_logger, e, context.Request.Method, context.Request.Path);
            await WriteAsync(
                context, ErrorCode.INTERNAL_ERROR, "The server failed to answer; its log says why.", StatusCodes.Status500InternalServerError).ConfigureAwait(false);
        }
    }

    public static int Status(ErrorCode code) => code switch
    {
        ErrorCode.TEMPORARILY_UNAVAILABLE => StatusCodes.Status503ServiceUnavailable,

        // MLflow answers 500 for a state that forbids it, which makes clients try again for minutes.
        ErrorCode.INVALID_STATE => StatusCodes.Status400BadRequest,
        ErrorCode.BAD_REQUEST or ErrorCode.INVALID_PARAMETER_VALUE or ErrorCode.RESOURCE_ALREADY_EXISTS => StatusCodes.Status400BadRequest,
        ErrorCode.NOT_FOUND or ErrorCode.ENDPOINT_NOT_FOUND or ErrorCode.RESOURCE_DOES_NOT_EXIST => StatusCodes.Status404NotFound,
        ErrorCode.UNAUTHENTICATED => StatusCodes.Status401Unauthorized,
        ErrorCode.PERMISSION_DENIED => StatusCodes.Status403Forbidden,
        ErrorCode.REQUEST_LIMIT_EXCEEDED => StatusCodes.Status429TooManyRequests,
        ErrorCode.NOT_IMPLEMENTED => StatusCodes.Status501NotImplemented,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>The setting behind a refusal of Kestrel.</summary>
    public static string Setting(int status) => status switch
    {
        StatusCodes.Status413PayloadTooLarge => $" ({RequestBody.AnyBody})",
        StatusCodes.Status408RequestTimeout => " (--min-bytes-per-second)",
        _ => "",
    };

    /// <summary>An error as MLflow writes it.</summary>
    public static JsonAnswer Answer(ErrorCode code, string message, int status) => new(
        writer =>
        {
            writer.WriteString("error_code", code.ToString());
            writer.WriteString("message", message);
        },
        status);

    public static Task WriteAsync(HttpContext context, ErrorCode code, string message, int status)
    {
        context.Response.Clear();
        if (status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests)
        {
            context.Response.Headers.RetryAfter = OtlpLimits.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        return Answer(code, message, status).ExecuteAsync(context);
    }

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed: {Reason}")]
    private static partial void LogUnavailable(ILogger logger, string method, PathString path, string reason);

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
