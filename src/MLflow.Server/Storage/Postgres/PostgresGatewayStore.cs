namespace MLflow.Server.Storage.Postgres;

/// <summary>The gateway's documents and usage, in PostgreSQL.</summary>
internal sealed class PostgresGatewayStore : IGatewayStore
{
    private const string SelectVersionSql = "SELECT version FROM gateway_version";

    // One statement reads all of one moment, and a version without documents is a row, too.
    private const string SelectAllSql =
        "SELECT v.version, d.document_id, d.kind, d.body FROM gateway_version v LEFT JOIN gateway_documents d ON TRUE ORDER BY d.document_id";

    // First of all, so that whoever decides by what is there now is alone with it.
    private const string RaiseVersionSql = "UPDATE gateway_version SET version = version + 1 WHERE version = $1";

    private const string UpsertSql = """
        INSERT INTO gateway_documents (document_id, kind, body) VALUES ($1, $2, $3)
        ON CONFLICT (document_id) DO UPDATE SET kind = excluded.kind, body = excluded.body
        """;

    private const string DeleteSql = "DELETE FROM gateway_documents WHERE document_id = $1";

    private const string AddUsageSql = """
        INSERT INTO gateway_usage AS u (hour_ms, endpoint_id, user_name, calls, failed_calls, input_tokens, output_tokens, nano_usd) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (hour_ms, endpoint_id, user_name) DO UPDATE SET
            calls = u.calls + excluded.calls, failed_calls = u.failed_calls + excluded.failed_calls, input_tokens = u.input_tokens + excluded.input_tokens,
            output_tokens = u.output_tokens + excluded.output_tokens, nano_usd = u.nano_usd + excluded.nano_usd
        """;

    private const string SelectSpendSql = """
        SELECT COALESCE(SUM(nano_usd), 0)::bigint FROM gateway_usage
        WHERE hour_ms >= $1 AND ($2 IS NULL OR endpoint_id = $2) AND ($3 IS NULL OR user_name = $3)
        """;

    private const string SelectCallsSql =
        "SELECT COALESCE(SUM(calls), 0)::bigint FROM gateway_usage WHERE hour_ms >= $1 AND endpoint_id = $2 AND ($3 IS NULL OR user_name = $3)";

    private const string SelectUsageSql =
        "SELECT hour_ms, endpoint_id, user_name, calls, failed_calls, input_tokens, output_tokens, nano_usd FROM gateway_usage WHERE hour_ms >= $1 ORDER BY hour_ms, endpoint_id, user_name";

    private readonly PostgresDatabase _database;

    public PostgresGatewayStore(PostgresDatabase database) => _database = database;

    public long GetVersion() => _database.ReadNow(SelectVersionSql, row => row.Int64(0))[0];

    public GatewayDocuments Read()
    {
        var rows = _database.ReadNow(SelectAllSql, row => (Version: row.Int64(0), Document: row.TextOrNull(1) is { } id ? new GatewayDocument(id, row.Text(2), row.Text(3)) : null));
        return new GatewayDocuments(rows[0].Version, [.. rows.Select(row => row.Document).OfType<GatewayDocument>()]);
    }

    public Task<bool> TryWriteAsync(long version, IReadOnlyList<GatewayDocument> put, IReadOnlyList<string> deleted, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            if (await session.ExecuteAsync(RaiseVersionSql, version).ConfigureAwait(false) == 0)
            {
                return false;
            }

            foreach (var document in put)
            {
                await session.ExecuteAsync(UpsertSql, document.Id, document.Kind, document.Body).ConfigureAwait(false);
            }

            foreach (var id in deleted)
            {
                await session.ExecuteAsync(DeleteSql, id).ConfigureAwait(false);
            }

            return true;
        },
        isIdempotent: false,
        cancellationToken);

    public Task AddUsageAsync(GatewayUsage usage, CancellationToken cancellationToken) => _database.WriteAsync(
        session => session.ExecuteAsync(
            AddUsageSql, usage.HourMs, usage.EndpointId, usage.User, usage.Calls, usage.FailedCalls, usage.InputTokens, usage.OutputTokens, usage.NanoUsd),
        isIdempotent: false,
        cancellationToken);

    public long GetSpend(long sinceMs, string? endpointId, string? user) => _database.ReadNow(SelectSpendSql, row => row.Int64(0), sinceMs, endpointId, user)[0];

    public long GetCalls(long sinceMs, string endpointId, string? user) => _database.ReadNow(SelectCallsSql, row => row.Int64(0), sinceMs, endpointId, user)[0];

    public IReadOnlyList<GatewayUsage> ListUsage(long sinceMs) => _database.ReadNow(
        SelectUsageSql,
        row => new GatewayUsage(row.Int64(0), row.Text(1), row.Text(2), row.Int64(3), row.Int64(4), row.Int64(5), row.Int64(6), row.Int64(7)),
        sinceMs);
}
