using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Storage;

/// <summary>
/// Finds traces that have expired, or that belong to somebody, and deletes or archives them in bounded transactions. A trace has expired when it began, and the server
/// last heard of it, at a time or before, and nobody keeps it (<see cref="RetentionPolicy.KeepTag"/>). That is looked at again in the transaction that ends it.
/// </summary>
internal interface IRetentionStore
{
    /// <summary>Traces that a caller gives to one call at most.</summary>
    const int MaxChunk = 200;

    /// <summary>When this database learned of retention: the first call says so.</summary>
    Task<long> StartedAsync(CancellationToken cancellationToken);

    /// <summary>Takes or keeps a job for a while, of several servers that would do it.</summary>
    /// <returns>False where another one has it.</returns>
    Task<bool> TryLeadAsync(string job, string owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Says for how many days the traces that come are likely to be kept, by experiment: a hint for how they are stored, and no more.</summary>
    /// <param name="daysOf">The days; null for traces that are not going to be deleted.</param>
    void Expect(Func<long, int?> daysOf);

    /// <summary>All experiments, deleted ones too.</summary>
    Task<IReadOnlyList<RetentionScope>> ListScopesAsync(CancellationToken cancellationToken);

    /// <summary>Some expired traces of an experiment, the latest first.</summary>
    /// <param name="experimentId">The experiment.</param>
    /// <param name="beforeMs">The time.</param>
    /// <param name="withArchived">Whether those count that are archived.</param>
    /// <param name="after">Those behind this one; null for the first.</param>
    /// <param name="limit">How many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<IReadOnlyList<ExpiredTrace>> FindExpiredAsync(long experimentId, long beforeMs, bool withArchived, ExpiredTrace? after, int limit, CancellationToken cancellationToken);

    /// <summary>How many traces have expired, and how many would have, if nobody kept them.</summary>
    Task<(long Expired, long Kept)> CountExpiredAsync(long experimentId, long beforeMs, bool withArchived, CancellationToken cancellationToken);

    /// <summary>Deletes those of the traces that are still expired.</summary>
    /// <returns>Their ids.</returns>
    Task<IReadOnlyList<string>> DeleteExpiredAsync(long experimentId, long beforeMs, IReadOnlyList<string> traceIds, CancellationToken cancellationToken);

    /// <summary>Lets a content of the blob store stand for the payloads of a trace, where it is still expired and nothing of it has come since it was found.</summary>
    /// <returns>False where it is not: it stays as it is.</returns>
    /// <exception cref="BlobGoneException">The content is condemned.</exception>
    Task<bool> ArchiveAsync(long experimentId, long beforeMs, ExpiredTrace trace, string blob, CancellationToken cancellationToken);

    /// <summary>Some traces of somebody, by id.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="after">Those behind this id; empty for the first.</param>
    /// <param name="limit">How many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Their ids and experiments.</returns>
    Task<IReadOnlyList<(string TraceId, long ExperimentId)>> FindOwnedAsync(TraceOwner owner, string after, int limit, CancellationToken cancellationToken);

    /// <summary>Gives the space of what was deleted back to the disk, in bounded transactions.</summary>
    Task GiveSpaceBackAsync(CancellationToken cancellationToken);
}
