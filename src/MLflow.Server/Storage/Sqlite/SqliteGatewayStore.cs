using Dapper;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>The gateway's documents and usage, in SQLite.</summary>
internal sealed class SqliteGatewayStore : IGatewayStore
{
    private const string RaiseVersionSql = "UPDATE gateway_version SET version = version + 1 WHERE version = ?1";

    private const string UpsertSql = """
        INSERT INTO gateway_documents (document_id, kind, body) VALUES (?1, ?2, ?3)
        ON CONFLICT (document_id) DO UPDATE SET kind = excluded.kind, body = excluded.body
        """;

    private const string DeleteSql = "DELETE FROM gateway_documents WHERE document_id = ?1";

    private const string AddUsageSql = """
        INSERT INTO gateway_usage (hour_ms, endpoint_id, user_name, calls, failed_calls, input_tokens, output_tokens, nano_usd) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (hour_ms, endpoint_id, user_name) DO UPDATE SET
            calls = calls + excluded.calls, failed_calls = failed_calls + excluded.failed_calls, input_tokens = input_tokens + excluded.input_tokens,
            output_tokens = output_tokens + excluded.output_tokens, nano_usd = nano_usd + excluded.nano_usd
        """;

    private const string SelectSpendSql = """
        SELECT COALESCE(SUM(nano_usd), 0) FROM gateway_usage
        WHERE hour_ms >= $sinceMs AND ($endpointId IS NULL OR endpoint_id = $endpointId) AND ($user IS NULL OR user_name = $user)
        """;

    private const string SelectCallsSql =
        "SELECT COALESCE(SUM(calls), 0) FROM gateway_usage WHERE hour_ms >= $sinceMs AND endpoint_id = $endpointId AND ($user IS NULL OR user_name = $user)";

    private const string SelectUsageSql = """
        SELECT hour_ms AS HourMs, endpoint_id AS EndpointId, user_name AS User, calls AS Calls, failed_calls AS FailedCalls,
            input_tokens AS InputTokens, output_tokens AS OutputTokens, nano_usd AS NanoUsd
        FROM gateway_usage WHERE hour_ms >= $sinceMs ORDER BY hour_ms, endpoint_id, user_name
        """;

    private readonly SqliteDatabase _database;

    public SqliteGatewayStore(SqliteDatabase database) => _database = database;

    public long GetVersion()
    {
        using var connection = _database.OpenRead();
        return connection.ExecuteScalar<long>("SELECT version FROM gateway_version");
    }

    public GatewayDocuments Read()
    {
        using var connection = _database.OpenRead();

        // One moment, even while the writer commits in between.
        using var transaction = connection.BeginTransaction(deferred: true);
        var version = connection.ExecuteScalar<long>("SELECT version FROM gateway_version", transaction: transaction);
        return new GatewayDocuments(
            version, connection.Query<GatewayDocument>("SELECT document_id AS Id, kind AS Kind, body AS Body FROM gateway_documents ORDER BY document_id", transaction: transaction).AsList());
    }

    public Task<bool> TryWriteAsync(long version, IReadOnlyList<GatewayDocument> put, IReadOnlyList<string> deleted, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            if (session[RaiseVersionSql].Bind(1, version).Execute() == 0)
            {
                return false;
            }

            foreach (var document in put)
            {
                session[UpsertSql].Bind(1, document.Id).Bind(2, document.Kind).Bind(3, document.Body).Execute();
            }

            foreach (var id in deleted)
            {
                session[DeleteSql].Bind(1, id).Execute();
            }

            return true;
        },
        cancellationToken);

    public Task AddUsageAsync(GatewayUsage usage, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session => session[AddUsageSql].Bind(1, usage.HourMs).Bind(2, usage.EndpointId).Bind(3, usage.User).Bind(4, usage.Calls).Bind(5, usage.FailedCalls)
            .Bind(6, usage.InputTokens).Bind(7, usage.OutputTokens).Bind(8, usage.NanoUsd).Execute(),
        cancellationToken);

    public long GetSpend(long sinceMs, string? endpointId, string? user)
    {
        using var connection = _database.OpenRead();
        return connection.ExecuteScalar<long>(SelectSpendSql, new { sinceMs, endpointId, user });
    }

    public long GetCalls(long sinceMs, string endpointId, string? user)
    {
        using var connection = _database.OpenRead();
        return connection.ExecuteScalar<long>(SelectCallsSql, new { sinceMs, endpointId, user });
    }

    public IReadOnlyList<GatewayUsage> ListUsage(long sinceMs)
    {
        using var connection = _database.OpenRead();
        return connection.Query<GatewayUsage>(SelectUsageSql, new { sinceMs }).AsList();
    }
}
