namespace MLflow.Cli.Doctor;

/// <summary>The experiment that a program of this environment traces to.</summary>
/// <param name="Id">Its id; null where it is named.</param>
/// <param name="Name">Its name; null where its id is given.</param>
internal sealed record ExperimentChoice(string? Id, string? Name)
{
    /// <summary>In the SDK's order: what is said here, <c>MLFLOW_EXPERIMENT_NAME</c>, <c>MLFLOW_EXPERIMENT_ID</c>, the default one.</summary>
    public static ExperimentChoice Read(string? id, string? name)
    {
        if (id is not null || name is not null)
        {
            return new ExperimentChoice(name is null ? id : null, name);
        }

        return Environment.GetEnvironmentVariable("MLFLOW_EXPERIMENT_NAME") is { Length: > 0 } named
            ? new ExperimentChoice(null, named)
            : new ExperimentChoice(Environment.GetEnvironmentVariable("MLFLOW_EXPERIMENT_ID") is { Length: > 0 } given ? given : "0", null);
    }
}
