using System.Net;
using System.Net.Sockets;
using MLflow.Server.Secrets;

namespace MLflow.Server.Gateway;

/// <summary>
/// Where the gateway may connect to: to addresses of the public internet over TLS, and to hosts that a setting names. A name is looked at when it is written down,
/// and the address behind it whenever a connection is made: between the two, it may have become another.
/// </summary>
internal sealed class UpstreamRules
{
    // Ranges that are nobody's in the internet, https://www.iana.org/assignments/iana-ipv4-special-registry
    private static readonly IPNetwork[] Special = Networks(
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4");

    // All that is given out of IPv6, and of it what is special or leads to addresses of IPv4: https://www.iana.org/assignments/iana-ipv6-special-registry
    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] Special6 = Networks("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20");

    private readonly HashSet<string> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<IPNetwork> _networks = [];
    private readonly UpstreamProxy? _proxy;

    /// <param name="allowed">Entries for which <see cref="IsEntry"/> is true.</param>
    /// <param name="proxy">What is connected to in place of addresses with TLS; null for nothing.</param>
    public UpstreamRules(IEnumerable<string> allowed, IWebProxy? proxy = null)
    {
        _proxy = proxy is null ? null : new UpstreamProxy(proxy);
        foreach (var entry in allowed)
        {
            if (TryNetwork(entry, out var network))
            {
                _networks.Add(network);
            }
            else
            {
                _hosts.Add(entry.TrimEnd('.'));
            }
        }
    }

    /// <summary>Whether an entry is a network, an address, a name, or a name and a port.</summary>
    public static bool IsEntry(string entry) => TryNetwork(entry, out _) || (Uri.TryCreate($"http://{entry}", UriKind.Absolute, out var uri)
        && uri is { UserInfo: "", Query: "", Fragment: "", AbsolutePath: "/" } && uri.Host.Length > 0 && !entry.EndsWith('/'));

    /// <summary>Whether an address is one of the public internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetwork
            ? !Array.Exists(Special, network => network.Contains(address))
            : address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId == 0 && Global6.Contains(address) && !Array.Exists(Special6, network => network.Contains(address));
    }

    /// <summary>Whether a host may have any address.</summary>
    public bool IsAllowed(string host, int port)
    {
        var name = host.Trim('[', ']').TrimEnd('.');
        return _hosts.Contains(name) || _hosts.Contains(FormattableString.Invariant($"{name}:{port}")) || _hosts.Contains(FormattableString.Invariant($"[{name}]:{port}"));
    }

    /// <summary>Whether the gateway may connect to the address of a host.</summary>
    public bool MayConnect(string host, int port, IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IsPublic(plain) || IsAllowed(host, port) || _networks.Exists(network => network.Contains(plain));
    }

    /// <summary>Looks at an address that is written down.</summary>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: it can be seen that the gateway would not connect to it.</exception>
    public void Check(Uri address)
    {
        var host = address.IdnHost.TrimEnd('.');
        var isNamed = IsAllowed(host, address.Port);
        IPAddress? literal = null;
        if (IPAddress.TryParse(host.Trim('[', ']'), out var parsed))
        {
            literal = parsed;
            isNamed |= MayConnect(host, address.Port, parsed) && !IsPublic(parsed);
        }

        // The proxy looks names up, and which addresses it gets is not to be seen from here.
        if (_proxy?.GetProxy(address) is not null && !isNamed && !GatewayProvider.All.Any(provider => provider.Base is { } own && new Uri(own).Authority == address.Authority))
        {
            throw Refused(address, "it is called through a proxy, where only hosts are that have been named");
        }

        if (address.Scheme != Uri.UriSchemeHttps && !isNamed)
        {
            throw Refused(address, "the key would be sent in the clear: it must begin with https://");
        }

        if ((literal is not null && !MayConnect(host, address.Port, literal))
            || (!isNamed && (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))))
        {
            throw Refused(address, "it is an address within this network or machine");
        }
    }

    /// <summary>Looks at where a secret is to be sent.</summary>
    /// <param name="provider">Whose it is.</param>
    /// <param name="authConfig">What belongs to it and is no secret.</param>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: there is no address, or none that the gateway would connect to.</exception>
    public void RequireAddress(GatewayProvider provider, IReadOnlyDictionary<string, string> authConfig)
    {
        if (authConfig.GetValueOrDefault(SecretDestination.ApiBase) is { Length: > 0 } address)
        {
            Check(SecretDestination.Parse(address));
        }
        else if (provider.Base is null)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Provider '{provider.Name}' has no address of its own: give it in auth_config, as {{\"api_base\": \"https://…\"}}.") { Field = SecretDestination.ApiBase };
        }
    }

    private static MlflowException Refused(Uri address, string why) => new(
        ErrorCode.INVALID_PARAMETER_VALUE, $"api_base '{address.GetLeftPart(UriPartial.Authority)}' is refused, {why}. Where this is wanted, allow the host by MLFLOW_GATEWAY_ALLOWED_HOSTS={address.Authority}.")
    { Field = SecretDestination.ApiBase };

    private static bool TryNetwork(string entry, out IPNetwork network)
    {
        if (IPNetwork.TryParse(entry, out network))
        {
            return true;
        }

        if (!IPAddress.TryParse(entry.Trim('[', ']'), out var address))
        {
            return false;
        }

        network = new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
        return true;
    }

    private static IPNetwork[] Networks(params string[] networks) => [.. networks.Select(network => IPNetwork.Parse(network))];
}
