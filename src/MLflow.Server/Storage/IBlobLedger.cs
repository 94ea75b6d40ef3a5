namespace MLflow.Server.Storage;

/// <summary>
/// Knows every content in the blob store and who refers to it. A content is written down before it is put into the store, so that none is there which nobody knows;
/// a reference is a row of its trace, written and deleted in the trace's transactions. What nobody refers to is condemned when it was last asked for long ago, and
/// only then deleted; from that moment on the same content gets a new name.
/// </summary>
internal interface IBlobLedger
{
    /// <summary>Where contents are kept, by their SHA-256; new ones are written down, and none is condemned for a while.</summary>
    /// <param name="contents">SHA-256 and size, each content once.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<IReadOnlyDictionary<string, BlobPlace>> RegisterAsync(IReadOnlyList<(string Hash, long Size)> contents, CancellationToken cancellationToken);

    /// <summary>Notes that contents are in the store.</summary>
    Task SetStoredAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>Some names behind <paramref name="after"/>, in their order, that nobody refers to and nobody has asked for since a time. It is looked at again before anything is deleted.</summary>
    /// <param name="after">Empty for the first.</param>
    /// <param name="beforeMs">The time.</param>
    /// <param name="limit">Names that are looked at.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The names, and the last one that was looked at; null when there are no more.</returns>
    Task<(IReadOnlyList<string> Names, string? Last)> FindOrphansAsync(string after, long beforeMs, int limit, CancellationToken cancellationToken);

    /// <summary>Condemns those that still nobody refers to or has asked for since.</summary>
    Task CondemnAsync(IReadOnlyList<string> names, long beforeMs, CancellationToken cancellationToken);

    /// <summary>Some of those that are condemned and may still be in the store.</summary>
    Task<IReadOnlyList<string>> ListCondemnedAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Forgets condemned contents, which are not in the store any more.</summary>
    Task ForgetAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);
}
