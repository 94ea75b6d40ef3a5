namespace MLflow;

/// <summary>Takes finished traces away from the threads that made them.</summary>
internal interface ITraceExporter
{
    /// <summary>Accepts an export or counts it as dropped. Returns at once and never throws.</summary>
    void Enqueue(TraceExport export);
}
