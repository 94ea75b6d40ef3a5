using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>
/// The proxy of this process: clients reach hosts of the world through it, which are stand-ins on this machine. So the code under test asks the names that it asks in the world.
/// Hosts that nobody has redirected are refused.
/// </summary>
internal sealed class CloudProxy : IWebProxy
{
    private readonly ConcurrentDictionary<string, int> _ports = new();
    private readonly Uri _address;

    private CloudProxy()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
        _ = AcceptAsync(listener);
    }

    public static CloudProxy Instance { get; } = new();

    /// <summary>For programs of their own, which are told it by <c>HTTPS_PROXY</c>.</summary>
    public Uri Address => _address;

    public ICredentials? Credentials { get; set; }

    [ModuleInitializer]
    public static void Install() => HttpClient.DefaultProxy = Instance;

    public void Redirect(string host, int port) => _ports[host] = port;

    public Uri? GetProxy(Uri destination) => _address;

    public bool IsBypassed(Uri host) => host.IsLoopback;

    private async Task AcceptAsync(TcpListener listener)
    {
        while (true)
        {
            _ = TunnelAsync(await listener.AcceptTcpClientAsync());
        }
    }

    private async Task TunnelAsync(TcpClient client)
    {
        using var from = client;
        using var to = new TcpClient();
        try
        {
            var near = from.GetStream();
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                await near.ReadExactlyAsync(one);
                head.Append((char)one[0]);
            }

            var host = head.ToString().Split(' ', ':') is ["CONNECT", var name, ..] ? name : "";
            if (!_ports.TryGetValue(host, out var port))
            {
                await near.WriteAsync("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                return;
            }

            await to.ConnectAsync(IPAddress.Loopback, port);
            await near.WriteAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray());
            var far = to.GetStream();
            await Task.WhenAny(near.CopyToAsync(far), far.CopyToAsync(near));
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // A side has gone, and with it the tunnel.
        }
    }
}
