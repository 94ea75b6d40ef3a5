namespace MLflow;

public static partial class Mlflow
{
    /// <inheritdoc cref="MlflowClient.SetExperimentAsync"/>
    public static Task<ExperimentRecord> SetExperimentAsync(string name, CancellationToken cancellationToken = default) => Client.SetExperimentAsync(name, cancellationToken);

    /// <inheritdoc cref="MlflowClient.CreateExperimentAsync"/>
    public static Task<string> CreateExperimentAsync(
        string name, string? artifactLocation = null, IReadOnlyDictionary<string, string>? tags = null, CancellationToken cancellationToken = default) =>
        Client.CreateExperimentAsync(name, artifactLocation, tags, cancellationToken);

    /// <inheritdoc cref="MlflowClient.GetExperimentAsync"/>
    public static Task<ExperimentRecord> GetExperimentAsync(string experimentId, CancellationToken cancellationToken = default) =>
        Client.GetExperimentAsync(experimentId, cancellationToken);

    /// <inheritdoc cref="MlflowClient.GetExperimentByNameAsync"/>
    public static Task<ExperimentRecord?> GetExperimentByNameAsync(string name, CancellationToken cancellationToken = default) =>
        Client.GetExperimentByNameAsync(name, cancellationToken);

    /// <inheritdoc cref="MlflowClient.SearchExperimentsAsync"/>
    public static IAsyncEnumerable<ExperimentRecord> SearchExperimentsAsync(string? filter = null, ExperimentSearchOptions? options = null, CancellationToken cancellationToken = default) =>
        Client.SearchExperimentsAsync(filter, options, cancellationToken);

    /// <inheritdoc cref="MlflowClient.RenameExperimentAsync"/>
    public static Task RenameExperimentAsync(string experimentId, string newName, CancellationToken cancellationToken = default) =>
        Client.RenameExperimentAsync(experimentId, newName, cancellationToken);

    /// <inheritdoc cref="MlflowClient.DeleteExperimentAsync"/>
    public static Task DeleteExperimentAsync(string experimentId, CancellationToken cancellationToken = default) => Client.DeleteExperimentAsync(experimentId, cancellationToken);

    /// <inheritdoc cref="MlflowClient.RestoreExperimentAsync"/>
    public static Task RestoreExperimentAsync(string experimentId, CancellationToken cancellationToken = default) => Client.RestoreExperimentAsync(experimentId, cancellationToken);

    /// <inheritdoc cref="MlflowClient.SetExperimentTagAsync"/>
    public static Task SetExperimentTagAsync(string experimentId, string key, string value, CancellationToken cancellationToken = default) =>
        Client.SetExperimentTagAsync(experimentId, key, value, cancellationToken);

    /// <inheritdoc cref="MlflowClient.DeleteExperimentTagAsync"/>
    public static Task DeleteExperimentTagAsync(string experimentId, string key, CancellationToken cancellationToken = default) =>
        Client.DeleteExperimentTagAsync(experimentId, key, cancellationToken);
}
