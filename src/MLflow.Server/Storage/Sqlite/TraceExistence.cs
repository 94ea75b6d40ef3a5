namespace MLflow.Server.Storage.Sqlite;

/// <summary>Whether a trace is there, asked within the writer's transaction.</summary>
internal static class TraceExistence
{
    public const string SelectSql = "SELECT 1 FROM traces WHERE trace_id = ?1";

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such trace.</exception>
    public static void Require(SqliteWriteSession session, string traceId)
    {
        if (!IsStored(session, traceId))
        {
            throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID '{traceId}' not found.");
        }
    }

    public static bool IsStored(SqliteWriteSession session, string traceId)
    {
        var rows = session[SelectSql].Bind(1, traceId);
        var isStored = rows.Read();
        rows.Reset();
        return isStored;
    }
}
