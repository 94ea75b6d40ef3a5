namespace MLflow.Server.Storage;

/// <summary>A database cannot be used; the message says in one sentence why, and what to do.</summary>
internal sealed class DatabaseOpenException : Exception
{
    public DatabaseOpenException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
