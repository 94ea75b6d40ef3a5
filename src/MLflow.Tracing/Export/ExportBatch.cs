namespace MLflow;

/// <summary>Exports that are sent together, and how far they have got: what a server has acknowledged is not sent again.</summary>
internal sealed class ExportBatch
{
    public ExportBatch(IReadOnlyList<TraceExport> exports) => Exports = exports;

    public IReadOnlyList<TraceExport> Exports { get; }

    public TraceDestination Destination => Exports[0].Trace.Destination;

    public bool AreSpansSent { get; set; }

    /// <summary>Number of <see cref="Exports"/>, from the first, that are done with.</summary>
    public int Settled { get; set; }

    public int ServerErrors { get; set; }
}
