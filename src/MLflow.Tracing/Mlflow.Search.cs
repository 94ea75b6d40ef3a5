namespace MLflow;

public static partial class Mlflow
{
    /// <inheritdoc cref="MlflowClient.GetTraceAsync"/>
    public static Task<TraceRecord> GetTraceAsync(string traceId, CancellationToken cancellationToken = default) => Client.GetTraceAsync(traceId, cancellationToken);

    /// <inheritdoc cref="MlflowClient.SearchTracesAsync"/>
    public static IAsyncEnumerable<TraceRecord> SearchTracesAsync(string? filter = null, TraceSearchOptions? options = null, CancellationToken cancellationToken = default) =>
        Client.SearchTracesAsync(filter, options, cancellationToken);

    /// <inheritdoc cref="MlflowClient.DeleteTracesAsync"/>
    public static Task<int> DeleteTracesAsync(string experimentId, IEnumerable<string> traceIds, CancellationToken cancellationToken = default) =>
        Client.DeleteTracesAsync(experimentId, traceIds, cancellationToken);

    /// <inheritdoc cref="MlflowClient.DeleteTracesUntilAsync"/>
    public static Task<int> DeleteTracesUntilAsync(string experimentId, DateTimeOffset until, int? maxTraces = null, CancellationToken cancellationToken = default) =>
        Client.DeleteTracesUntilAsync(experimentId, until, maxTraces, cancellationToken);

    /// <inheritdoc cref="MlflowClient.SetTraceTagAsync"/>
    public static Task SetTraceTagAsync(string traceId, string key, string value, CancellationToken cancellationToken = default) =>
        Client.SetTraceTagAsync(traceId, key, value, cancellationToken);

    /// <inheritdoc cref="MlflowClient.DeleteTraceTagAsync"/>
    public static Task DeleteTraceTagAsync(string traceId, string key, CancellationToken cancellationToken = default) =>
        Client.DeleteTraceTagAsync(traceId, key, cancellationToken);
}
