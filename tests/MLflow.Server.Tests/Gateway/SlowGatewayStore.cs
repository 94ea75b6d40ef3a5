using MLflow.Server.Storage;

namespace MLflow.Server.Tests.Gateway;

/// <summary>A store whose answers may be held back.</summary>
internal sealed class SlowGatewayStore(IGatewayStore store) : IGatewayStore, IDisposable
{
    private readonly ManualResetEventSlim _goOn = new(true);
    private readonly TaskCompletionSource _isHeld = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A call waits for its answer.</summary>
    public Task IsHeld => _isHeld.Task;

    public void Hold() => _goOn.Reset();

    public void GoOn() => _goOn.Set();

    public void Dispose() => _goOn.Dispose();

    public long GetVersion() => store.GetVersion();

    public GatewayDocuments Read() => store.Read();

    public Task<bool> TryWriteAsync(long version, IReadOnlyList<GatewayDocument> put, IReadOnlyList<string> deleted, CancellationToken cancellationToken) =>
        store.TryWriteAsync(version, put, deleted, cancellationToken);

    public Task AddUsageAsync(GatewayUsage usage, CancellationToken cancellationToken) => store.AddUsageAsync(usage, cancellationToken);

    public long GetSpend(long sinceMs, string? endpointId, string? user) => store.GetSpend(sinceMs, endpointId, user);

    public long GetCalls(long sinceMs, string endpointId, string? user)
    {
        if (!_goOn.IsSet)
        {
            _isHeld.TrySetResult();
            _goOn.Wait();
        }

        return store.GetCalls(sinceMs, endpointId, user);
    }

    public IReadOnlyList<GatewayUsage> ListUsage(long sinceMs) => store.ListUsage(sinceMs);
}
