using System.Globalization;
using System.Text.Json;
using MLflow.Server.Access;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Users and what belongs to them, in PostgreSQL.</summary>
internal sealed class PostgresAccessStore : IAccessStore
{
    // Permissions as "experiment permission", so that one statement reads all of one moment.
    private const string SelectUsersSql = """
        SELECT u.user_id, u.name, u.password_hash, u.is_admin, u.default_permission, u.issuer, u.subject, u.created_ms,
            ARRAY(SELECT p.experiment_id || ' ' || p.permission FROM experiment_permissions p WHERE p.user_id = u.user_id)
        FROM users u
        """;

    private const string SelectTokensSql =
        "SELECT token_id, user_id, name, secret_hash, scope, experiments, created_ms, expires_ms, last_used_ms, revoked_ms FROM api_tokens";

    // First of all, so that whoever decides by what is there now is alone with it.
    private const string RaiseVersionSql = "UPDATE access_version SET version = version + 1";

    private const string CountUsersSql = "SELECT COUNT(*), COALESCE(SUM(is_admin), 0) FROM users";

    private const string InsertUserSql = """
        INSERT INTO users (name, password_hash, is_admin, default_permission, issuer, subject, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        RETURNING user_id
        """;

    private const string SelectUserSql = "SELECT user_id, is_admin FROM users WHERE lower(name) = lower($1 COLLATE \"C\")";

    private const string UpdateUserSql = """
        UPDATE users SET password_hash = COALESCE($2, password_hash), is_admin = COALESCE($3, is_admin), default_permission = COALESCE($4, default_permission) WHERE user_id = $1
        """;

    private const string DeleteSessionsSql = "DELETE FROM sessions WHERE user_id = $1";

    private const string DeleteEndedSessionsSql = "DELETE FROM sessions WHERE expires_ms <= $1";

    private const string InsertSessionSql = "INSERT INTO sessions (key_hash, user_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4)";

    private const string SelectSessionSql = "SELECT key_hash, user_id, created_ms, expires_ms FROM sessions WHERE key_hash = $1";

    private const string DeleteSessionSql = "DELETE FROM sessions WHERE key_hash = $1";

    private const string UpsertPermissionSql = """
        INSERT INTO experiment_permissions (user_id, experiment_id, permission) VALUES ($1, $2, $3)
        ON CONFLICT (user_id, experiment_id) DO UPDATE SET permission = excluded.permission
        """;

    private const string DeletePermissionSql = "DELETE FROM experiment_permissions WHERE user_id = $1 AND experiment_id = $2";

    private const string InsertTokenSql = """
        INSERT INTO api_tokens (token_id, user_id, name, secret_hash, scope, experiments, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """;

    private const string RevokeTokenSql = "UPDATE api_tokens SET revoked_ms = $2 WHERE token_id = $1 AND revoked_ms IS NULL";

    private const string NoteUseSql = "UPDATE api_tokens SET last_used_ms = $2 WHERE token_id = $1";

    private const string InsertKeySql = "INSERT INTO data_protection_keys (name, xml) VALUES ($1, $2)";

    private const string InsertAuditSql = "INSERT INTO audit_log (time_ms, actor, action, target, address, result) VALUES ($1, $2, $3, $4, $5, $6)";

    private const string DeleteOldAuditSql = "DELETE FROM audit_log WHERE audit_id <= (SELECT MAX(audit_id) FROM audit_log) - $1";

    private const string SelectAuditSql = "SELECT time_ms, actor, action, target, address, result FROM audit_log ORDER BY audit_id DESC LIMIT $1";

    private static readonly string[] DeleteUserSql =
    [
        "DELETE FROM sessions WHERE user_id = $1",
        "DELETE FROM api_tokens WHERE user_id = $1",
        "DELETE FROM experiment_permissions WHERE user_id = $1",
        "DELETE FROM users WHERE user_id = $1",
    ];

    private readonly PostgresDatabase _database;

    public PostgresAccessStore(PostgresDatabase database) => _database = database;

    public long GetVersion() => _database.ReadNow("SELECT version FROM access_version", row => row.Int64(0))[0];

    public bool HasUsers() => _database.ReadNow("SELECT EXISTS (SELECT 1 FROM users)", row => row.Boolean(0))[0];

    public User? FindUser(long userId) => _database.ReadNow(SelectUsersSql + " WHERE u.user_id = $1", ReadUser, userId).SingleOrDefault();

    public User? FindUser(string name) => _database.ReadNow(SelectUsersSql + " WHERE lower(u.name) = lower($1 COLLATE \"C\")", ReadUser, name).SingleOrDefault();

