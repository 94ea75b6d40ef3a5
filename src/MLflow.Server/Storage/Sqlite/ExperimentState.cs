namespace MLflow.Server.Storage.Sqlite;

/// <summary>Whether an experiment takes what is to be written, asked within the writer's transaction.</summary>
internal static class ExperimentState
{
    private const string SelectSql = "SELECT is_active FROM experiments WHERE experiment_id = ?1";

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none.</exception>
    public static bool IsActive(SqliteWriteSession session, long experimentId)
    {
        var rows = session[SelectSql].Bind(1, experimentId);
        if (!rows.Read())
        {
            throw Unknown(experimentId);
        }

        var active = rows.GetInt64(0) != 0;
        rows.Reset();
        return active;
    }

    /// <exception cref="MlflowException">RESOURCE_DOES_NOT_EXIST: there is none. INVALID_PARAMETER_VALUE: it is deleted.</exception>
    public static void RequireActive(SqliteWriteSession session, long experimentId)
    {
        if (!IsActive(session, experimentId))
        {
            throw new MlflowException(
                ErrorCode.INVALID_PARAMETER_VALUE,
                $"The experiment {experimentId} must be in the 'active' state. Current state is deleted.");
        }
    }

    public static MlflowException Unknown(long experimentId) => new(ErrorCode.RESOURCE_DOES_NOT_EXIST, $"No Experiment with id={experimentId} exists");
}
