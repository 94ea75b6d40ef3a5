namespace MLflow.Server.Storage.Postgres;

/// <summary>Whether an experiment takes what is to be written, asked within the transaction.</summary>
internal static class ExperimentState
{
    private const string SelectSql = "SELECT experiment_id, is_active FROM experiments WHERE experiment_id = ANY($1)";

    /// <summary>Which of the experiments that exist are active.</summary>
    public static async Task<Dictionary<long, bool>> ReadAsync(PostgresSession session, long[] experimentIds) =>
        (await session.QueryAsync(SelectSql, row => (Id: row.Int64(0), IsActive: row.Int64(1) != 0), experimentIds).ConfigureAwait(false)).ToDictionary(row => row.Id, row => row.IsActive);

    /// <summary>Why an experiment takes nothing; null when it does.</summary>
    public static MlflowException? Refusal(Dictionary<long, bool> states, long experimentId) =>
        !states.TryGetValue(experimentId, out var isActive) ? Unknown(experimentId)
        : isActive ? null
        : new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"The experiment {experimentId} must be in the 'active' state. Current state is deleted.");

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    public static async Task<bool> IsActiveAsync(PostgresSession session, long experimentId) =>
        (await ReadAsync(session, [experimentId]).ConfigureAwait(false)).TryGetValue(experimentId, out var isActive) ? isActive : throw Unknown(experimentId);

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none. INVALID_PARAMETER_VALUE: it is deleted.</exception>
    public static async Task RequireActiveAsync(PostgresSession session, long experimentId)
    {
        if (Refusal(await ReadAsync(session, [experimentId]).ConfigureAwait(false), experimentId) is { } refusal)
        {
            throw refusal;
        }
    }

    public static MlflowException Unknown(long experimentId) => Sqlite.ExperimentState.Unknown(experimentId);
}