    public User? FindUser(string issuer, string subject) => _database.ReadNow(SelectUsersSql + " WHERE u.issuer = $1 AND u.subject = $2", ReadUser, issuer, subject).SingleOrDefault();

    public IReadOnlyList<User> ListUsers() => _database.ReadNow(SelectUsersSql + " ORDER BY lower(u.name)", ReadUser);

    public async Task<User> CreateUserAsync(NewUser user, bool onlyFirst, CancellationToken cancellationToken)
    {
        var userId = await ChangeAsync(
            async session =>
            {
                if (onlyFirst && (await CountAsync(session).ConfigureAwait(false)).Users > 0)
                {
                    throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, "There is a user already; sign in, or ask an administrator to add you.");
                }

                var inserted = await session.QueryAsync(
                    InsertUserSql, row => row.Int64(0), user.Name, user.PasswordHash, user.IsAdmin ? 1 : 0, user.DefaultPermission.ToString(), user.Issuer, user.Subject, session.NowMs).ConfigureAwait(false);
                return inserted.Count == 1 ? inserted[0] : throw new MlflowException(ErrorCode.RESOURCE_ALREADY_EXISTS, $"User (username={user.Name}) already exists.");
            },
            isIdempotent: false,
            cancellationToken).ConfigureAwait(false);
        return FindUser(userId) ?? throw Unknown(user.Name);
    }

    public Task ChangeUserAsync(string name, UserChange change, CancellationToken cancellationToken) => ChangeAsync(
        async session =>
        {
            var (userId, isAdmin) = await RequireAsync(session, name).ConfigureAwait(false);
            if (isAdmin && change.IsAdmin == false)
            {
                await RequireAnotherAdminAsync(session, name).ConfigureAwait(false);
            }

            await session.ExecuteAsync(
                UpdateUserSql, userId, change.PasswordHash, change.IsAdmin is { } admin ? (long?)(admin ? 1 : 0) : null, change.DefaultPermission?.ToString()).ConfigureAwait(false);
            return change.PasswordHash is null ? 0 : await session.ExecuteAsync(DeleteSessionsSql, userId).ConfigureAwait(false);
        },
        isIdempotent: true,
        cancellationToken);

    public Task DeleteUserAsync(string name, CancellationToken cancellationToken) => ChangeAsync(
        async session =>
        {
            var (userId, isAdmin) = await RequireAsync(session, name).ConfigureAwait(false);
            if (isAdmin)
            {
                await RequireAnotherAdminAsync(session, name).ConfigureAwait(false);
            }

            foreach (var sql in DeleteUserSql)
            {
                await session.ExecuteAsync(sql, userId).ConfigureAwait(false);
            }

            return true;
        },
        isIdempotent: false,
        cancellationToken);

    public Task SetPermissionAsync(long userId, long experimentId, Permission? permission, CancellationToken cancellationToken) => ChangeAsync(
        async session =>
        {
            await ExperimentState.IsActiveAsync(session, experimentId).ConfigureAwait(false);
            return permission is { } given
                ? await session.ExecuteAsync(UpsertPermissionSql, userId, experimentId, given.ToString()).ConfigureAwait(false)
                : await session.ExecuteAsync(DeletePermissionSql, userId, experimentId).ConfigureAwait(false);
        },
        isIdempotent: true,
        cancellationToken);

    public Task CreateTokenAsync(ApiToken token, CancellationToken cancellationToken) => ChangeAsync(
        session => session.ExecuteAsync(
            InsertTokenSql,
            token.TokenId,
            token.UserId,
            token.Name,
            token.SecretHash,
            token.Scope.ToString(),
            token.Experiments is null ? null : JsonSerializer.Serialize(token.Experiments),
            token.CreatedMs,
            token.ExpiresMs),
        isIdempotent: false,
        cancellationToken);

    public ApiToken? FindToken(string tokenId) => _database.ReadNow(SelectTokensSql + " WHERE token_id = $1", ReadToken, tokenId).SingleOrDefault();

    public IReadOnlyList<ApiToken> ListTokens(long? userId) =>
        _database.ReadNow(SelectTokensSql + " WHERE $1 IS NULL OR user_id = $1 ORDER BY created_ms DESC, token_id", ReadToken, userId);

    public Task<bool> RevokeTokenAsync(string tokenId, CancellationToken cancellationToken) => ChangeAsync(
        async session => await session.ExecuteAsync(RevokeTokenSql, tokenId, session.NowMs).ConfigureAwait(false) == 1, isIdempotent: false, cancellationToken);

    public Task NoteUseAsync(string tokenId, long lastUsedMs, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => session.ExecuteAsync(NoteUseSql, tokenId, lastUsedMs), isIdempotent: true, cancellationToken);

    public Task CreateSessionAsync(Session session, CancellationToken cancellationToken) => _database.WriteAsync(
        async writing =>
        {
            await writing.ExecuteAsync(DeleteEndedSessionsSql, writing.NowMs).ConfigureAwait(false);
            return await writing.ExecuteAsync(InsertSessionSql, session.KeyHash, session.UserId, session.CreatedMs, session.ExpiresMs).ConfigureAwait(false);
        },
        isIdempotent: false,
        cancellationToken);

    public Session? FindSession(byte[] keyHash) =>
        _database.ReadNow(SelectSessionSql, row => new Session(row.Bytes(0), row.Int64(1), row.Int64(2), row.Int64(3)), keyHash).SingleOrDefault();

    public Task DeleteSessionAsync(byte[] keyHash, CancellationToken cancellationToken) =>
        ChangeAsync(session => session.ExecuteAsync(DeleteSessionSql, (PostgresValue)keyHash), isIdempotent: true, cancellationToken);

    public IReadOnlyList<string> ListKeys() => _database.ReadNow("SELECT xml FROM data_protection_keys ORDER BY key_id", row => row.Text(0));

    public Task AddKeyAsync(string name, string xml, CancellationToken cancellationToken) =>
        _database.WriteAsync(session => session.ExecuteAsync(InsertKeySql, name, xml), isIdempotent: false, cancellationToken);

    public Task WriteAuditAsync(AuditEntry entry, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await session.ExecuteAsync(InsertAuditSql, entry.TimeMs, entry.Actor, entry.Action, entry.Target, entry.Address, entry.Result).ConfigureAwait(false);
            return await session.ExecuteAsync(DeleteOldAuditSql, IAccessStore.MaxAuditEntries).ConfigureAwait(false);
        },
        isIdempotent: false,
        cancellationToken);

    public IReadOnlyList<AuditEntry> ListAudit(int limit) => _database.ReadNow(
        SelectAuditSql, row => new AuditEntry(row.Int64(0), row.TextOrNull(1), row.Text(2), row.TextOrNull(3), row.TextOrNull(4), row.Text(5)), limit);

    /// <summary>Changes who may do what; one such change at a time.</summary>
    private Task<T> ChangeAsync<T>(Func<PostgresSession, Task<T>> change, bool isIdempotent, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await session.ExecuteAsync(RaiseVersionSql).ConfigureAwait(false);
            return await change(session).ConfigureAwait(false);
        },
        isIdempotent,
        cancellationToken);

    private static async Task<(long Users, long Admins)> CountAsync(PostgresSession session) =>
        (await session.QueryAsync(CountUsersSql, row => (row.Int64(0), row.Int64(1))).ConfigureAwait(false))[0];

    private static async Task<(long UserId, bool IsAdmin)> RequireAsync(PostgresSession session, string name)
    {
        var users = await session.QueryAsync(SelectUserSql, row => (row.Int64(0), row.Int64(1) != 0), name).ConfigureAwait(false);
        return users.Count == 1 ? users[0] : throw Unknown(name);
    }

    private static async Task RequireAnotherAdminAsync(PostgresSession session, string name)
    {
        if (await CountAsync(session).ConfigureAwait(false) is { Users: > 1, Admins: 1 })
        {
            throw new MlflowException(ErrorCode.INVALID_STATE, $"User '{name}' is the only administrator; make another user one first.");
        }
    }

    private static MlflowException Unknown(string name) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"User with username={name} not found");

    private static User ReadUser(PostgresRow row) => new()
    {
        UserId = row.Int64(0),
        Name = row.Text(1),
        PasswordHash = row.TextOrNull(2),
        IsAdmin = row.Int64(3) != 0,
        DefaultPermission = Enum.Parse<Permission>(row.Text(4)),
        Issuer = row.TextOrNull(5),
        Subject = row.TextOrNull(6),
        CreatedMs = row.Int64(7),
        Permissions = row.Texts(8).Select(text => text.Split(' ')).ToDictionary(pair => long.Parse(pair[0], CultureInfo.InvariantCulture), pair => Enum.Parse<Permission>(pair[1])),
    };

    private static ApiToken ReadToken(PostgresRow row) => new()
    {
        TokenId = row.Text(0),
        UserId = row.Int64(1),
        Name = row.Text(2),
        SecretHash = row.Bytes(3),
        Scope = Enum.Parse<TokenScope>(row.Text(4)),
        Experiments = row.TextOrNull(5) is { } json ? JsonSerializer.Deserialize<long[]>(json) : null,
        CreatedMs = row.Int64(6),
        ExpiresMs = row.Int64OrNull(7),
        LastUsedMs = row.Int64OrNull(8),
        RevokedMs = row.Int64OrNull(9),
    };
}
