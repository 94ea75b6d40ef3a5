namespace MLflow;

/// <summary>Takes finished traces away from the threads that made them.</summary>
internal interface ITraceExporter
{
    /// <summary>Accepts an export or counts it as dropped. Returns at once and never throws.</summary>
    /// <param name="export">The spans.</param>
    /// <param name="inBackground">The calling thread is not the program's: it may be given work.</param>
    void Enqueue(TraceExport export, bool inBackground);

    /// <summary>Whether spans that still run may be sent there. Where that is not known yet it is found out.</summary>
    bool ShowsRunning(TraceDestination destination);

    /// <summary>Whether the server there is known to record calls as we do (<see cref="PlainCallFeature"/>).</summary>
    bool RecordsCalls(TraceDestination destination) => false;
}
