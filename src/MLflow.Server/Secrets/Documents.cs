using MLflow.Server.Storage;

namespace MLflow.Server.Secrets;

/// <summary>The gateway's documents as they are now, and changes of them that nobody else's change comes between.</summary>
internal sealed class Documents
{
    /// <summary>For how long a change by another process may not be seen yet.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private const int MaxAttempts = 20;

    private readonly IGatewayStore _store;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _reading = new();
    private volatile Snapshot? _snapshot;

    public Documents(IGatewayStore store, TimeProvider timeProvider)
    {
        _store = store;
        _timeProvider = timeProvider;
    }

    /// <summary>All documents, as they were within the last <see cref="Freshness"/>, and with every change of this process.</summary>
    public GatewayDocuments Current()
    {
        var now = _timeProvider.GetTimestamp();
        if (_snapshot is { } kept && _timeProvider.GetElapsedTime(kept.ReadAt, now) < Freshness)
        {
            return kept.Documents;
        }

        lock (_reading)
        {
            if (_snapshot is { } read && _timeProvider.GetElapsedTime(read.ReadAt, now) < Freshness)
            {
                return read.Documents;
            }

            var documents = _snapshot is { } old && old.Documents.Version == _store.GetVersion() ? old.Documents : _store.Read();
            _snapshot = new Snapshot(documents, now);
            return documents;
        }
    }

    /// <summary>Changes documents by what is there now. Where another change comes between, it is done again from what is there then.</summary>
    /// <param name="change">Says what to write and what to delete; both empty for nothing.</param>
    /// <param name="cancellationToken">Ends the wait for the writer.</param>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: others change too often.</exception>
    public async Task<T> ChangeAsync<T>(Func<GatewayDocuments, Task<DocumentChange<T>>> change, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var documents = _store.Read();
            var made = await change(documents).ConfigureAwait(false);
            if ((made.Put.Count == 0 && made.Deleted.Count == 0) || await _store.TryWriteAsync(documents.Version, made.Put, made.Deleted, cancellationToken).ConfigureAwait(false))
            {
                lock (_reading)
                {
                    _snapshot = null;
                }

                return made.Result;
            }
        }

        throw new MlflowException(ErrorCode.TEMPORARILY_UNAVAILABLE, "Others change the gateway's settings at the same time; try again.");
    }

    private sealed record Snapshot(GatewayDocuments Documents, long ReadAt);
}
