namespace MLflow;

public static partial class Mlflow
{
    /// <inheritdoc cref="MlflowClient.SetDestination"/>
    public static void SetDestination(string destination) => ConfiguredClient().SetDestination(destination);

    /// <inheritdoc cref="MlflowClient.CreateTraceLocationAsync"/>
    public static Task CreateTraceLocationAsync(string location, string? experimentId = null, CancellationToken cancellationToken = default) =>
        Client.CreateTraceLocationAsync(location, experimentId, cancellationToken);
}
