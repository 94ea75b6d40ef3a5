using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>Failures of SQLite that pass: what was to be written is not to blame, and may be sent again.</summary>
internal static class SqliteFailure
{
    /// <returns>TEMPORARILY_UNAVAILABLE where the disk or another program is in the way; else the failure itself.</returns>
    public static Exception Tell(Exception failure) => failure is SqliteException { SqliteErrorCode: raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_BUSY or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN } e
        ? new MlflowException(ErrorCode.TEMPORARILY_UNAVAILABLE, $"The database cannot be written now, and nothing of the request was stored: {e.Message} See to its file and its disk, and send the request again.", e)
        : failure;
}
