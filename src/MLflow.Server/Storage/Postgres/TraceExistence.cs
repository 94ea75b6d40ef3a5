namespace MLflow.Server.Storage.Postgres;

/// <summary>Whether a trace is there; it is locked then, as everybody does who writes to it.</summary>
internal static class TraceExistence
{
    public const string SelectSql = "SELECT 1 FROM traces WHERE trace_id = $1";

    private const string LockSql = SelectSql + " FOR UPDATE";

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is no such trace.</exception>
    public static async Task RequireAsync(PostgresSession session, string traceId)
    {
        if (!await LockAsync(session, traceId).ConfigureAwait(false))
        {
            throw new MlflowException(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"Trace with ID '{traceId}' not found.");
        }
    }

    public static async Task<bool> LockAsync(PostgresSession session, string traceId) => (await session.QueryAsync(LockSql, _ => true, traceId).ConfigureAwait(false)).Count > 0;
}
