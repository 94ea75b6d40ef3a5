using Microsoft.AspNetCore.HttpOverrides;

namespace MLflow.Server.Hosting;

/// <summary>
/// What a reverse proxy says of the request that it passes on: <c>X-Forwarded-For</c>, <c>-Proto</c>, <c>-Host</c> and <c>-Prefix</c>.
/// Believed from the addresses that the settings name, and from nobody else, not even this machine: a page that a browser was tricked to load
/// (DNS rebinding) can send such headers, too.
/// </summary>
internal static class ProxyHeaders
{
    public static void UseProxyHeaders(this IApplicationBuilder app, ServerSettings settings)
    {
        if (settings.TrustedProxies.Count == 0)
        {
            return;
        }

        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.All,

            // However many of them stand in a row: the first that is not trusted ends it.
            ForwardLimit = null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in settings.TrustedProxies)
        {
            options.KnownIPNetworks.Add(network);
        }

        app.UseForwardedHeaders(options);
    }
}
