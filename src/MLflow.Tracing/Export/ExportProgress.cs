namespace MLflow;

/// <summary>How far the exporter is with a trace. Touched under the exporter's lock only.</summary>
internal struct ExportProgress
{
    public ExportState State;

    /// <summary>Exports of the trace that are queued or being sent.</summary>
    public int Waiting;

    /// <summary>Why some of the trace's spans were dropped, or null.</summary>
    public string? Lost;

    /// <summary>The export that completes the trace was accepted.</summary>
    public bool IsComplete;

    /// <summary>All spans were uploaded as one file, which a later span cannot be added to.</summary>
    public bool IsUploaded;
}
