using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using MLflow.Server.Access;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Users and what belongs to them, in SQLite.</summary>
internal sealed class SqliteAccessStore : IAccessStore
{
    private const string UserColumns =
        "user_id AS UserId, name AS Name, password_hash AS PasswordHash, is_admin AS IsAdmin, default_permission AS DefaultPermission, issuer AS Issuer, subject AS Subject, created_ms AS CreatedMs";

    private const string TokenColumns =
        "token_id AS TokenId, user_id AS UserId, name AS Name, secret_hash AS SecretHash, scope AS Scope, experiments AS Experiments, created_ms AS CreatedMs, "
        + "expires_ms AS ExpiresMs, last_used_ms AS LastUsedMs, revoked_ms AS RevokedMs";

    private const string RaiseVersionSql = "UPDATE access_version SET version = version + 1";

    private const string CountUsersSql = "SELECT COUNT(*), COALESCE(SUM(is_admin), 0) FROM users";

    private const string InsertUserSql = """
        INSERT INTO users (name, password_hash, is_admin, default_permission, issuer, subject, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT DO NOTHING
        """;

    private const string SelectUserSql = "SELECT user_id, is_admin FROM users WHERE name = ?1";

    private const string UpdateUserSql = """
        UPDATE users SET password_hash = COALESCE(?2, password_hash), is_admin = COALESCE(?3, is_admin), default_permission = COALESCE(?4, default_permission)
        WHERE user_id = ?1
        """;

    private const string DeleteUserSql = "DELETE FROM users WHERE user_id = ?1";

    private const string DeleteSessionsSql = "DELETE FROM sessions WHERE user_id = ?1";

    private const string DeleteEndedSessionsSql = "DELETE FROM sessions WHERE expires_ms <= ?1";

    private const string InsertSessionSql = "INSERT INTO sessions (key_hash, user_id, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)";

    private const string DeleteSessionSql = "DELETE FROM sessions WHERE key_hash = ?1";

    private const string UpsertPermissionSql = """
        INSERT INTO experiment_permissions (user_id, experiment_id, permission) VALUES (?1, ?2, ?3)
        ON CONFLICT (user_id, experiment_id) DO UPDATE SET permission = excluded.permission
        """;

    private const string DeletePermissionSql = "DELETE FROM experiment_permissions WHERE user_id = ?1 AND experiment_id = ?2";

    private const string InsertTokenSql = """
        INSERT INTO api_tokens (token_id, user_id, name, secret_hash, scope, experiments, created_ms, expires_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """;

    private const string RevokeTokenSql = "UPDATE api_tokens SET revoked_ms = ?2 WHERE token_id = ?1 AND revoked_ms IS NULL";

    private const string NoteUseSql = "UPDATE api_tokens SET last_used_ms = ?2 WHERE token_id = ?1";

    private const string InsertKeySql = "INSERT INTO data_protection_keys (name, xml) VALUES (?1, ?2)";

    private const string InsertAuditSql = "INSERT INTO audit_log (time_ms, actor, action, target, address, result) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

    private const string DeleteOldAuditSql = "DELETE FROM audit_log WHERE audit_id <= (SELECT MAX(audit_id) FROM audit_log) - ?1";

    private readonly SqliteDatabase _database;

    public SqliteAccessStore(SqliteDatabase database) => _database = database;

    public long GetVersion() => Scalar("SELECT version FROM access_version");

    public bool HasUsers() => Scalar("SELECT EXISTS (SELECT 1 FROM users)") != 0;

    public User? FindUser(long userId) => Users("user_id = $userId", new { userId }).SingleOrDefault();

    public User? FindUser(string name) => Users("name = $name", new { name }).SingleOrDefault();

    public User? FindUser(string issuer, string subject) => Users("issuer = $issuer AND subject = $subject", new { issuer, subject }).SingleOrDefault();

    public IReadOnlyList<User> ListUsers() => Users("1", null);

