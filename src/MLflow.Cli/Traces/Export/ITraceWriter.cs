namespace MLflow.Cli.Traces.Export;

/// <summary>Takes traces of an export, one after the other.</summary>
internal interface ITraceWriter
{
    /// <returns>Bytes that the trace took; 0 where nobody can tell yet.</returns>
    Task<long> WriteAsync(TraceDocument trace, CancellationToken cancellationToken);

    /// <summary>Hands over what was written, to the disk where it is asked for.</summary>
    void Flush(bool toDisk);
}
