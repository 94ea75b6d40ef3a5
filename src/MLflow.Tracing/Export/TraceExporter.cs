namespace MLflow;

internal sealed class TraceExporter : ITraceExporter, IAsyncDisposable
{
    private readonly SelfLog _log;
    private readonly TimeProvider _timeProvider;

    public TraceExporter(SelfLog log, TimeProvider timeProvider)
    {
        _log = log;
        _timeProvider = timeProvider;
    }

    public void Enqueue(TraceExport export) => throw new NotImplementedException();

    public Task<FlushResult> FlushAsync(CancellationToken cancellationToken) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
