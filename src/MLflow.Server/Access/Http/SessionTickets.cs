using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using MLflow.Server.Storage;

namespace MLflow.Server.Access.Http;

/// <summary>
/// Sessions of browsers: the cookie has a random key, the database its hash and whose it is. So a session can be ended from here, and a stolen database has none.
/// </summary>
internal sealed class SessionTickets : ITicketStore
{
    /// <summary>How long one lasts, however it is used.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromDays(7);

    private const int KeyBytes = 32;

    private readonly IAccessStore _store;
    private readonly AccessDirectory _directory;
    private readonly TimeProvider _timeProvider;

    public SessionTickets(IAccessStore store, AccessDirectory directory, TimeProvider timeProvider)
    {
        _store = store;
        _directory = directory;
        _timeProvider = timeProvider;
    }

    public async Task<string> StoreAsync(AuthenticationTicket ticket)
    {
        var userId = Credential.UserId(ticket.Principal) ?? throw new InvalidOperationException("A session needs a user.");
        var key = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));
        var now = _timeProvider.GetUtcNow();
        await _store.CreateSessionAsync(new Session(Hash(key), userId, now.ToUnixTimeMilliseconds(), (now + Life).ToUnixTimeMilliseconds()), CancellationToken.None).ConfigureAwait(false);
        return key;
    }

    // It does not get longer by use, and whoever signs in gets another (SignInCookies).
    public Task RenewAsync(string key, AuthenticationTicket ticket) => throw new InvalidOperationException("A session is never another's.");

    public Task<AuthenticationTicket?> RetrieveAsync(string key)
    {
        var hash = Hash(key);
        if (_directory.FindSession(hash) is not var (session, user))
        {
            return Task.FromResult<AuthenticationTicket?>(null);
        }

        var properties = new AuthenticationProperties
        {
            IssuedUtc = DateTimeOffset.FromUnixTimeMilliseconds(session.CreatedMs),
            ExpiresUtc = DateTimeOffset.FromUnixTimeMilliseconds(session.ExpiresMs),
        };
        return Task.FromResult<AuthenticationTicket?>(
            new AuthenticationTicket(Credential.Of(Credential.Session, user, Convert.ToHexStringLower(hash)), properties, CookieAuthenticationDefaults.AuthenticationScheme));
    }

    public Task RemoveAsync(string key) => _store.DeleteSessionAsync(Hash(key), CancellationToken.None);

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
