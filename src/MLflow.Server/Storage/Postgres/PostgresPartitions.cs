using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// The partitions of spans and payloads, one for each bucket (<see cref="TraceBucket"/>): made ahead, and dropped when all their traces are gone. Nobody waits for either.
/// There is no default partition: beside one, others cannot be detached without holding everybody up. What comes late is where its trace is, or takes it to a new bucket.
/// </summary>
internal sealed class PostgresPartitions
{
    /// <summary>Days made ahead of those that are needed today.</summary>
    public const int DaysAhead = 3;

    /// <summary>Retentions for which partitions are made ahead; those of further ones are made when they are needed.</summary>
    private const int MaxRetentions = 100;

    private const long PartitionLock = 0x4D4C70617274;

    /// <summary>Another one: dropping may wait for readers, and who needs a partition does not wait for that.</summary>
    private const long DropLock = 0x4D4C64726F70;

    private const string LockSql = "SELECT pg_advisory_xact_lock($1)";

    private const string TryLockSql = "SELECT pg_try_advisory_xact_lock($1)";

    private const string ExistsSql = "SELECT to_regclass($1) IS NOT NULL";

    private const string SelectPartitionsSql = """
        SELECT p.relname::text, c.relname::text, i.inhdetachpending FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.oid IN ('spans'::regclass, 'span_payloads'::regclass)
        """;

    private const string SelectDetachedSql = """
        SELECT c.relname::text FROM pg_class c JOIN pg_class p ON p.oid = 'spans'::regclass AND p.relnamespace = c.relnamespace
        WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '^(spans|span_payloads)_[0-9]{8}$'
        """;

    private const string IsUsedSql = "SELECT 1 FROM traces WHERE bucket = $1 ORDER BY bucket LIMIT 1";

    private const string MoveTraceSql = "UPDATE traces SET bucket = $3 WHERE trace_id = $1 AND bucket = $2";

    private const string MoveSpansSql = "UPDATE spans SET bucket = $3 WHERE trace_id = $1 AND bucket = $2";

    // Who indexes it at this moment may look for its spans where they are no longer.
    private const string WaitForTextSql = "UPDATE text_places SET place = LEAST(place, 0) - 1 WHERE trace_id = $1";

    private const string MovePayloadsSql = "UPDATE span_payloads SET bucket = $3 WHERE trace_id = $1 AND bucket = $2";

    private static readonly string[] Tables = ["spans", "span_payloads"];

    private readonly PostgresDatabase _database;

    /// <summary>Buckets that have partitions; some for each day that the server runs.</summary>
    private readonly ConcurrentDictionary<DateOnly, bool> _known = new();

    private readonly ConcurrentDictionary<int, bool> _retentions = new();

    public PostgresPartitions(PostgresDatabase database) => _database = database;

    /// <summary>For how many days the traces of an experiment are expected to be kept, by its id; null for ever, as all are as long as nobody says otherwise.</summary>
    public Func<long, int?> RetentionDays { get; set; } = _ => null;

    private DateTimeOffset Now => _database.TimeProvider.GetUtcNow();

    /// <summary>The bucket of a trace that is first heard of now.</summary>
    public DateOnly BucketFor(long experimentId) => BucketFor(experimentId, Now);

    /// <summary>The bucket of a trace that was first heard of at a time.</summary>
    public DateOnly BucketFor(long experimentId, DateTimeOffset seen)
    {
        var days = RetentionDays(experimentId);
        if (days is { } known && _retentions.Count < MaxRetentions)
        {
            _retentions.TryAdd(known, true);
        }

        return TraceBucket.For(seen, days);
    }

    /// <summary>Returns when rows of the buckets have a place.</summary>
    public async ValueTask EnsureAsync(IEnumerable<DateOnly> buckets)
    {
        var missing = buckets.Where(bucket => !_known.ContainsKey(bucket)).Distinct().Order().ToList();
        if (missing.Count == 0)
        {
            return;
        }

        await _database.WriteAsync(
            async session =>
            {
                await session.QueryAsync(LockSql, _ => 0, PartitionLock).ConfigureAwait(false);
                return await CreateAsync(session, missing).ConfigureAwait(false);
            },
            isIdempotent: true,
            CancellationToken.None).ConfigureAwait(false);
        missing.ForEach(bucket => _known.TryAdd(bucket, true));
    }

    /// <summary>Makes the partitions of the next days, for every retention that this server has met.</summary>
    /// <returns>How many buckets have got a place; null where another server is at it.</returns>
    public async Task<int?> CreateAheadAsync()
    {
        var days = Enumerable.Range(0, DaysAhead + 1).Select(ahead => Now.AddDays(ahead)).ToList();
        var buckets = _retentions.Keys.Select(days => (int?)days).Append(null).SelectMany(retention => days.Select(day => TraceBucket.For(day, retention))).Distinct().Order().ToList();
        var created = await _database.WriteAsync<int?>(
            async session => (await session.QueryAsync(TryLockSql, row => row.Boolean(0), PartitionLock).ConfigureAwait(false))[0] ? await CreateAsync(session, buckets).ConfigureAwait(false) : null,
            isIdempotent: true,
            CancellationToken.None).ConfigureAwait(false);
        if (created is not null)
        {
            buckets.ForEach(bucket => _known.TryAdd(bucket, true));
        }

        return created;
    }

