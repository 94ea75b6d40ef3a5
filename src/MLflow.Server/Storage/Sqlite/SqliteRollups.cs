using Dapper;
using MLflow.Server.Storage.Rollups;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Works out figures of hours in an SQLite file; they are read beside the writer, which only puts them in.</summary>
internal sealed class SqliteRollups : IRollups, IDisposable
{
    private const string CountMarksSql = "SELECT COUNT(*) FROM rollup_marks";

    private const string SelectMarksSql = "SELECT experiment_id, hour, version FROM rollup_marks ORDER BY hour DESC, experiment_id LIMIT @limit";

    private const string SelectVersionSql = "SELECT version FROM rollup_marks WHERE experiment_id = @ExperimentId AND hour = @Hour";

    private const string UpsertHourSql = "INSERT INTO rollup_hours (experiment_id, hour, figures) VALUES (?1, ?2, ?3) ON CONFLICT (experiment_id, hour) DO UPDATE SET figures = excluded.figures";

    private const string DeleteHourSql = "DELETE FROM rollup_hours WHERE experiment_id = ?1 AND hour = ?2";

    private const string DeleteMarkSql = "DELETE FROM rollup_marks WHERE experiment_id = ?1 AND hour = ?2 AND version = ?3";

    private readonly SqliteDatabase _database;
    private readonly SemaphoreSlim _one = new(1);
    private readonly QuietMarks _marks = new();

    public SqliteRollups(SqliteDatabase database) => _database = database;

    public async Task<int> RollUpAsync(bool now, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var marks = _marks.Take(ReadMarks(), now);
            var hours = marks.Select(mark => Read(mark, cancellationToken)).OfType<(RollupMark Mark, Rollup Rollup)>().ToList();
            if (hours.Count > 0)
            {
                await _database.Writer.WriteAsync(session => hours.Sum(hour => Write(session, hour.Mark, hour.Rollup)), cancellationToken).ConfigureAwait(false);
            }

            return hours.Count;
        }
        finally
        {
            _one.Release();
        }
    }

    public Task<long> CountWaitingAsync(CancellationToken cancellationToken)
    {
        using var connection = _database.OpenRead();
        return Task.FromResult(connection.ExecuteScalar<long>(CountMarksSql));
    }

    public void Dispose() => _one.Dispose();

    private List<RollupMark> ReadMarks()
    {
        using var connection = _database.OpenRead();
        return [.. connection.Query<(long ExperimentId, long Hour, long Version)>(SelectMarksSql, new { limit = QuietMarks.MaxMarks }).Select(row => new RollupMark(row.ExperimentId, row.Hour, row.Version))];
    }

    /// <summary>The figures of an hour, with the mark that was there at that moment.</summary>
    private (RollupMark Mark, Rollup Rollup)? Read(RollupMark mark, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var connection = _database.OpenRead();
        using var transaction = connection.BeginTransaction(deferred: true);
        if (connection.QuerySingleOrDefault<long?>(SelectVersionSql, new { mark.ExperimentId, mark.Hour }, transaction) is not { } version)
        {
            return null;
        }

        var rollup = new Rollup();
        foreach (var trace in SqliteRollupRows.Traces(connection, mark.ExperimentId, mark.StartMs, mark.EndMs))
        {
            rollup.Add(trace);
        }

        foreach (var span in SqliteRollupRows.Spans(connection, mark.ExperimentId, mark.StartMs, mark.EndMs))
        {
            rollup.Add(span);
        }

        return (mark with { Version = version }, rollup);
    }

    private static int Write(SqliteWriteSession session, RollupMark mark, Rollup rollup)
    {
        if (rollup.Traces.IsEmpty)
        {
            session[DeleteHourSql].Bind(1, mark.ExperimentId).Bind(2, mark.Hour).Execute();
        }
        else
        {
            session[UpsertHourSql].Bind(1, mark.ExperimentId).Bind(2, mark.Hour).Bind(3, rollup.Encode()).Execute();
        }

        // What has changed meanwhile is marked with another version, and stays so.
        return session[DeleteMarkSql].Bind(1, mark.ExperimentId).Bind(2, mark.Hour).Bind(3, mark.Version).Execute();
    }
}
