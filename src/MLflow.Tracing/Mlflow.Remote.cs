namespace MLflow;

/// <content>Traces that go through several processes.</content>
public static partial class Mlflow
{
    /// <inheritdoc cref="MlflowClient.GetTraceContext"/>
    public static IReadOnlyDictionary<string, string> GetTraceContext(bool withBaggage = false) => Client.GetTraceContext(withBaggage);

    /// <inheritdoc cref="MlflowClient.AddTraceContext"/>
    public static void AddTraceContext(HttpRequestMessage request, bool withBaggage = false) => Client.AddTraceContext(request, withBaggage);

    /// <inheritdoc cref="MlflowClient.UseTraceContext"/>
    public static IDisposable UseTraceContext(string? traceparent, string? baggage = null) => Client.UseTraceContext(traceparent, baggage);
}
