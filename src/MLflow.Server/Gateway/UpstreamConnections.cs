using System.Net;
using System.Net.Sockets;

namespace MLflow.Server.Gateway;

/// <summary>
/// The one way out: each connection goes to an address that <see cref="UpstreamRules"/> allow, or to the operator's proxy. No redirects, no cookies, no diagnostics of
/// the process around it.
/// </summary>
internal sealed class UpstreamConnections : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15);

    // Names are looked up again that often.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private readonly UpstreamRules _rules;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;

    public UpstreamConnections(UpstreamRules rules, MlflowServerOptions options)
    {
        _rules = rules;
        _resolve = options.GatewayResolver ?? Dns.GetHostAddressesAsync;
        var proxy = options.GatewayOutboundProxy is { } given ? new UpstreamProxy(given) : null;
        Handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = proxy is not null,
            Proxy = proxy,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            PooledConnectionLifetime = Lifetime,
            ConnectTimeout = ConnectTimeout,
            ConnectCallback = ConnectAsync,
        };
    }

    public SocketsHttpHandler Handler { get; }

    public void Dispose() => Handler.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await _resolve(host, cancellationToken).ConfigureAwait(false);

        // Only a tunnel through the proxy begins so, and the proxy is where the operator says.
        var isProxy = context.InitialRequestMessage.Method == HttpMethod.Connect;
        var allowed = Array.FindAll(addresses, address => isProxy || _rules.MayConnect(host, port, address));
        if (allowed.Length == 0)
        {
            throw new UpstreamRefusedException(
                $"'{host}' is at {(addresses.Length == 0 ? "no address" : "an address within this network or machine")}, and is not connected to. Where this is wanted, allow it by MLFLOW_GATEWAY_ALLOWED_HOSTS.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            // The addresses that were looked at, not the name again: it might lead elsewhere by now.
            await socket.ConnectAsync(allowed, port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
