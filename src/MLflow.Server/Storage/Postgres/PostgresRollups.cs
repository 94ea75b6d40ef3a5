using MLflow.Server.Storage.Rollups;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Works out figures of hours in a PostgreSQL database. Of several servers one works at a time: each step is a transaction that has a lock.</summary>
internal sealed class PostgresRollups : IRollups
{
    private const long RollupLock = 0x4D4C726F6C6C;

    private const string LockSql = "SELECT pg_try_advisory_xact_lock($1)";

    private const string CountMarksSql = "SELECT COUNT(*) FROM (SELECT DISTINCT experiment_id, hour FROM rollup_marks) AS marked";

    private const string SelectMarksSql = "SELECT experiment_id, hour, MAX(mark_id) FROM rollup_marks GROUP BY experiment_id, hour ORDER BY hour DESC, experiment_id LIMIT $1";

    private const string SelectMarkIdsSql = "SELECT mark_id FROM rollup_marks WHERE experiment_id = $1 AND hour = $2";

    private const string UpsertHourSql = "INSERT INTO rollup_hours (experiment_id, hour, figures) VALUES ($1, $2, $3) ON CONFLICT (experiment_id, hour) DO UPDATE SET figures = excluded.figures";

    private const string DeleteHourSql = "DELETE FROM rollup_hours WHERE experiment_id = $1 AND hour = $2";

    private const string DeleteMarksSql = "DELETE FROM rollup_marks WHERE experiment_id = $1 AND hour = $2 AND mark_id = ANY($3)";

    // One mark of an hour is enough.
    private const string ThinMarksSql = """
        DELETE FROM rollup_marks m USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (experiment_id, hour, mark_id)
        WHERE m.experiment_id = u.experiment_id AND m.hour = u.hour AND m.mark_id < u.mark_id
        """;

    private readonly PostgresDatabase _database;
    private readonly QuietMarks _marks = new();
    private readonly Lock _gate = new();

    public PostgresRollups(PostgresDatabase database) => _database = database;

    public Task<int> RollUpAsync(bool now, CancellationToken cancellationToken) => _database.WriteAsync(
        async session =>
        {
            if (!(await session.QueryAsync(LockSql, row => row.Boolean(0), RollupLock).ConfigureAwait(false))[0])
            {
                return 0;
            }

            var marks = await session.QueryAsync(SelectMarksSql, row => new RollupMark(row.Int64(0), row.Int64(1), row.Int64(2)), QuietMarks.MaxMarks).ConfigureAwait(false);
            IReadOnlyList<RollupMark> quiet;
            lock (_gate)
            {
                quiet = _marks.Take(marks, now);
            }

            foreach (var mark in quiet)
            {
                await RollUpAsync(session, mark, cancellationToken).ConfigureAwait(false);
            }

            if (quiet.Count == 0)
            {
                await session.ExecuteAsync(
                    ThinMarksSql, marks.Select(mark => mark.ExperimentId).ToArray(), marks.Select(mark => mark.Hour).ToArray(), marks.Select(mark => mark.Version).ToArray()).ConfigureAwait(false);
            }

            return quiet.Count;
        },
        isIdempotent: true,
        cancellationToken);

    public async Task<long> CountWaitingAsync(CancellationToken cancellationToken) =>
        (await _database.ReadAsync(session => session.QueryAsync(CountMarksSql, row => row.Int64(0)), cancellationToken).ConfigureAwait(false))[0];

    private static async Task RollUpAsync(PostgresSession session, RollupMark mark, CancellationToken cancellationToken)
    {
        // First the marks: what is committed after them, by whomever, has a mark that is not among these and stays.
        var ids = await session.QueryAsync(SelectMarkIdsSql, row => row.Int64(0), mark.ExperimentId, mark.Hour).ConfigureAwait(false);
        var rollup = new Rollup();
        await PostgresRollupRows.ReadAsync(session, mark.ExperimentId, mark.StartMs, mark.EndMs, rollup.Add, rollup.Add, cancellationToken).ConfigureAwait(false);
        if (rollup.Traces.IsEmpty)
        {
            await session.ExecuteAsync(DeleteHourSql, mark.ExperimentId, mark.Hour).ConfigureAwait(false);
        }
        else
        {
            await session.ExecuteAsync(UpsertHourSql, mark.ExperimentId, mark.Hour, rollup.Encode()).ConfigureAwait(false);
        }

        await session.ExecuteAsync(DeleteMarksSql, mark.ExperimentId, mark.Hour, ids.ToArray()).ConfigureAwait(false);
    }
}
