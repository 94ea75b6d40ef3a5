using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using static MLflow.Cli.Doctor.CheckOutcome;

namespace MLflow.Cli.Doctor;

/// <summary>Name, port and certificate. Where the environment names a proxy, it is the proxy that must be reached.</summary>
internal sealed class ConnectionCheck
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly Uri _address;
    private readonly TrackingTransport _transport;

    public ConnectionCheck(Uri address, TrackingTransport transport)
    {
        _address = address;
        _transport = transport;
    }

    public async IAsyncEnumerable<CheckResult> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var proxy = HttpClient.DefaultProxy.IsBypassed(_address) ? null : HttpClient.DefaultProxy.GetProxy(_address);
        var through = proxy is null ? "" : $" (the proxy for {_address.Host}; NO_PROXY={_address.Host} goes without it)";
        var (host, port) = proxy is null ? (_address.DnsSafeHost, _address.Port) : (proxy.DnsSafeHost, proxy.Port);

        var (addresses, dns) = await ResolveAsync(host, through, cancellationToken);
        yield return dns;
        if (addresses.Length == 0)
        {
            yield break;
        }

        var (socket, tcp) = await ConnectAsync(addresses, host, port, through, cancellationToken);
        yield return tcp;
        using (socket)
        {
            if (socket is null)
            {
                yield break;
            }

            yield return (_address.Scheme, proxy) switch
            {
                ("http", _) => new CheckResult("tls", _address.IsLoopback ? Ok : Warning, _address.IsLoopback ? "not needed on this machine" : "none: traces and credentials go over the network in clear; use https"),
                (_, not null) => new CheckResult("tls", Skipped, "the connection goes through a proxy; /version shows whether it works"),
                _ => await HandshakeAsync(socket, cancellationToken),
            };
        }
    }

    private static async Task<(IPAddress[] Addresses, CheckResult Result)> ResolveAsync(string host, string through, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var literal))
        {
            return ([literal], new CheckResult("dns", Ok, $"{host} is an address{through}"));
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Timeout);
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, deadline.Token);
            return (addresses, new CheckResult("dns", Ok, $"{host} is {string.Join(", ", addresses.AsEnumerable())}{through}"));
        }
        catch (Exception e) when (e is SocketException or ArgumentException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return ([], new CheckResult("dns", Failed, $"the name {host} is not found ({e.Message}){through}: look at its spelling, at /etc/hosts, at the DNS server, at the VPN"));
        }
    }

    private static async Task<(Socket? Socket, CheckResult Result)> ConnectAsync(IPAddress[] addresses, string host, int port, string through, CancellationToken cancellationToken)
    {
        var reason = "";
        foreach (var address in addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(Timeout);
            try
            {
                await socket.ConnectAsync(address, port, deadline.Token);
                return (socket, new CheckResult("tcp", Ok, $"{address} port {port} answers{through}"));
            }
            catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                socket.Dispose();
                reason = e is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
                    ? $"{address} refuses port {port}: nothing listens there; start the server (dotnet mlflow server --port {port}) or look at the port of the address"
                    : e is SocketException
                        ? $"{address} port {port}: {e.Message}; look at the network, the VPN and the firewall"
                        : $"{address} port {port} does not answer within {Timeout.TotalSeconds} seconds: a firewall, or the wrong host";
            }
        }

        return (null, new CheckResult("tcp", Failed, $"{host}: {reason}{through}"));
    }

    private async Task<CheckResult> HandshakeAsync(Socket socket, CancellationToken cancellationToken)
    {
        using var handler = _transport.CreateHandler(1);
        var options = handler.SslOptions;
        options.TargetHost = _address.DnsSafeHost;
        var errors = SslPolicyErrors.None;
        var status = "";
        var isInsecure = options.RemoteCertificateValidationCallback is not null;
        options.RemoteCertificateValidationCallback = (_, _, chain, found) =>
        {
            errors = found;
            status = string.Join(", ", (chain?.ChainStatus ?? []).Select(s => s.StatusInformation.Trim().TrimEnd('.')));
            return isInsecure || found == SslPolicyErrors.None;
        };
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Timeout);
        await using var stream = new SslStream(new NetworkStream(socket));
        try
        {
            await stream.AuthenticateAsClientAsync(options, deadline.Token);
            return errors == SslPolicyErrors.None
                ? new CheckResult("tls", Ok, $"{stream.SslProtocol}, the certificate is good until {stream.RemoteCertificate?.GetExpirationDateString()}")
                : new CheckResult("tls", Warning, $"MLFLOW_TRACKING_INSECURE_TLS lets a certificate pass that is not good ({errors}): whoever sits between can read all");
        }
        catch (AuthenticationException e)
        {
            var why = errors switch
            {
                _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) => $"the certificate is for another name than {_address.DnsSafeHost}: use the name that it has",
                _ when errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) => $"the certificate is not trusted ({status}): name its authority in MLFLOW_TRACKING_SERVER_CERT_PATH, or renew it where it has expired",
                _ => $"{e.GetBaseException().Message}: does the server speak https at this port?",
            };
            return new CheckResult("tls", Failed, why);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new CheckResult("tls", Failed, $"the handshake ends ({e.Message}): does the server speak https at this port?");
        }
    }
}
