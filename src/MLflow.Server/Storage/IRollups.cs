namespace MLflow.Server.Storage;

/// <summary>
/// Figures of whole hours, kept for overviews of long times. Whatever changes a trace marks its hour durably, in the same transaction; the figures of a marked hour are not used, but read from
/// its traces, until they have been worked out again. Several servers of a database may call it at the same time; one of them works.
/// </summary>
internal interface IRollups
{
    /// <summary>Milliseconds of an hour.</summary>
    const long HourMs = 3_600_000;

    /// <summary>Works out the figures of some marked hours.</summary>
    /// <param name="now">Also of those that have changed since the last call: they may go on changing.</param>
    /// <param name="cancellationToken">Ends it; nothing is lost.</param>
    /// <returns>How many hours were worked out; 0 when there is nothing to do.</returns>
    Task<int> RollUpAsync(bool now, CancellationToken cancellationToken);

    /// <summary>How many hours are marked, those of each experiment for themselves.</summary>
    Task<long> CountWaitingAsync(CancellationToken cancellationToken);
}
