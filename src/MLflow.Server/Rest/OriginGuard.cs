using MLflow.Server.Telemetry;

namespace MLflow.Server.Rest;

/// <summary>
/// Keeps web pages of others away: a page may make a browser resolve its own host name to this machine (DNS rebinding, seen by the Host header),
/// or post here or open a WebSocket from elsewhere (seen by the Origin header).
/// </summary>
internal sealed class OriginGuard
{
    private const int MaxShown = 100;

    private readonly RequestDelegate _next;
    private readonly HostAllowList _hosts;
    private readonly OriginAllowList _origins;
    private readonly ServerMeter _meter;

    public OriginGuard(RequestDelegate next, HostAllowList hosts, OriginAllowList origins, ServerMeter meter)
    {
        _meter = meter;
        _next = next;
        _hosts = hosts;
        _origins = origins;
    }

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (!ServerEndpoints.IsForProbes(request.Path) && !_hosts.Allows(request.Host))
        {
            return RefuseAsync(
                context.Response,
                "host",
                $"Invalid Host header - possible DNS rebinding attack detected: '{Shown(request.Host.Value)}' is no name of this server. If it is one, allow it by --allowed-hosts (MLFLOW_SERVER_ALLOWED_HOSTS).");
        }

        return MayChangeSomething(request) && !IsAllowedOrigin(request)
            ? RefuseAsync(
                context.Response,
                "origin",
                $"Cross-origin request blocked: a page of '{Shown(request.Headers.Origin)}' may not write here. If it may, allow it by --cors-allowed-origins (MLFLOW_SERVER_CORS_ALLOWED_ORIGINS).")
            : _next(context);
    }

    // A WebSocket begins as a GET (over HTTP/2 as a CONNECT), and browsers let any page open one to anywhere.
    private static bool MayChangeSomething(HttpRequest request) =>
        !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method)) || request.Headers.Upgrade.Count > 0;

    private bool IsAllowedOrigin(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0
            || _origins.Allows(origin)
            || (OriginAllowList.Parse(origin) is { } uri
                && (uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase) || uri.IsLoopback || _hosts.Names(uri.Host)));
    }

    private static string Shown(string? value) => TracePreview.Cut(value ?? "", MaxShown);

    private Task RefuseAsync(HttpResponse response, string what, string reason)
    {
        _meter.Rejected(what);
        response.StatusCode = StatusCodes.Status403Forbidden;
        response.ContentType = "text/plain; charset=utf-8";
        return response.WriteAsync(reason);
    }
}
