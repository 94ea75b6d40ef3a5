using System.Collections.Concurrent;
using System.Globalization;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Makes the partitions of spans and payloads, a day each: some days ahead, and any that is needed.</summary>
internal sealed class PostgresPartitions
{
    /// <summary>Days made ahead of the one that is needed.</summary>
    private const int DaysAhead = 3;

    private const long PartitionLock = 0x4D4C70617274;

    private const string LockSql = "SELECT pg_advisory_xact_lock($1)";

    private const string ExistsSql = "SELECT to_regclass($1) IS NOT NULL";

    private readonly PostgresDatabase _database;
    private readonly ConcurrentDictionary<DateOnly, bool> _known = new();

    public PostgresPartitions(PostgresDatabase database) => _database = database;

    /// <summary>Returns when rows of the day have a place.</summary>
    public async ValueTask EnsureAsync(DateOnly day)
    {
        if (_known.ContainsKey(day))
        {
            return;
        }

        var days = Enumerable.Range(0, DaysAhead + 1).Select(day.AddDays).ToList();
        await _database.WriteAsync(
            async session =>
            {
                await session.QueryAsync(LockSql, _ => 0, PartitionLock).ConfigureAwait(false);
                foreach (var each in days)
                {
                    await CreateAsync(session, "spans", each).ConfigureAwait(false);
                    await CreateAsync(session, "span_payloads", each).ConfigureAwait(false);
                }

                return true;
            },
            isIdempotent: true,
            CancellationToken.None).ConfigureAwait(false);

        // Only the day itself, so that the first write of each day makes another one ahead.
        _known.TryAdd(day, true);
    }

    private static async Task CreateAsync(PostgresSession session, string table, DateOnly day)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{table}_{day:yyyyMMdd}");
        if ((await session.QueryAsync(ExistsSql, row => row.Boolean(0), name).ConfigureAwait(false))[0])
        {
            return;
        }

        // A table that is attached disturbs nobody; one that is created as a partition waits until nobody reads or writes the others, and everybody waits for it.
        await session.ExecuteAsync($"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)").ConfigureAwait(false);
        await session.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{day:yyyy-MM-dd}') TO ('{day.AddDays(1):yyyy-MM-dd}')"))
            .ConfigureAwait(false);
    }
}
