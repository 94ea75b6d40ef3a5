using Npgsql;

namespace MLflow.Server.Storage.Postgres;

/// <summary>Failures of PostgreSQL, by whose fault they are.</summary>
internal static class PostgresFailure
{
    /// <summary>
    /// Whether the same may succeed when it is tried again: the transaction lost against another one, the server restarts, or another one takes over.
    /// https://www.postgresql.org/docs/current/errcodes-appendix.html
    /// </summary>
    public static bool Passes(Exception failure) => failure switch
    {
        PostgresException e => e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.LockNotAvailable
                or PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.TooManyConnections
                or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
            || e.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException or IOException or TimeoutException => true,

        // A connection that broke within a transaction.
        ObjectDisposedException or InvalidOperationException { Source: "Npgsql" } => true,
        _ => false,
    };

    /// <summary>Whether it is certain that nothing of the transaction was kept.</summary>
    public static bool IsUndone(Exception failure) => failure is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected };

    /// <returns>
    /// TEMPORARILY_UNAVAILABLE where the database is in the way: what was to be written is not to blame, and may be sent again. INVALID_PARAMETER_VALUE where a key is
    /// too long. Else the failure itself.
    /// </returns>
    public static Exception Tell(Exception failure) => failure switch
    {
        PostgresException { SqlState: PostgresErrorCodes.ProgramLimitExceeded } e => new MlflowException(
            ErrorCode.INVALID_PARAMETER_VALUE, $"An id or a key is longer than the database can index: {e.MessageText}. Use one of at most 500 characters.", e),
        _ when Passes(failure) || failure is PostgresException { SqlState: PostgresErrorCodes.DiskFull or PostgresErrorCodes.OutOfMemory or PostgresErrorCodes.IoError } || IsEndOfSession(failure) =>
            new MlflowException(ErrorCode.TEMPORARILY_UNAVAILABLE, $"The database cannot be reached or written now: {Text(failure)} See to it, and send the request again.", failure),
        _ => failure,
    };

    // A session that cannot begin on a full disk: "could not write init file" comes as an internal error.
    private static bool IsEndOfSession(Exception failure) => failure is PostgresException { SqlState: PostgresErrorCodes.InternalError, InvariantSeverity: "FATAL" or "PANIC" };

    /// <summary>What an operator can do about a database that cannot be opened.</summary>
    public static string WayOut(Exception failure, string? database) => failure switch
    {
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } => $"Make it, as by 'createdb {database}'",
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } =>
            "Give the right user and password: in MLFLOW_BACKEND_STORE_URI, or the password in PGPASSWORD or ~/.pgpass",
        NpgsqlException { InnerException: System.Net.Sockets.SocketException } => "Start PostgreSQL there",

        // Npgsql has no code for it.
        not PostgresException when failure.Message.StartsWith("No password", StringComparison.Ordinal) => "Give it in MLFLOW_BACKEND_STORE_URI, PGPASSWORD or ~/.pgpass",
        _ => "See to it",
    };

    /// <summary>The reason in one line, with a full stop.</summary>
    public static string Text(Exception failure)
    {
        var reason = failure is PostgresException e ? e.MessageText : (failure.InnerException ?? failure).Message;
        return reason.ReplaceLineEndings(" ").TrimEnd('.') + ".";
    }
}
