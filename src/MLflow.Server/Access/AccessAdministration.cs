using System.Globalization;
using MLflow.Server.Storage;

namespace MLflow.Server.Access;

/// <summary>Changes users, permissions and tokens, for REST, pages and the command line alike, and writes it into the audit log. Whether the actor may is decided before.</summary>
internal sealed class AccessAdministration
{
    private const int MaxTokenName = 100;
    private static readonly TimeSpan MaxLife = TimeSpan.FromDays(3660);

    private readonly IAccessStore _store;
    private readonly AuditLog _audit;
    private readonly TimeProvider _timeProvider;

    public AccessAdministration(IAccessStore store, AuditLog audit, TimeProvider timeProvider)
    {
        _store = store;
        _audit = audit;
        _timeProvider = timeProvider;
    }

    /// <param name="actor">Who does it.</param>
    /// <param name="name">Of the user.</param>
    /// <param name="password">Null for a user who cannot sign in with one.</param>
    /// <param name="isAdmin">Whether they may do everything.</param>
    /// <param name="permission">For experiments of which nothing else is said.</param>
    /// <param name="onlyFirst">Whether it is made only where there is none yet.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the name or the password cannot be. RESOURCE_ALREADY_EXISTS: the name is taken, or there are users.</exception>
    public async Task<User> CreateUserAsync(Actor actor, string name, string? password, bool isAdmin, Permission permission, bool onlyFirst, CancellationToken cancellationToken)
    {
        NewUser.CheckName(name);
        var hash = password is null ? null : PasswordHash.CreateChecked(password);
        var user = await _store.CreateUserAsync(new NewUser(name, hash, isAdmin, permission), onlyFirst, cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.CreateUser, isAdmin ? $"{name} (administrator)" : name, AuditResult.Done).ConfigureAwait(false);
        return user;
    }

    public async Task ChangePasswordAsync(Actor actor, string name, string password, CancellationToken cancellationToken)
    {
        await _store.ChangeUserAsync(name, new UserChange(PasswordHash: PasswordHash.CreateChecked(password)), cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.ChangePassword, name, AuditResult.Done).ConfigureAwait(false);
    }

    public async Task ChangeAdminAsync(Actor actor, string name, bool isAdmin, CancellationToken cancellationToken)
    {
        await _store.ChangeUserAsync(name, new UserChange(IsAdmin: isAdmin), cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.ChangeUser, isAdmin ? $"{name}: administrator" : $"{name}: no administrator", AuditResult.Done).ConfigureAwait(false);
    }

    public async Task ChangeDefaultPermissionAsync(Actor actor, string name, Permission permission, CancellationToken cancellationToken)
    {
        await _store.ChangeUserAsync(name, new UserChange(DefaultPermission: permission), cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.ChangePermission, $"{name}: {permission.Wire()} by default", AuditResult.Done).ConfigureAwait(false);
    }

    public async Task DeleteUserAsync(Actor actor, string name, CancellationToken cancellationToken)
    {
        await _store.DeleteUserAsync(name, cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.DeleteUser, name, AuditResult.Done).ConfigureAwait(false);
    }

    /// <param name="actor">Who does it.</param>
    /// <param name="user">Whose.</param>
    /// <param name="experimentId">For which experiment.</param>
    /// <param name="permission">Null to say nothing, so that the user's default holds.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task ChangePermissionAsync(Actor actor, User user, long experimentId, Permission? permission, CancellationToken cancellationToken)
    {
        await _store.SetPermissionAsync(user.UserId, experimentId, permission, cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(
            actor, AuditAction.ChangePermission, string.Create(CultureInfo.InvariantCulture, $"{user.Name}: {permission?.Wire() ?? "as by default"} for experiment {experimentId}"), AuditResult.Done).ConfigureAwait(false);
    }

    /// <returns>The token, and the secret, which is nowhere else.</returns>
    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: the name or the time is none that can be.</exception>
    public async Task<(ApiToken Token, TokenSecret Secret)> CreateTokenAsync(
        Actor actor, User user, string name, TokenScope scope, IReadOnlyList<long>? experiments, TimeSpan? life, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxTokenName || name.Any(char.IsControl))
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Invalid token name '{name}': say in 1 to {MaxTokenName} characters what the token is for.");
        }

        if (life <= TimeSpan.Zero || life > MaxLife)
        {
            throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"A token cannot live for {life.Value.TotalDays:0.##} days: it must be more than 0 and at most {MaxLife.TotalDays:0}, or for ever.");
        }

        var now = _timeProvider.GetUtcNow();
        var secret = TokenSecret.Create();
        var token = new ApiToken
        {
            TokenId = secret.TokenId,
            UserId = user.UserId,
            Name = name,
            SecretHash = secret.Hash(),
            Scope = scope,
            Experiments = experiments,
            CreatedMs = now.ToUnixTimeMilliseconds(),
            ExpiresMs = life is { } time ? (now + time).ToUnixTimeMilliseconds() : null,
        };
        await _store.CreateTokenAsync(token, cancellationToken).ConfigureAwait(false);
        await _audit.WriteAsync(actor, AuditAction.CreateToken, $"{token.TokenId} of {user.Name} ({scope.ToString().ToLowerInvariant()})", AuditResult.Done).ConfigureAwait(false);
        return (token, secret);
    }

    /// <summary>False where there is no such token, or it is revoked already.</summary>
    public async Task<bool> RevokeTokenAsync(Actor actor, string tokenId, CancellationToken cancellationToken)
    {
        var revoked = await _store.RevokeTokenAsync(tokenId, cancellationToken).ConfigureAwait(false);
        if (revoked)
        {
            await _audit.WriteAsync(actor, AuditAction.RevokeToken, tokenId, AuditResult.Done).ConfigureAwait(false);
        }

        return revoked;
    }
}
