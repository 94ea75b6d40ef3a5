namespace MLflow.Cli.Traces.Export;

/// <summary>Takes traces of an export, one after the other.</summary>
internal interface ITraceWriter
{
    /// <returns>Bytes that the trace took; 0 where they do not tell how far the output is good.</returns>
    Task<long> WriteAsync(TraceDocument trace, CancellationToken cancellationToken);

    /// <summary>Hands over what was written, to the disk where it is asked for.</summary>
    /// <param name="toDisk">Whether it must outlive the machine.</param>
    /// <param name="isEnd">Whether nothing follows for now, so that what is begun must be finished.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>How many parts are whole now; null where something written would be lost with the process.</returns>
    Task<int?> SettleAsync(bool toDisk, bool isEnd, CancellationToken cancellationToken);
}
