using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using MLflow.Server.Telemetry;
using SQLitePCL;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>
/// The only one who writes. Work that waits is taken together into one transaction, so that the cost of a durable commit is shared.
/// Where a piece of several is refused, the transaction is begun again with a savepoint for each piece, so that it fails alone: with savepoints, SQLite
/// keeps a copy of each page that a piece changes, and refusals are rare. Callers go on only after the commit.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    /// <summary>Work that may wait; further callers wait for room.</summary>
    private const int QueueCapacity = 1024;

    /// <summary>Work in one transaction: bounds the time that the first of a group waits for the last.</summary>
    private const int MaxGroup = 256;

    /// <summary>
    /// Pages in the WAL from which a commit moves them into the file: 16 MB. Pages of indices are changed by every group, and are moved once however often that was.
    /// </summary>
    private const int CheckpointPages = 4000;

    private readonly Channel<SqliteWork> _queue = Channel.CreateBounded<SqliteWork>(
        new BoundedChannelOptions(QueueCapacity) { SingleReader = true });

    private readonly SqliteConnection _connection;
    private readonly SqliteWriteSession _session;
    private readonly TimeProvider _timeProvider;
    private readonly ServerMeter? _meter;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly SqliteStatement _rollback;
    private readonly SqliteStatement _savepoint;
    private readonly SqliteStatement _release;
    private readonly SqliteStatement _rollbackToSavepoint;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SqliteWriter(string path, TimeProvider timeProvider, ServerMeter? meter = null)
    {
        _timeProvider = timeProvider;
        _meter = meter;
        meter?.Watch(() => _queue.Reader.Count);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWrite,
            Pooling = false,
            ForeignKeys = true,
        }.ToString());
        _connection.Open();
        using (var command = _connection.CreateCommand())
        {
            // FULL: in WAL mode, NORMAL may lose the last commits when the power fails.
            command.CommandText = $"PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = {CheckpointPages};";
            command.ExecuteNonQuery();
        }

        _begin = new SqliteStatement(_connection, "BEGIN IMMEDIATE");
        _commit = new SqliteStatement(_connection, "COMMIT");
        _rollback = new SqliteStatement(_connection, "ROLLBACK");
        _savepoint = new SqliteStatement(_connection, "SAVEPOINT work");
        _release = new SqliteStatement(_connection, "RELEASE work");
        _rollbackToSavepoint = new SqliteStatement(_connection, "ROLLBACK TO work");
        _session = new SqliteWriteSession(_connection, timeProvider);

        // It waits for the disk most of the time, which would take one of the few threads of the pool from those who prepare the next group.
        new Thread(Run) { IsBackground = true, Name = "SQLite writer" }.Start();
    }

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction; returns when it is durable. Not cancelled any more once it waits in the queue. It may run twice, where the first
    /// time was rolled back: it changes nothing but the database.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<SqliteWriteSession, T> work, CancellationToken cancellationToken)
    {
        var item = new SqliteWork<T>(work);
        await _queue.Writer.WriteAsync(item, cancellationToken).ConfigureAwait(false);
        return await item.Completion.ConfigureAwait(false);
    }

    /// <summary>Commits what waits, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _ended.Task.ConfigureAwait(false);
        _session.Dispose();
        foreach (var statement in (ReadOnlySpan<SqliteStatement>)[_begin, _commit, _rollback, _savepoint, _release, _rollbackToSavepoint])
        {
            statement.Dispose();
        }

        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    // Nothing that a piece of work does may end this loop: an error goes to its caller, an error of the transaction to all callers of the group.
    private void Run()
    {
        var group = new List<SqliteWork>(MaxGroup);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out var work))
            {
                group.Add(work);
            }

            var start = _timeProvider.GetTimestamp();
            Commit(group);
            Measure(start);
            group.Clear();
        }

        _ended.SetResult();
    }

    // Listeners of the program around this are called, and what they throw would end it: this is a thread of its own.
    private void Measure(long start)
    {
        try
        {
            _meter?.Committed(_timeProvider.GetElapsedTime(start));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The work is committed.
        }
    }

    private void Commit(List<SqliteWork> group)
    {
        try
        {
            _begin.Execute();
            if (TryRunTogether(group))
            {
                _commit.Execute();
            }
            else if (group.Count > 1)
            {
                _begin.Execute();
                RunEach(group);
                _commit.Execute();
            }
        }
        catch (Exception e)
        {
            RollBack();
            var failure = SqliteFailure.Tell(e);
            group.ForEach(work => work.Fail(failure));
            return;
        }

        group.ForEach(work => work.Complete());
    }

    /// <summary>False when a piece was refused: nothing is left of any then.</summary>
    private bool TryRunTogether(List<SqliteWork> group)
    {
        foreach (var work in group)
        {
            if (!work.TryRun(_session))
            {
                RequireTransaction(work);
                _rollback.Execute();
                return false;
            }
        }

        return true;
    }

    private void RunEach(List<SqliteWork> group)
    {
        foreach (var work in group)
        {
            _savepoint.Execute();
            if (!work.TryRun(_session))
            {
                RequireTransaction(work);
                _rollbackToSavepoint.Execute();
            }

            _release.Execute();
        }
    }

    /// <summary>A full disk or a failing one has ended the whole transaction by now; what follows would commit piece by piece.</summary>
    private void RequireTransaction(SqliteWork refused)
    {
        if (raw.sqlite3_get_autocommit(_connection.Handle) != 0)
        {
            throw refused.Failure!;
        }
    }

    private void RollBack()
    {
        try
        {
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0)
            {
                _rollback.Execute();
            }
        }
        catch (SqliteException)
        {
            // The next group cannot begin then, and comes here again.
        }
    }
}
