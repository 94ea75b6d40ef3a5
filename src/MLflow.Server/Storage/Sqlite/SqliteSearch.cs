using Microsoft.Data.Sqlite;
using MLflow.Server.Telemetry;
using SQLitePCL;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>A connection for a read whose cost its caller decides: it is stopped when its time is over, or when nobody waits for it.</summary>
internal sealed class SqliteSearch : IDisposable
{
    /// <summary>Steps of SQLite's virtual machine between two looks at the time: well under a millisecond.</summary>
    private const int StepsBetweenLooks = 1000;

    private readonly SqliteConnection _connection;
    private readonly ServerMeter? _meter;

    public SqliteSearch(SqliteConnection connection, SearchClock clock, ServerMeter? meter = null)
    {
        _meter = meter;
        _connection = connection;
        Clock = clock;
        raw.sqlite3_progress_handler(connection.Handle, StepsBetweenLooks, _ => clock.Look() ? 1 : 0, null);
    }

    public SearchClock Clock { get; }

    /// <exception cref="MlflowException">BAD_REQUEST: the time is over.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer.</exception>
    public T Run<T>(Func<SqliteConnection, T> read)
    {
        try
        {
            return read(_connection);
        }
        catch (SqliteException e) when (Clock.IsStopped)
        {
            throw Clock.Reason(e);
        }
    }

    public void Dispose()
    {
        // The connection goes back to the pool, and others use it.
        raw.sqlite3_progress_handler(_connection.Handle, 0, null, null);
        _connection.Dispose();
        _meter?.Searched(Clock.Elapsed);
    }
}