    /// <summary>Drops the partitions of days that are over, unless traces are left that point to them. Those who read or write other days do not notice.</summary>
    /// <returns>The days; empty where another server is at it.</returns>
    public Task<IReadOnlyList<DateOnly>> DropAsync(CancellationToken cancellationToken) => _database.WriteAsync<IReadOnlyList<DateOnly>>(
        async locking =>
        {
            if (!(await locking.QueryAsync(TryLockSql, row => row.Boolean(0), DropLock).ConfigureAwait(false))[0])
            {
                return [];
            }

            // A query keeps its snapshot until the next statement comes, and what was broken off is finished only when all older snapshots are gone.
            await locking.ExecuteAsync("SET LOCAL lock_timeout = 0").ConfigureAwait(false);
            var dropped = new SortedSet<DateOnly>();
            await _database.RunAsync(
                async session =>
                {
                    var partitions = await session.QueryAsync(SelectPartitionsSql, row => (Table: row.Text(0), Name: row.Text(1), IsPending: row.Boolean(2))).ConfigureAwait(false);
                    foreach (var (table, name, isPending) in partitions.Where(partition => TraceBucket.IsOver(DayOf(partition.Name), Now)))
                    {
                        if ((await session.QueryAsync(IsUsedSql, _ => true, DayOf(name)).ConfigureAwait(false)).Count == 0)
                        {
                            await DetachAsync(session, table, name, isPending).ConfigureAwait(false);
                            dropped.Add(DayOf(name));
                        }
                    }

                    // Also those of a server that ended in between.
                    var detached = await session.QueryAsync(SelectDetachedSql, row => row.Text(0)).ConfigureAwait(false);
                    foreach (var name in detached.Where(name => TraceBucket.IsOver(DayOf(name), Now)))
                    {
                        await session.ExecuteAsync($"DROP TABLE IF EXISTS {name}").ConfigureAwait(false);
                        dropped.Add(DayOf(name));
                    }
                },
                cancellationToken).ConfigureAwait(false);
            return [.. dropped];
        },
        isIdempotent: true,
        cancellationToken);

    /// <summary>Where the spans of locked traces are to be written. Traces whose day is over get another one: what comes late is kept as long as what is new, and nothing is written to what may be dropped.</summary>
    public async Task<Dictionary<string, DateOnly>> KeepAsync(PostgresSession session, IReadOnlyList<TraceHome> homes)
    {
        var buckets = homes.ToDictionary(home => home.TraceId, home => home.Bucket);
        foreach (var home in homes.Where(home => TraceBucket.IsOver(home.Bucket, Now)))
        {
            buckets[home.TraceId] = await MoveAsync(session, home, BucketFor(home.ExperimentId)).ConfigureAwait(false);
        }

        return buckets;
    }

    /// <summary>Moves a locked trace with its spans, for example to the bucket of those that never expire.</summary>
    /// <returns>The bucket.</returns>
    public async Task<DateOnly> MoveAsync(PostgresSession session, TraceHome home, DateOnly bucket)
    {
        await EnsureAsync([bucket]).ConfigureAwait(false);
        var batch = session.Batch();
        foreach (var sql in (string[])[MovePayloadsSql, MoveSpansSql, MoveTraceSql])
        {
            batch.Add(sql, home.TraceId, home.Bucket, bucket);
        }

        batch.Add(WaitForTextSql, home.TraceId);
        await batch.RunAsync().ConfigureAwait(false);
        return bucket;
    }

    /// <summary>Makes those partitions that are missing.</summary>
    private static async Task<int> CreateAsync(PostgresSession session, List<DateOnly> buckets)
    {
        var created = 0;
        foreach (var bucket in buckets)
        {
            var isNew = false;
            foreach (var table in Tables)
            {
                isNew |= await CreateAsync(session, table, bucket).ConfigureAwait(false);
            }

            created += isNew ? 1 : 0;
        }

        return created;
    }

    private static async Task<bool> CreateAsync(PostgresSession session, string table, DateOnly bucket)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{table}_{bucket:yyyyMMdd}");
        if ((await session.QueryAsync(ExistsSql, row => row.Boolean(0), name).ConfigureAwait(false))[0])
        {
            return false;
        }

        // A table that is attached disturbs nobody; one that is created as a partition waits until nobody reads or writes the others, and everybody waits for it.
        var end = TraceBucket.IsEternal(bucket) ? bucket.AddMonths(1) : bucket.AddDays(1);
        await session.ExecuteAsync($"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)").ConfigureAwait(false);
        await session.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{bucket:yyyy-MM-dd}') TO ('{end:yyyy-MM-dd}')"))
            .ConfigureAwait(false);
        return true;
    }

    private static async Task DetachAsync(PostgresSession session, string table, string name, bool isPending)
    {
        try
        {
            // Waits for those who read it, and nobody waits for it. One that was broken off has to be finished.
            await session.ExecuteAsync($"ALTER TABLE {table} DETACH PARTITION {name} {(isPending ? "FINALIZE" : "CONCURRENTLY")}").ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.FeatureNotSupported)
        {
            // Citus has no such thing: there it is tried for a moment, and otherwise the next time.
            await session.ExecuteAsync($"BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE {table} DETACH PARTITION {name}; COMMIT").ConfigureAwait(false);
        }
    }

    private static DateOnly DayOf(string partition) => DateOnly.ParseExact(partition[^8..], "yyyyMMdd", CultureInfo.InvariantCulture);
}
