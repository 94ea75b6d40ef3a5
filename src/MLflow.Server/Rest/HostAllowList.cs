using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace MLflow.Server.Rest;

/// <summary>
/// Which values of the Host header are answered: loopback and private addresses, which cannot be rebound, and what the settings name.
/// A port counts only where a setting has one, so that a mapped port changes nothing.
/// </summary>
internal sealed class HostAllowList
{
    private const string Any = "*";
    private const string AnyBelow = "*.";

    private static readonly IPNetwork[] Near =
    [
        IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("0.0.0.0/32"),
        IPNetwork.Parse("::1/128"), IPNetwork.Parse("fc00::/7"),
    ];

    private readonly bool _isAny;
    private readonly List<Rule> _rules = [new Rule("localhost", null, null)];

    /// <param name="hosts">Entries that <see cref="IsEntry"/> takes.</param>
    public HostAllowList(IEnumerable<string> hosts)
    {
        _rules.AddRange(Near.Select(network => new Rule(null, network, null)));
        foreach (var host in hosts)
        {
            _isAny |= host == Any;
            if (host != Any && TryParse(host, out var rule))
            {
                _rules.Add(rule);
            }
        }
    }

    /// <summary>A name, <c>*.</c> and a name, an address, each with or without a port; a network; or <c>*</c>.</summary>
    public static bool IsEntry(string host) => host == Any || TryParse(host, out _);

    public bool Allows(HostString host)
    {
        if (_isAny)
        {
            return true;
        }

        var name = Name(host.Host);
        var address = AddressOf(name);
        return _rules.Exists(rule => (rule.Port is null || rule.Port == host.Port) && Matches(rule, name, address));
    }

    /// <summary>Whether a name stands in the settings itself; no pattern and no network counts.</summary>
    public bool Names(string host) => _rules.Exists(rule => rule.Network is null && rule.Name?.StartsWith(AnyBelow, StringComparison.Ordinal) == false && rule.Name.Equals(Name(host), StringComparison.OrdinalIgnoreCase));

    // With a dot at its end a name is the same one, written in full.
    private static string Name(string host) => host.EndsWith('.') ? host[..^1] : host;

    private static bool Matches(Rule rule, string name, IPAddress? address) =>
        rule.Network is { } network ? address is not null && network.Contains(address)
        : rule.Name!.StartsWith(AnyBelow, StringComparison.Ordinal) ? name.Length >= rule.Name.Length && name.EndsWith(rule.Name[1..], StringComparison.OrdinalIgnoreCase)
        : rule.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// An address in the one form in which browsers send it. .NET also reads 0177.0.0.1, 127.1 and 2130706433 as addresses, and other programs read
    /// those otherwise: they are names here, and no name that is allowed.
    /// </summary>
    private static IPAddress? AddressOf(string name)
    {
        if (name is ['[', .., ']'])
        {
            return !name.Contains('%', StringComparison.Ordinal) && IPAddress.TryParse(name[1..^1], out var v6)
                ? v6.IsIPv4MappedToIPv6 ? v6.MapToIPv4() : v6
                : null;
        }

        return IPAddress.TryParse(name, out var v4) && v4.ToString() == name ? v4 : null;
    }

    private static bool TryParse(string text, [NotNullWhen(true)] out Rule? rule)
    {
        rule = null;
        if (IPNetwork.TryParse(text, out var network))
        {
            rule = new Rule(null, network, null);
            return true;
        }

        // An IPv6 address without brackets has colons and no port.
        if (!text.StartsWith('[') && IPAddress.TryParse(text, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6)
        {
            text = $"[{address}]";
        }

        var end = text.LastIndexOf(':');
        int? port = null;
        if (end > text.LastIndexOf(']'))
        {
            if (!ushort.TryParse(text.AsSpan(end + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            port = number;
            text = text[..end];
        }

        var name = Name(text);
        if (AddressOf(name) is { } single)
        {
            rule = new Rule(null, new IPNetwork(single, single.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128), port);
            return true;
        }

        var plain = name.StartsWith(AnyBelow, StringComparison.Ordinal) ? name[AnyBelow.Length..] : name;
        if (plain.Length == 0 || !plain.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            return false;
        }

        rule = new Rule(name, null, port);
        return true;
    }

    /// <summary>What one entry allows: a name (or all below one), or a network.</summary>
    private sealed record Rule(string? Name, IPNetwork? Network, int? Port);
}
