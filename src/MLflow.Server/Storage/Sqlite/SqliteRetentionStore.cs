using Dapper;
using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Retention in SQLite.</summary>
internal sealed class SqliteRetentionStore : IRetentionStore
{
    private readonly SqliteDatabase _database;

    public SqliteRetentionStore(SqliteDatabase database) => _database = database;

    public Task<long> StartedAsync(CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            session[StartSql].Bind(1, session.NowMs).Execute();
            var rows = session[SelectStartSql];
            rows.Read();
            var started = rows.GetInt64(0);
            rows.Reset();
            return started;
        },
        cancellationToken);

    public Task<bool> TryLeadAsync(string job, string owner, TimeSpan lease, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session => session[LeadSql].Bind(1, job).Bind(2, owner).Bind(3, session.NowMs).Bind(4, session.NowMs + (long)lease.TotalMilliseconds).Execute() == 1, cancellationToken);

    // It is all one here.
    public void Expect(Func<long, int?> daysOf)
    {
    }

    public Task<IReadOnlyList<RetentionScope>> ListScopesAsync(CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        using var transaction = connection.BeginTransaction(deferred: true);
        var tags = connection.Query<(long Id, string Key, string Value)>(SelectTagsSql, new { days = RetentionPolicy.DaysTag, action = RetentionPolicy.ActionTag }, transaction).ToLookup(tag => tag.Id);
        return Task.FromResult<IReadOnlyList<RetentionScope>>([.. connection.Query<(long Id, string Location)>(SelectExperimentsSql, transaction: transaction)
            .Select(row => new RetentionScope(row.Id, row.Location, tags[row.Id].ToDictionary(tag => tag.Key, tag => tag.Value)))]);
    }

    public Task<IReadOnlyList<ExpiredTrace>> FindExpiredAsync(long experimentId, long beforeMs, bool withArchived, ExpiredTrace? after, int limit, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult<IReadOnlyList<ExpiredTrace>>(connection.Query<(string Id, long Time, long Seen)>(
            withArchived ? FindExpiredSql : FindUnarchivedSql,
            new { experimentId, beforeMs, time = after?.RequestTimeMs ?? beforeMs, id = after?.TraceId ?? "", limit })
            .Select(row => new ExpiredTrace(row.Id, row.Time, row.Seen)).ToList());
    }

    public Task<(long Expired, long Kept)> CountExpiredAsync(long experimentId, long beforeMs, bool withArchived, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult((
            connection.ExecuteScalar<long>(withArchived ? CountExpiredSql : CountUnarchivedSql, new { experimentId, beforeMs }),
            connection.ExecuteScalar<long>(CountKeptSql, new { experimentId, beforeMs })));
    }

    public Task<IReadOnlyList<string>> DeleteExpiredAsync(long experimentId, long beforeMs, IReadOnlyList<string> traceIds, CancellationToken cancellationToken) => _database.Writer.WriteAsync<IReadOnlyList<string>>(
        session => [.. traceIds.Where(traceId => session[DeleteExpiredSql].Bind(1, experimentId).Bind(2, beforeMs).Bind(3, traceId).Execute() == 1)], cancellationToken);

    public Task<bool> ArchiveAsync(long experimentId, long beforeMs, ExpiredTrace trace, string blob, CancellationToken cancellationToken) => _database.Writer.WriteAsync(
        session =>
        {
            if (session[ArchiveSql].Bind(1, experimentId).Bind(2, beforeMs).Bind(3, trace.TraceId).Bind(4, blob).Bind(5, trace.SeenMs).Execute() == 0)
            {
                return false;
            }

            foreach (var sql in ArchivedRowsSql)
            {
                session[sql].Bind(1, trace.TraceId).Execute();
            }

            SqliteBlobLedger.Refer(session, trace.TraceId, "", [blob]);
            return true;
        },
        cancellationToken);

    public Task<IReadOnlyList<(string TraceId, long ExperimentId)>> FindOwnedAsync(TraceOwner owner, string after, int limit, CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult<IReadOnlyList<(string, long)>>(connection.Query<(string, long)>(owner.IsUser ? FindOfUserSql : FindOfSessionSql, new { id = owner.Id, after, limit }).AsList());
    }

    public async Task GiveSpaceBackAsync(CancellationToken cancellationToken)
    {
        while (await _database.Writer.WriteAsync(SqliteSpace.GiveBack, cancellationToken).ConfigureAwait(false))
        {
        }
    }

    private const string StartSql = "INSERT INTO retention (id, started_ms) VALUES (1, ?1) ON CONFLICT DO NOTHING";

    private const string SelectStartSql = "SELECT started_ms FROM retention WHERE id = 1";

    private const string LeadSql = """
        INSERT INTO job_leases (job, owner, until_ms) VALUES (?1, ?2, ?4)
        ON CONFLICT (job) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms WHERE owner = excluded.owner OR until_ms <= ?3
        """;

    private const string SelectExperimentsSql = "SELECT experiment_id, artifact_location FROM experiments ORDER BY experiment_id";

    private const string SelectTagsSql = "SELECT experiment_id, key, value FROM experiment_tags WHERE key IN ($days, $action)";

    private const string IsUnarchived = " AND t.archive IS NULL";

    // In the order of the index, so that nothing is sorted however much has expired.
    private const string PageOfExpired = """
         AND t.request_time_ms <= $time AND (t.request_time_ms < $time OR t.trace_id > $id)
        ORDER BY t.request_time_ms DESC, t.trace_id LIMIT $limit
        """;

    private static readonly string IsExpired = RetentionSql.Expired("$experimentId", "$beforeMs");

    private static readonly string FindExpiredSql = $"SELECT t.trace_id, t.request_time_ms, COALESCE(t.last_seen_ms, 0) FROM traces t WHERE {IsExpired}{PageOfExpired}";

    private static readonly string FindUnarchivedSql = $"SELECT t.trace_id, t.request_time_ms, COALESCE(t.last_seen_ms, 0) FROM traces t WHERE {IsExpired}{IsUnarchived}{PageOfExpired}";

    private static readonly string CountExpiredSql = $"SELECT COUNT(*) FROM traces t WHERE {IsExpired}";

    private static readonly string CountUnarchivedSql = CountExpiredSql + IsUnarchived;

    private static readonly string CountKeptSql = $"SELECT COUNT(*) FROM traces t WHERE {RetentionSql.Kept("$experimentId", "$beforeMs")}";

    private static readonly string DeleteExpiredSql = $"DELETE FROM traces AS t WHERE t.trace_id = ?3 AND {RetentionSql.Expired("?1", "?2")}";

    private static readonly string ArchiveSql =
        $"UPDATE traces AS t SET archive = ?4 WHERE t.trace_id = ?3 AND t.archive IS NULL AND COALESCE(t.last_seen_ms, 0) = ?5 AND {RetentionSql.Expired("?1", "?2")}";

    private static readonly string[] ArchivedRowsSql =
    [
        "DELETE FROM span_logs WHERE (otel_trace_id, span_id) IN (SELECT otel_trace_id, span_id FROM spans WHERE trace_id = ?1)",
        "DELETE FROM span_payloads WHERE trace_id = ?1",
        "DELETE FROM trace_blobs WHERE trace_id = ?1",
    ];

    // The key stands in the text, so that the index of this key is used.
    private const string FindOfUserSql = $"""
        SELECT t.trace_id, t.experiment_id FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
        WHERE m.key = '{TraceKeys.User}' AND m.value = $id AND m.trace_id > $after ORDER BY m.trace_id LIMIT $limit
        """;

    private const string FindOfSessionSql = $"""
        SELECT t.trace_id, t.experiment_id FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
        WHERE m.key = '{TraceKeys.Session}' AND m.value = $id AND m.trace_id > $after ORDER BY m.trace_id LIMIT $limit
        """;
}
