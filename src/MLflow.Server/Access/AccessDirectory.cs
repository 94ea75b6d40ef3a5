using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using MLflow.Server.Storage;

namespace MLflow.Server.Access;

/// <summary>
/// Finds out who somebody is and what they may, as it is now: what was read is kept only until anything about users, permissions, tokens or sessions changes,
/// whichever process changes it.
/// </summary>
internal sealed class AccessDirectory
{
    /// <summary>How exactly the last use of a token is known: it is no write for each request.</summary>
    public static readonly TimeSpan UseResolution = TimeSpan.FromMinutes(10);

    /// <summary>Users, tokens and sessions each that are kept in memory.</summary>
    private const int MaxKept = 10_000;

    private readonly IAccessStore _store;
    private readonly AccessMode _mode;
    private readonly TimeProvider _timeProvider;
    private readonly ConcurrentDictionary<string, long> _used = new();
    private volatile Snapshot _snapshot = new(-1);
    private volatile bool _hadUsers;

    public AccessDirectory(IAccessStore store, AccessMode mode, TimeProvider timeProvider)
    {
        _store = store;
        _mode = mode;
        _timeProvider = timeProvider;
    }

    /// <summary>
    /// Whether nobody needs to sign in. Once there was a user it stays closed until the server starts anew: whoever deletes the last one shall not open it to all.
    /// </summary>
    public bool IsOpen
    {
        get
        {
            if (_mode != AccessMode.WhenUsersExist || _hadUsers)
            {
                return _mode == AccessMode.Never;
            }

            var snapshot = Current();
            _hadUsers = snapshot.HasUsers ??= _store.HasUsers();
            return !_hadUsers;
        }
    }

    /// <summary>Grows with every change; what was concluded from an earlier one is out of date.</summary>
    public long Version => Current().Version;

    /// <summary>Who a principal is now; null where what they signed in with is no longer valid.</summary>
    public Caller? Find(ClaimsPrincipal principal)
    {
        var kind = Credential.Kind(principal);
        if (kind == Credential.Open)
        {
            return IsOpen ? Caller.Everyone : null;
        }

        var now = Current();
        return (kind, Credential.Key(principal)) switch
        {
            (Credential.Password, _) => Credential.UserId(principal) is { } userId && FindUser(now, userId) is { } user ? Caller.Of(user) : null,
            (Credential.Session, { } key) => FindSession(now, Convert.FromHexString(key)) is var (_, user) ? Caller.Of(user) : null,
            (Credential.Token, { } key) => FindToken(now, key) is { } token && FindUser(now, token.UserId) is { } user ? Caller.Of(user, token) : null,
            _ => null,
        };
    }

    public User? FindUser(long userId) => FindUser(Current(), userId);

    /// <summary>A session that has not ended, and whose it is; null for others.</summary>
    public (Session Session, User User)? FindSession(byte[] keyHash) => FindSession(Current(), keyHash);

    /// <summary>The owner of a token that is valid and whose secret is right; null for others.</summary>
    public (User User, ApiToken Token)? Verify(TokenSecret secret)
    {
        var now = Current();
        if (FindToken(now, secret.TokenId) is not { } token || !CryptographicOperations.FixedTimeEquals(token.SecretHash, secret.Hash()) || FindUser(now, token.UserId) is not { } user)
        {
            return null;
        }

        NoteUse(token);
        return (user, token);
    }

    private User? FindUser(Snapshot snapshot, long userId) =>
        snapshot.Users.TryGetValue(userId, out var user) ? user : Keep(snapshot.Users, userId, _store.FindUser(userId));

    private (Session Session, User User)? FindSession(Snapshot snapshot, byte[] keyHash)
    {
        var key = Convert.ToHexStringLower(keyHash);
        var session = snapshot.Sessions.TryGetValue(key, out var kept) ? kept : Keep(snapshot.Sessions, key, _store.FindSession(keyHash));
        return session?.ExpiresMs > NowMs() && FindUser(snapshot, session.UserId) is { } user ? (session, user) : null;
    }

    private ApiToken? FindToken(Snapshot snapshot, string tokenId)
    {
        var tokens = snapshot.Tokens;
        var token = tokens.TryGetValue(tokenId, out var kept) ? kept : Keep(tokens, tokenId, _store.FindToken(tokenId));
        return token?.IsValid(NowMs()) == true ? token : null;
    }

    private void NoteUse(ApiToken token)
    {
        var now = NowMs();
        var last = _used.GetValueOrDefault(token.TokenId, token.LastUsedMs ?? 0);
        if (now - last >= UseResolution.TotalMilliseconds)
        {
            if (_used.Count >= MaxKept)
            {
                _used.Clear();
            }

            _used[token.TokenId] = now;
            _ = WriteUseAsync(token.TokenId, now);
        }
    }

    private async Task WriteUseAsync(string tokenId, long nowMs)
    {
        try
        {
            await _store.NoteUseAsync(tokenId, nowMs, CancellationToken.None).ConfigureAwait(false);
        }
        catch (MlflowException)
        {
            // The disk is full or the like: a figure for people is not worth a failure of the request.
        }
        catch (System.Threading.Channels.ChannelClosedException)
        {
            // The server is stopping.
        }
    }

    private Snapshot Current()
    {
        var version = _store.GetVersion();
        var snapshot = _snapshot;
        if (snapshot.Version != version)
        {
            _snapshot = snapshot = new Snapshot(version);
        }

        return snapshot;
    }

    // What is not there is not kept: a stranger could fill the memory with names, and a new session raises no version.
    private static TValue? Keep<TKey, TValue>(ConcurrentDictionary<TKey, TValue> kept, TKey key, TValue? value)
        where TKey : notnull
        where TValue : class
    {
        if (value is not null)
        {
            if (kept.Count >= MaxKept)
            {
                kept.Clear();
            }

            kept[key] = value;
        }

        return value;
    }

    private long NowMs() => _timeProvider.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class Snapshot(long version)
    {
        public long Version { get; } = version;

        public bool? HasUsers { get; set; }

        public ConcurrentDictionary<long, User> Users { get; } = new();

        public ConcurrentDictionary<string, ApiToken> Tokens { get; } = new();

        public ConcurrentDictionary<string, Session> Sessions { get; } = new();
    }
}
