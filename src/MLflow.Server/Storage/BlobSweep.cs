using MLflow.Server.Blobs;

namespace MLflow.Server.Storage;

/// <summary>
/// Deletes contents that nobody refers to any more. Those that somebody has asked for within <see cref="Grace"/> may be about to be referred to, and stay; the others
/// are looked at again when they are condemned, and only condemned ones are deleted. Several servers may do it at the same time.
/// </summary>
internal sealed class BlobSweep
{
    /// <summary>Far longer than any request takes.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromHours(24);

    /// <summary>Contents that are looked at or deleted at one time, so that others work in between.</summary>
    private const int Chunk = 500;

    private readonly IBlobLedger _ledger;
    private readonly IBlobStore _store;
    private readonly TimeProvider _timeProvider;
    private readonly TimeSpan _grace;

    public BlobSweep(IBlobLedger ledger, IBlobStore store, TimeProvider timeProvider, TimeSpan? grace = null)
    {
        _ledger = ledger;
        _store = store;
        _timeProvider = timeProvider;
        _grace = grace ?? Grace;
    }

    /// <returns>Contents that were deleted.</returns>
    /// <exception cref="MlflowException">TEMPORARILY_UNAVAILABLE: the store cannot be reached; the next sweep goes on.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var beforeMs = (_timeProvider.GetUtcNow() - _grace).ToUnixTimeMilliseconds();
        for (string? after = ""; after is not null;)
        {
            (var orphans, after) = await _ledger.FindOrphansAsync(after, beforeMs, Chunk, cancellationToken).ConfigureAwait(false);
            if (orphans.Count > 0)
            {
                await _ledger.CondemnAsync(orphans, beforeMs, cancellationToken).ConfigureAwait(false);
            }
        }

        for (var deleted = 0; ;)
        {
            var condemned = await _ledger.ListCondemnedAsync(Chunk, cancellationToken).ConfigureAwait(false);
            foreach (var name in condemned)
            {
                await _store.DeleteAsync(name, cancellationToken).ConfigureAwait(false);
            }

            await _ledger.ForgetAsync(condemned, cancellationToken).ConfigureAwait(false);
            deleted += condemned.Count;
            if (condemned.Count < Chunk)
            {
                return deleted;
            }
        }
    }
}
