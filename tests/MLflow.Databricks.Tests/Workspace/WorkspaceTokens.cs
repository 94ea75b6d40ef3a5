using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>Who may enter the workspace: personal tokens, users with passwords, and access tokens that expire.</summary>
internal sealed class WorkspaceTokens(TimeProvider clock)
{
    /// <summary>Fact sheet §1.5: tokens that live less than this are rejected, by Azure Databricks at least.</summary>
    public static readonly TimeSpan RejectedBeforeExpiry = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _tokens = new();
    private readonly ConcurrentDictionary<string, string> _services = new();
    private readonly ConcurrentDictionary<string, string> _federated = new();
    private readonly ConcurrentBag<string> _secrets = [];
    private readonly ConcurrentDictionary<string, string> _principals = new();

    /// <summary>How long access tokens live. Fact sheet §1.5: an hour.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Everything that may appear in no log, exception, trace or file of a client.</summary>
    public IReadOnlyCollection<string> Secrets => _secrets;

    /// <summary>A personal access token, which does not expire.</summary>
    /// <param name="principal">Whose it is.</param>
    public string AddPersonal(string principal = UserEndpoints.UserName)
    {
        var token = "dapi" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        Keep(token, DateTimeOffset.MaxValue);
        _principals[token] = principal;
        return token;
    }

    /// <summary>Who sends an accepted request. Everybody but the owners of personal tokens is the same user.</summary>
    public string PrincipalOf(string? authorization) =>
        authorization?.Split(' ', 2) is [_, var token] && _principals.TryGetValue(token, out var principal) ? principal : UserEndpoints.UserName;

    /// <summary>A user with a password (fact sheet §1.5, basic).</summary>
    public (string User, string Password) AddUser()
    {
        var (user, password) = ("ann@example.com", "pw-" + Random());
        Keep(Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")), DateTimeOffset.MaxValue);
        _secrets.Add(password);
        return (user, password);
    }

    /// <summary>A service principal with a secret, for machine-to-machine OAuth.</summary>
    public (string ClientId, string ClientSecret) AddServicePrincipal()
    {
        var (id, secret) = (Guid.NewGuid().ToString(), "dose" + Random());
        _services[id] = secret;
        _secrets.Add(secret);
        return (id, secret);
    }

    /// <summary>An identity token of another issuer that the workspace trusts, for one service principal or, with null, for the account.</summary>
    public string AddFederated(string? clientId)
    {
        var token = "eyJ" + Random() + "." + Random() + "." + Random();
        _federated[token] = clientId ?? "";
        _secrets.Add(token);
        return token;
    }

    public bool IsServicePrincipal(string clientId, string secret) => _services.TryGetValue(clientId, out var known) && known == secret;

    public bool IsFederated(string token, string? clientId) => _federated.TryGetValue(token, out var known) && known == (clientId ?? "");

    /// <summary>Issues an access token.</summary>
    public string Issue()
    {
        var token = "eyJ" + Random();
        Keep(token, clock.GetUtcNow() + Lifetime);
        return token;
    }

    /// <summary>Ends every access token now, whatever clients believe.</summary>
    public void ExpireAll()
    {
        foreach (var (token, expiry) in _tokens)
        {
            if (expiry != DateTimeOffset.MaxValue)
            {
                _tokens[token] = DateTimeOffset.MinValue;
            }
        }
    }

    /// <summary>Ends one token, also a personal one.</summary>
    public void Revoke(string token) => _tokens.TryRemove(token, out _);

    /// <summary>Fact sheet §1.5: <c>Bearer</c> with a token or <c>Basic</c> with user and password.</summary>
    public bool Accepts(string? authorization) =>
        authorization?.Split(' ', 2) is ["Bearer" or "Basic", var token] && _tokens.TryGetValue(token, out var expiry) && expiry - clock.GetUtcNow() >= RejectedBeforeExpiry;

    private static string Random() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    private void Keep(string token, DateTimeOffset expiry)
    {
        _tokens[token] = expiry;
        _secrets.Add(token);
    }
}