    public async Task<User> CreateUserAsync(NewUser user, bool onlyFirst, CancellationToken cancellationToken)
    {
        await _database.Writer.WriteAsync(
            session =>
            {
                if (onlyFirst && Count(session).Users > 0)
                {
                    throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, "There is a user already; sign in, or ask an administrator to add you.");
                }

                return session[InsertUserSql].Bind(1, user.Name).Bind(2, user.PasswordHash).Bind(3, user.IsAdmin ? 1 : 0).Bind(4, user.DefaultPermission.ToString())
                    .Bind(5, user.Issuer).Bind(6, user.Subject).Bind(7, Now(session)).Execute() == 1
                    ? RaiseVersion(session)
                    : throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, $"User (username={user.Name}) already exists.");
            },
            cancellationToken).ConfigureAwait(false);
        return FindUser(user.Name) ?? throw Unknown(user.Name);
    }

    public Task ChangeUserAsync(string name, UserChange change, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            var (userId, isAdmin) = Require(session, name);
            if (isAdmin && change.IsAdmin == false)
            {
                RequireAnotherAdmin(session, name);
            }

            session[UpdateUserSql].Bind(1, userId).Bind(2, change.PasswordHash).Bind(3, change.IsAdmin is { } admin ? (long?)(admin ? 1 : 0) : null)
                .Bind(4, change.DefaultPermission?.ToString()).Execute();
            if (change.PasswordHash is not null)
            {
                session[DeleteSessionsSql].Bind(1, userId).Execute();
            }

            return RaiseVersion(session);
        },
        cancellationToken);

    public Task DeleteUserAsync(string name, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            var (userId, isAdmin) = Require(session, name);
            if (isAdmin)
            {
                RequireAnotherAdmin(session, name);
            }

            session[DeleteUserSql].Bind(1, userId).Execute();
            return RaiseVersion(session);
        },
        cancellationToken);

    public Task SetPermissionAsync(long userId, long experimentId, Permission? permission, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            ExperimentState.IsActive(session, experimentId);
            _ = permission is { } given
                ? session[UpsertPermissionSql].Bind(1, userId).Bind(2, experimentId).Bind(3, given.ToString()).Execute()
                : session[DeletePermissionSql].Bind(1, userId).Bind(2, experimentId).Execute();
            return RaiseVersion(session);
        },
        cancellationToken);

    public Task CreateTokenAsync(ApiToken token, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            session[InsertTokenSql].Bind(1, token.TokenId).Bind(2, token.UserId).Bind(3, token.Name).Bind(4, token.SecretHash).Bind(5, token.Scope.ToString())
                .Bind(6, token.Experiments is null ? null : JsonSerializer.Serialize(token.Experiments)).Bind(7, token.CreatedMs).Bind(8, token.ExpiresMs).Execute();
            return RaiseVersion(session);
        },
        cancellationToken);

    public ApiToken? FindToken(string tokenId) => Tokens("token_id = $tokenId", new { tokenId }).SingleOrDefault();

    public IReadOnlyList<ApiToken> ListTokens(long? userId) => Tokens("$userId IS NULL OR user_id = $userId", new { userId });

    public Task<bool> RevokeTokenAsync(string tokenId, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session => session[RevokeTokenSql].Bind(1, tokenId).Bind(2, Now(session)).Execute() == 1 && RaiseVersion(session),
        cancellationToken);

    public Task NoteUseAsync(string tokenId, long lastUsedMs, CancellationToken cancellationToken) =>
        _database.Writer.WriteAsync(session => session[NoteUseSql].Bind(1, tokenId).Bind(2, lastUsedMs).Execute(), cancellationToken);

    public Task CreateSessionAsync(Session session, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        writing =>
        {
            writing[DeleteEndedSessionsSql].Bind(1, Now(writing)).Execute();
            return writing[InsertSessionSql].Bind(1, session.KeyHash).Bind(2, session.UserId).Bind(3, session.CreatedMs).Bind(4, session.ExpiresMs).Execute();
        },
        cancellationToken);

    public Session? FindSession(byte[] keyHash)
    {
        using var connection = _database.OpenRead();
        return connection.QuerySingleOrDefault<Session>(
            "SELECT key_hash AS KeyHash, user_id AS UserId, created_ms AS CreatedMs, expires_ms AS ExpiresMs FROM sessions WHERE key_hash = $keyHash", new { keyHash });
    }

    public Task DeleteSessionAsync(byte[] keyHash, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session => session[DeleteSessionSql].Bind(1, keyHash).Execute() == 1 && RaiseVersion(session),
        cancellationToken);

    public IReadOnlyList<string> ListKeys()
    {
        using var connection = _database.OpenRead();
        return connection.Query<string>("SELECT xml FROM data_protection_keys ORDER BY key_id").AsList();
    }

    public Task AddKeyAsync(string name, string xml, CancellationToken cancellationToken) =>
        _database.Writer.WriteAsync(session => session[InsertKeySql].Bind(1, name).Bind(2, xml).Execute(), cancellationToken);

    public Task WriteAuditAsync(AuditEntry entry, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            session[InsertAuditSql].Bind(1, entry.TimeMs).Bind(2, entry.Actor).Bind(3, entry.Action).Bind(4, entry.Target).Bind(5, entry.Address).Bind(6, entry.Result).Execute();
            return session[DeleteOldAuditSql].Bind(1, IAccessStore.MaxAuditEntries).Execute();
        },
        cancellationToken);

    public IReadOnlyList<AuditEntry> ListAudit(int limit)
    {
        using var connection = _database.OpenRead();
        return connection.Query<AuditEntry>(
            "SELECT time_ms AS TimeMs, actor AS Actor, action AS Action, target AS Target, address AS Address, result AS Result FROM audit_log ORDER BY audit_id DESC LIMIT $limit",
            new { limit }).AsList();
    }

    private static long Now(SqliteWriteSession session) => session.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds();

    private static bool RaiseVersion(SqliteWriteSession session) => session[RaiseVersionSql].Execute() == 1;

    private static (long Users, long Admins) Count(SqliteWriteSession session)
    {
        var rows = session[CountUsersSql];
        rows.Read();
        var counts = (rows.GetInt64(0), rows.GetInt64(1));
        rows.Reset();
        return counts;
    }

    private static (long UserId, bool IsAdmin) Require(SqliteWriteSession session, string name)
    {
        var rows = session[SelectUserSql].Bind(1, name);
        if (!rows.Read())
        {
            throw Unknown(name);
        }

        var user = (rows.GetInt64(0), rows.GetInt64(1) != 0);
        rows.Reset();
        return user;
    }

    private static void RequireAnotherAdmin(SqliteWriteSession session, string name)
    {
        if (Count(session) is { Users: > 1, Admins: 1 })
        {
            throw new MlflowException(ErrorCode.INVALID_STATE, $"User '{name}' is the only administrator; make another user one first.");
        }
    }

    private static MlflowException Unknown(string name) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"User with username={name} not found");

    private long Scalar(string sql)
    {
        using var connection = _database.OpenRead();
        return connection.ExecuteScalar<long>(sql);
    }

    private List<User> Users(string where, object? parameters)
    {
        using var connection = _database.OpenRead();

        // One moment, even while the writer commits in between.
        using var transaction = connection.BeginTransaction(deferred: true);
        var rows = connection.Query<UserRow>($"SELECT {UserColumns} FROM users WHERE {where} ORDER BY name", parameters, transaction).AsList();
        var permissions = connection.Query<(long UserId, long ExperimentId, string Permission)>(
            $"SELECT user_id, experiment_id, permission FROM experiment_permissions WHERE user_id IN (SELECT user_id FROM users WHERE {where})", parameters, transaction)
            .ToLookup(row => row.UserId);
        return rows.ConvertAll(row => new User
        {
            UserId = row.UserId,
            Name = row.Name,
            PasswordHash = row.PasswordHash,
            IsAdmin = row.IsAdmin != 0,
            DefaultPermission = Enum.Parse<Permission>(row.DefaultPermission),
            Permissions = permissions[row.UserId].ToDictionary(permission => permission.ExperimentId, permission => Enum.Parse<Permission>(permission.Permission)),
            Issuer = row.Issuer,
            Subject = row.Subject,
            CreatedMs = row.CreatedMs,
        });
    }

    private List<ApiToken> Tokens(string where, object parameters)
    {
        using var connection = _database.OpenRead();
        return connection.Query<TokenRow>($"SELECT {TokenColumns} FROM api_tokens WHERE {where} ORDER BY created_ms DESC, token_id", parameters).AsList().ConvertAll(row => new ApiToken
        {
            TokenId = row.TokenId,
            UserId = row.UserId,
            Name = row.Name,
            SecretHash = row.SecretHash,
            Scope = Enum.Parse<TokenScope>(row.Scope),
            Experiments = row.Experiments is null ? null : JsonSerializer.Deserialize<long[]>(row.Experiments),
            CreatedMs = row.CreatedMs,
            ExpiresMs = row.ExpiresMs,
            LastUsedMs = row.LastUsedMs,
            RevokedMs = row.RevokedMs,
        });
    }

    private sealed record UserRow(long UserId, string Name, string? PasswordHash, long IsAdmin, string DefaultPermission, string? Issuer, string? Subject, long CreatedMs);

    private sealed record TokenRow(
        string TokenId, long UserId, string Name, byte[] SecretHash, string Scope, string? Experiments, long CreatedMs, long? ExpiresMs, long? LastUsedMs, long? RevokedMs);
}
