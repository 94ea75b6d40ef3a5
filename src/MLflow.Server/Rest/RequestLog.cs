namespace MLflow.Server.Rest;

/// <summary>Logs each request with its route, not its address: that may have names and filters of clients in it.</summary>
internal sealed partial class RequestLog
{
    private readonly RequestDelegate _next;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger<RequestLog> _logger;

    public RequestLog(RequestDelegate next, TimeProvider timeProvider, ILogger<RequestLog> logger)
    {
        _next = next;
        _timeProvider = timeProvider;
        _logger = logger;
    }

    public async Task InvokeAsync(HttpContext context)
    {
        if (!_logger.IsEnabled(LogLevel.Information) || ServerEndpoints.IsForProbes(context.Request.Path))
        {
            await _next(context).ConfigureAwait(false);
            return;
        }

        var start = _timeProvider.GetTimestamp();
        try
        {
            await _next(context).ConfigureAwait(false);
        }
        finally
        {
            var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "no route";
            LogAnswered(_logger, context.Request.Method, route, context.Response.StatusCode, _timeProvider.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Method} {Route} was answered with {Status} in {Milliseconds:0.0} ms")]
    private static partial void LogAnswered(ILogger logger, string method, string route, int status, double milliseconds);
}
