using Yarp.ReverseProxy.Forwarder;

namespace MLflow.Server.Gateway;

/// <summary>What is passed on: of a request nothing, since <see cref="UpstreamHandler"/> makes its own; of an answer all but what is about the upstream's own site.</summary>
internal sealed class GatewayTransformer : HttpTransformer
{
    public const string TraceHeader = "X-MLflow-Trace-Id";

    public static readonly GatewayTransformer Instance = new();

    private static readonly string[] OfTheirSite =
    [
        "Set-Cookie", "Set-Cookie2", "Alt-Svc", "Strict-Transport-Security", "Clear-Site-Data", "Content-Security-Policy", "Report-To", "NEL", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
        "Access-Control-Expose-Headers", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "WWW-Authenticate",
    ];

    private GatewayTransformer()
    {
    }

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = new Uri(destinationPrefix);
        return default;
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        var isPassed = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken).ConfigureAwait(false);
        foreach (var name in OfTheirSite)
        {
            httpContext.Response.Headers.Remove(name);
        }

        return isPassed;
    }
}
