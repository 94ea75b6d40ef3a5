using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Http;

/// <summary>
/// Whether a name and a password belong together. The hash is slow by design, so what was found is kept for some minutes under a keyed hash, which is worth nothing
/// outside of this process; a change of any user ends it. Guessing is slowed down by address, and by name for addresses that have not signed in with it before,
/// so that nobody can lock a user out from elsewhere.
/// </summary>
internal sealed class PasswordCheck : IDisposable
{
    private const int MaxKept = 10_000;

    private static readonly TimeSpan RightFor = TimeSpan.FromMinutes(5);

    /// <summary>A program with an old password tries for ever: the same again is no new guess, and costs nothing.</summary>
    private static readonly TimeSpan WrongFor = TimeSpan.FromMinutes(1);

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, Finding> _findings = new();
    private readonly ConcurrentDictionary<string, bool> _known = new();
    private readonly FailureLimits _byAddress;
    private readonly FailureLimits _byName;

    // Others need the processors, too.
    private readonly SemaphoreSlim _hashing = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly IAccessStore _store;
    private readonly AccessDirectory _directory;
    private readonly TimeProvider _timeProvider;

    public PasswordCheck(IAccessStore store, AccessDirectory directory, TimeProvider timeProvider)
    {
        _store = store;
        _directory = directory;
        _timeProvider = timeProvider;
        _byAddress = new FailureLimits(timeProvider, AddressLimit, AddressWindow);
        _byName = new FailureLimits(timeProvider, NameLimit, NameWindow);
    }

    public static int AddressLimit => 20;

    public static TimeSpan AddressWindow { get; } = TimeSpan.FromMinutes(5);

    public static int NameLimit => 100;

    public static TimeSpan NameWindow { get; } = TimeSpan.FromMinutes(15);

    public async Task<PasswordFinding> FindAsync(string name, string password, IPAddress? address, CancellationToken cancellationToken)
    {
        var version = _directory.Version;
        var credential = KeyOf(name + "\0" + password);
        if (Kept(credential, version) is { } kept)
        {
            return new PasswordFinding(kept.UserId is { } userId ? _directory.FindUser(userId) : null, IsNew: false, Wait: null);
        }

        var network = Network(address);
        var user = KeyOf(name.ToUpperInvariant());
        var place = user + network;
        if ((_byAddress.Wait(network) ?? (_known.ContainsKey(place) ? null : _byName.Wait(user))) is { } wait)
        {
            return new PasswordFinding(null, IsNew: false, wait);
        }

        var found = _store.FindUser(name);
        await _hashing.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool isRight;
        try
        {
            isRight = await Task.Run(() => PasswordHash.Verify(password.Length <= PasswordHash.MaxLength ? password : "", found?.PasswordHash), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _hashing.Release();
        }

        if (_findings.Count >= MaxKept)
        {
            _findings.Clear();
        }

        _findings[credential] = new Finding(isRight ? found!.UserId : null, version, _timeProvider.GetUtcNow() + (isRight ? RightFor : WrongFor));
        if (!isRight)
        {
            _byAddress.Add(network);
            _byName.Add(user);
            return new PasswordFinding(null, IsNew: true, Wait: null);
        }

        if (_known.Count >= MaxKept)
        {
            _known.Clear();
        }

        _known[place] = true;
        return new PasswordFinding(found, IsNew: true, Wait: null);
    }

    public void Dispose() => _hashing.Dispose();

    /// <summary>Whoever has an IPv6 address has a network of 64 bits of them.</summary>
    public static string Network(IPAddress? address)
    {
        if (address is not { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false })
        {
            return address?.MapToIPv4().ToString() ?? "";
        }

        const int NetworkBytes = 8;
        return Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, NetworkBytes));
    }

    private string KeyOf(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)));

    private Finding? Kept(string credential, long version) =>
        _findings.TryGetValue(credential, out var finding) && finding.Version == version && finding.Until > _timeProvider.GetUtcNow() ? finding : null;

    private sealed record Finding(long? UserId, long Version, DateTimeOffset Until);
}
