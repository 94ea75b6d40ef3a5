using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// Retention in PostgreSQL. Traces end one by one: those of one bucket need not expire together, because traces are kept, are heard of again, and belong to experiments
/// of their own. Where a trace ends when its bucket expected it, its spans are left to the partition. When the day of a bucket is over, those that are still there
/// leave it, and the partition is dropped.
/// </summary>
internal sealed class PostgresRetentionStore : IRetentionStore
{
    private readonly PostgresDatabase _database;

    public PostgresRetentionStore(PostgresDatabase database) => _database = database;

    public Task<long> StartedAsync(CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            await session.ExecuteAsync(StartSql, session.NowMs).ConfigureAwait(false);
            return (await session.QueryAsync(SelectStartSql, row => row.Int64(0)).ConfigureAwait(false))[0];
        },
        isIdempotent: true,
        cancellationToken);

    public Task<bool> TryLeadAsync(string job, string owner, TimeSpan lease, CancellationToken cancellationToken) => _database.WriteAsync(
        async session => await session.ExecuteAsync(LeadSql, job, owner, session.NowMs, session.NowMs + (long)lease.TotalMilliseconds).ConfigureAwait(false) == 1, isIdempotent: true, cancellationToken);

    public void Expect(Func<long, int?> daysOf) => _database.Partitions.RetentionDays = daysOf;

    public Task<IReadOnlyList<RetentionScope>> ListScopesAsync(CancellationToken cancellationToken) => _database.ReadAsync<IReadOnlyList<RetentionScope>>(
        async session =>
        {
            var tags = (await session.QueryAsync(SelectTagsSql, row => (Id: row.Int64(0), Key: row.Text(1), Value: row.Text(2)), RetentionPolicy.DaysTag, RetentionPolicy.ActionTag).ConfigureAwait(false)).ToLookup(tag => tag.Id);
            return await session.QueryAsync(SelectExperimentsSql, row => new RetentionScope(row.Int64(0), row.Text(1), tags[row.Int64(0)].ToDictionary(tag => tag.Key, tag => tag.Value))).ConfigureAwait(false);
        },
        cancellationToken);

    public async Task<IReadOnlyList<ExpiredTrace>> FindExpiredAsync(long experimentId, long beforeMs, bool withArchived, ExpiredTrace? after, int limit, CancellationToken cancellationToken) => await _database.ReadAsync(
        session => session.QueryAsync(
            withArchived ? FindExpiredSql : FindUnarchivedSql,
            row => new ExpiredTrace(row.Text(0), row.Int64(1), row.Int64(2)),
            experimentId,
            beforeMs,
            after?.RequestTimeMs ?? beforeMs,
            after?.TraceId ?? "",
            limit),
        cancellationToken).ConfigureAwait(false);

    public Task<(long Expired, long Kept)> CountExpiredAsync(long experimentId, long beforeMs, bool withArchived, CancellationToken cancellationToken) => _database.ReadAsync(
        async session => (
            (await session.QueryAsync(withArchived ? CountExpiredSql : CountUnarchivedSql, row => row.Int64(0), experimentId, beforeMs).ConfigureAwait(false))[0],
            (await session.QueryAsync(CountKeptSql, row => row.Int64(0), experimentId, beforeMs).ConfigureAwait(false))[0]),
        cancellationToken);

    public Task<IReadOnlyList<string>> DeleteExpiredAsync(long experimentId, long beforeMs, IReadOnlyList<string> traceIds, CancellationToken cancellationToken) => _database.WriteAsync<IReadOnlyList<string>>(
        async session =>
        {
            // Locked first, and looked at after that: somebody may have written to one, or keep it, by now.
            await PostgresTraceWriter.LockAsync(session, [.. traceIds]).ConfigureAwait(false);
            var rows = await session.QueryAsync(SelectExpiredSql, row => (Id: row.Text(0), Bucket: row.Day(1)), experimentId, beforeMs, traceIds.ToArray()).ConfigureAwait(false);
            var today = DateOnly.FromDateTime(session.TimeProvider.GetUtcNow().UtcDateTime);
            foreach (var group in rows.GroupBy(row => row.Bucket <= today))
            {
                string[] ids = [.. group.Select(row => row.Id)];
                DateOnly[] buckets = [.. group.Select(row => row.Bucket).Distinct()];
                await (group.Key ? PostgresTraceDeletion.DeleteLightAsync(session, ids, buckets) : PostgresTraceDeletion.DeleteAsync(session, ids, buckets)).ConfigureAwait(false);
            }

            return [.. rows.Select(row => row.Id)];
        },
        isIdempotent: false,
        cancellationToken);

    public Task<bool> ArchiveAsync(long experimentId, long beforeMs, ExpiredTrace trace, string blob, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            var homes = await PostgresTraceWriter.LockAsync(session, [trace.TraceId]).ConfigureAwait(false);
            if (homes.Count == 0 || await session.ExecuteAsync(ArchiveSql, experimentId, beforeMs, trace.TraceId, blob, trace.SeenMs).ConfigureAwait(false) == 0)
            {
                return false;
            }

            var (batch, _) = await PostgresTraceDeletion.DeleteLogsAsync(session, [trace.TraceId], [homes[0].Bucket]).ConfigureAwait(false);
            batch.Add(DeletePayloadsSql, trace.TraceId, homes[0].Bucket);
            batch.Add(LeaveFramesSql, trace.TraceId, homes[0].Bucket);
            batch.Add(DeleteReferencesSql, trace.TraceId);
            await PostgresBlobLedger.ReferAsync(session, batch, [], [(trace.TraceId, "", blob)]).ConfigureAwait(false);
            await batch.RunAsync().ConfigureAwait(false);
            return true;
        },
        isIdempotent: false,
        cancellationToken);

    public async Task<IReadOnlyList<(string TraceId, long ExperimentId)>> FindOwnedAsync(TraceOwner owner, string after, int limit, CancellationToken cancellationToken) => await _database.ReadAsync(
        session => session.QueryAsync(owner.IsUser ? FindOfUserSql : FindOfSessionSql, row => (row.Text(0), row.Int64(1)), owner.Id, after, limit), cancellationToken).ConfigureAwait(false);

    // Autovacuum does it for what was deleted by rows.
    public async Task GiveSpaceBackAsync(CancellationToken cancellationToken)
    {
        // What is moved now is dropped the next time: somebody may still read as if it were there.
        await _database.Partitions.DropAsync(cancellationToken).ConfigureAwait(false);
        while (await _database.WriteAsync(KeepAsync, isIdempotent: true, cancellationToken).ConfigureAwait(false) == IRetentionStore.MaxChunk)
        {
        }
    }

    /// <summary>Moves some traces out of buckets whose day is over.</summary>
    /// <returns>How many there were.</returns>
    private async Task<int> KeepAsync(PostgresSession session)
    {
        var left = await session.QueryAsync(SelectLeftSql, row => row.Text(0), DateOnly.FromDateTime(session.TimeProvider.GetUtcNow().UtcDateTime), IRetentionStore.MaxChunk).ConfigureAwait(false);
        await _database.Partitions.KeepAsync(session, await PostgresTraceWriter.LockAsync(session, left).ConfigureAwait(false)).ConfigureAwait(false);
        return left.Count;
    }

    private const string SelectLeftSql = "SELECT trace_id FROM traces WHERE bucket < $1 ORDER BY bucket LIMIT $2";

    private const string StartSql = "INSERT INTO retention (id, started_ms) VALUES (1, $1) ON CONFLICT DO NOTHING";

    private const string SelectStartSql = "SELECT started_ms FROM retention WHERE id = 1";

    private const string LeadSql = """
        INSERT INTO job_leases AS l (job, owner, until_ms) VALUES ($1, $2, $4)
        ON CONFLICT (job) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms WHERE l.owner = excluded.owner OR l.until_ms <= $3
        """;

    private const string SelectExperimentsSql = "SELECT experiment_id, artifact_location FROM experiments ORDER BY experiment_id";

    private const string SelectTagsSql = "SELECT experiment_id, key, value FROM experiment_tags WHERE key IN ($1, $2)";

    private const string IsUnarchived = " AND t.archive IS NULL";

    // In the order of the index, so that nothing is sorted however much has expired.
    private const string PageOfExpired = """
         AND t.request_time_ms <= $3 AND (t.request_time_ms < $3 OR t.trace_id > $4)
        ORDER BY t.request_time_ms DESC, t.trace_id LIMIT $5
        """;

    private static readonly string IsExpired = RetentionSql.Expired("$1", "$2");

    private static readonly string FindExpiredSql = $"SELECT t.trace_id, t.request_time_ms, COALESCE(t.last_seen_ms, 0) FROM traces t WHERE {IsExpired}{PageOfExpired}";

    private static readonly string FindUnarchivedSql = $"SELECT t.trace_id, t.request_time_ms, COALESCE(t.last_seen_ms, 0) FROM traces t WHERE {IsExpired}{IsUnarchived}{PageOfExpired}";

    private static readonly string CountExpiredSql = $"SELECT COUNT(*) FROM traces t WHERE {IsExpired}";

    private static readonly string CountUnarchivedSql = CountExpiredSql + IsUnarchived;

    private static readonly string CountKeptSql = $"SELECT COUNT(*) FROM traces t WHERE {RetentionSql.Kept("$1", "$2")}";

    private static readonly string SelectExpiredSql = $"SELECT t.trace_id, t.bucket FROM traces t WHERE t.trace_id = ANY($3) AND {IsExpired}";

    private static readonly string ArchiveSql =
        $"UPDATE traces t SET archive = $4 WHERE t.trace_id = $3 AND t.archive IS NULL AND COALESCE(t.last_seen_ms, 0) = $5 AND {IsExpired}";

    private const string DeletePayloadsSql = "DELETE FROM span_payloads WHERE trace_id = $1 AND bucket = $2";

    private const string LeaveFramesSql = "UPDATE spans SET frame_place = NULL WHERE trace_id = $1 AND bucket = $2 AND frame_place IS NOT NULL";

    private const string DeleteReferencesSql = "DELETE FROM trace_blobs WHERE trace_id = $1";

    private const string FindOfUserSql = $"""
        SELECT t.trace_id, t.experiment_id FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
        WHERE m.key = '{TraceKeys.User}' AND left(m.value, 100) = left($1, 100) AND m.value = $1 AND m.trace_id > $2 ORDER BY m.trace_id LIMIT $3
        """;

    private const string FindOfSessionSql = $"""
        SELECT t.trace_id, t.experiment_id FROM trace_metadata m JOIN traces t ON t.trace_id = m.trace_id
        WHERE m.key = '{TraceKeys.Session}' AND m.value = $1 AND m.trace_id > $2 ORDER BY m.trace_id LIMIT $3
        """;
}
