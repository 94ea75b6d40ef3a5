namespace MLflow.Server.Storage;

/// <summary>
/// The index over the text of traces. Traces wait for it durably, from the transaction that writes them on, and searches look through those that wait as well: what it finds is the same
/// whether and how far it is built. Several servers of a database may call it at the same time; one of them works.
/// </summary>
internal interface ITextIndex
{
    /// <summary>Indexes some of the traces that wait.</summary>
    /// <param name="now">Also few of them, and those that somebody may still be writing; else they wait until they fill a segment, or for <see cref="PatienceMs"/>.</param>
    /// <param name="cancellationToken">Ends it; nothing is lost.</param>
    /// <returns>How many were looked at; 0 when there is nothing to do.</returns>
    Task<int> IndexAsync(bool now, CancellationToken cancellationToken);

    /// <summary>Takes out of the next few segments what deleted and changed traces have left there.</summary>
    /// <returns>False behind the last one; the next call begins again.</returns>
    Task<bool> SweepAsync(CancellationToken cancellationToken);

    /// <summary>How many traces wait.</summary>
    Task<long> CountWaitingAsync(CancellationToken cancellationToken);

    /// <summary>Milliseconds that few traces wait for others, because adding any writes their whole segment anew.</summary>
    const long PatienceMs = 60_000;

    /// <summary>Milliseconds without anything new after which a trace is taken to be written.</summary>
    const long SettledMs = 3_000;
}
