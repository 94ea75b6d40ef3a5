namespace MLflow;

public static partial class Mlflow
{
    /// <inheritdoc cref="MlflowClient.UseExperiment"/>
    public static IDisposable UseExperiment(string name, string? trackingUri = null) => Client.UseExperiment(name, trackingUri);

    /// <inheritdoc cref="MlflowClient.UseExperimentById"/>
    public static IDisposable UseExperimentById(string experimentId, string? trackingUri = null) => Client.UseExperimentById(experimentId, trackingUri);

    /// <inheritdoc cref="MlflowClient.UseRun"/>
    public static IDisposable UseRun(string runId) => Client.UseRun(runId);

    /// <inheritdoc cref="MlflowClient.UseSamplingRatio"/>
    public static IDisposable UseSamplingRatio(double ratio) => Client.UseSamplingRatio(ratio);

    /// <inheritdoc cref="MlflowClient.LinkTracesToRunAsync"/>
    public static Task LinkTracesToRunAsync(IEnumerable<string> traceIds, string runId, CancellationToken cancellationToken = default) =>
        Client.LinkTracesToRunAsync(traceIds, runId, cancellationToken);
}
