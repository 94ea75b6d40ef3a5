namespace MLflow.Server.Gateway;

/// <summary>A recorded call that another one does again, with changes. Its trace has a link of OpenTelemetry to the recorded span, and says so in its metadata, by which it is found.</summary>
/// <param name="TraceId">The trace.</param>
/// <param name="OtelTraceId">OpenTelemetry's id of it.</param>
/// <param name="SpanId">The span in it.</param>
internal sealed record ReplayedCall(string TraceId, string OtelTraceId, string SpanId)
{
    /// <summary>Metadata of the new trace: the id of the one that it does again. Ours; MLflow has no such name.</summary>
    public const string MetadataKey = "mlflow.replay.sourceTraceId";
}
