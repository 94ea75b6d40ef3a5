using MLflow.Server.Access;

namespace MLflow.Server.Storage;

/// <summary>Keeps users, their permissions, tokens and sessions, the keys of cookies, and the audit log. All that writes is durable on return.</summary>
internal interface IAccessStore
{
    /// <summary>Entries of the audit log; the oldest go when there are more.</summary>
    const int MaxAuditEntries = 200_000;

    /// <summary>Grows with every change that decides who may do what, whichever process made it.</summary>
    long GetVersion();

    bool HasUsers();

    User? FindUser(long userId);

    /// <summary>The user, or null. Names differ by more than the case of ASCII letters.</summary>
    User? FindUser(string name);

    User? FindUser(string issuer, string subject);

    /// <summary>All users, by name.</summary>
    IReadOnlyList<User> ListUsers();

    /// <summary>Creates a user and returns it.</summary>
    /// <param name="user">The user.</param>
    /// <param name="onlyFirst">Whether it is made only where there is none yet.</param>
    /// <param name="cancellationToken">Ends the wait for the writer.</param>
    /// <exception cref="MlflowException">RESOURCE_ALREADY_EXISTS: the name is taken, or there are users.</exception>
    Task<User> CreateUserAsync(NewUser user, bool onlyFirst, CancellationToken cancellationToken);

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such user. INVALID_STATE: it is the last administrator of several users.</exception>
    Task ChangeUserAsync(string name, UserChange change, CancellationToken cancellationToken);

    /// <summary>Deletes a user with permissions, tokens and sessions. What they sent stays.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such user. INVALID_STATE: it is the last administrator of several users.</exception>
    Task DeleteUserAsync(string name, CancellationToken cancellationToken);

    /// <summary>Says what a user may do with an experiment; null to say nothing, so that the user's default holds.</summary>
    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such experiment.</exception>
    Task SetPermissionAsync(long userId, long experimentId, Permission? permission, CancellationToken cancellationToken);

    Task CreateTokenAsync(ApiToken token, CancellationToken cancellationToken);

    ApiToken? FindToken(string tokenId);

    /// <summary>The tokens of a user, or of all; newest first, revoked ones too.</summary>
    IReadOnlyList<ApiToken> ListTokens(long? userId);

    /// <summary>False where there is no such token, or it is revoked already.</summary>
    Task<bool> RevokeTokenAsync(string tokenId, CancellationToken cancellationToken);

    /// <summary>Notes when a token was used. It decides nothing, so <see cref="GetVersion"/> stays.</summary>
    Task NoteUseAsync(string tokenId, long lastUsedMs, CancellationToken cancellationToken);

    /// <summary>Creates a session, and deletes those that have ended.</summary>
    Task CreateSessionAsync(Session session, CancellationToken cancellationToken);

    Session? FindSession(byte[] keyHash);

    Task DeleteSessionAsync(byte[] keyHash, CancellationToken cancellationToken);

    /// <summary>The keys of cookies, as DataProtection wrote them.</summary>
    IReadOnlyList<string> ListKeys();

    Task AddKeyAsync(string name, string xml, CancellationToken cancellationToken);

    Task WriteAuditAsync(AuditEntry entry, CancellationToken cancellationToken);

    /// <summary>The newest entries, newest first.</summary>
    IReadOnlyList<AuditEntry> ListAudit(int limit);
}
