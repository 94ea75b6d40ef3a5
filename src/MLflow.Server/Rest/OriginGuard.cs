using System.Net;

namespace MLflow.Server.Rest;

/// <summary>
/// Keeps web pages of others away from a server that has no authentication: a page may make a browser resolve its own host name to this machine
/// (DNS rebinding, seen by the Host header) or post here or open a WebSocket from elsewhere (seen by the Origin header).
/// </summary>
internal sealed class OriginGuard
{
    private readonly RequestDelegate _next;
    private readonly HashSet<string> _allowedHosts;

    public OriginGuard(RequestDelegate next, MlflowServerOptions options)
    {
        _next = next;
        _allowedHosts = new HashSet<string>(options.AllowedHosts, StringComparer.OrdinalIgnoreCase) { options.Host };
    }

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var response = context.Response;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.XFrameOptions = "SAMEORIGIN";
        if (request.Path != ServerEndpoints.HealthPath && request.Path != ServerEndpoints.VersionPath && !IsAllowed(request.Host.Host))
        {
            return RefuseAsync(response, "Invalid Host header - possible DNS rebinding attack detected");
        }

        return MayChangeSomething(request) && !IsAllowedOrigin(request)
            ? RefuseAsync(response, "Cross-origin request blocked")
            : _next(context);
    }

    // A WebSocket begins as a GET, and browsers let any page open one to anywhere.
    private static bool MayChangeSomething(HttpRequest request) =>
        !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) || request.Headers.Upgrade.Count > 0;

    private bool IsAllowedOrigin(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0
            || (Uri.TryCreate(origin, UriKind.Absolute, out var uri)
                && (uri.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase) || uri.IsLoopback || _allowedHosts.Contains("*") || _allowedHosts.Contains(uri.Host)));
    }

    private bool IsAllowed(string host) =>
        _allowedHosts.Contains("*")
        || _allowedHosts.Contains(host)
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IsNear(address));

    // An address cannot be rebound; those of the internet are refused because nobody should reach this server by them unless told.
    private static bool IsNear(IPAddress address)
    {
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.IsIPv6UniqueLocal)
        {
            return true;
        }

        var bytes = address.MapToIPv4().GetAddressBytes();
        return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            && (bytes[0] == 10 || (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 172 && bytes[1] is >= 16 and <= 31));
    }

    private static Task RefuseAsync(HttpResponse response, string reason)
    {
        response.StatusCode = StatusCodes.Status403Forbidden;
        response.ContentType = "text/plain; charset=utf-8";
        return response.WriteAsync(reason);
    }
}
