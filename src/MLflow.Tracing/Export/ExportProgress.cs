namespace MLflow;

/// <summary>How far the exporter is with a trace. Touched under the exporter's lock only. It is all that an export keeps of its trace.</summary>
internal sealed class ExportProgress
{
    public ExportState State { get; set; }

    /// <summary>It has been counted as exported, though a late span may have made it wait again.</summary>
    public bool WasExported { get; set; }

    /// <summary>Exports of the trace that are queued or being sent.</summary>
    public int Waiting { get; set; }

    /// <summary>Why some of the trace's spans were dropped, or null.</summary>
    public string? Lost { get; set; }

    /// <summary>The export that completes the trace was accepted.</summary>
    public bool IsComplete { get; set; }

    /// <summary>All spans were uploaded as one file, which a later span cannot be added to.</summary>
    public bool IsUploaded { get; set; }
}
