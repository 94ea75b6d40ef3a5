namespace MLflow.Server.Storage.Sqlite;

/// <summary>Something that waits to be written.</summary>
internal abstract class SqliteWork
{
    public Exception? Failure { get; private set; }

    /// <summary>Runs the work, perhaps again; false when it was refused, the reason is then in <see cref="Failure"/>.</summary>
    public bool TryRun(SqliteWriteSession session)
    {
        try
        {
            Failure = null;
            Run(session);
            return true;
        }
        catch (Exception e)
        {
            // Whatever a caller's work throws belongs to that caller alone.
            Failure = SqliteFailure.Tell(e);
            return false;
        }
    }

    /// <summary>Tells the caller that its work is durable, or why it was refused.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception exception);

    protected abstract void Run(SqliteWriteSession session);
}
