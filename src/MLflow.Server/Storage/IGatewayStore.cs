namespace MLflow.Server.Storage;

/// <summary>Keeps what the gateway works with. All that writes is durable on return.</summary>
internal interface IGatewayStore
{
    /// <summary>Grows with every change of a document, whichever process made it.</summary>
    long GetVersion();

    GatewayDocuments Read();

    /// <summary>Writes and deletes documents, all or none.</summary>
    /// <param name="version">The version that the change was made from.</param>
    /// <param name="put">Documents that are new, or stand in place of those with their ids.</param>
    /// <param name="deleted">Ids of documents that go.</param>
    /// <param name="cancellationToken">Ends the wait for the writer.</param>
    /// <returns>False where there has been another change since; nothing was written then.</returns>
    Task<bool> TryWriteAsync(long version, IReadOnlyList<GatewayDocument> put, IReadOnlyList<string> deleted, CancellationToken cancellationToken);

    /// <summary>Adds to what is stored of that hour, endpoint and user. Not idempotent.</summary>
    Task AddUsageAsync(GatewayUsage usage, CancellationToken cancellationToken);

    /// <summary>What calls since then came to, in 10⁻⁹ US dollars.</summary>
    /// <param name="sinceMs">Beginning of an hour.</param>
    /// <param name="endpointId">Of one endpoint; null for all.</param>
    /// <param name="user">Of one user; null for all.</param>
    long GetSpend(long sinceMs, string? endpointId, string? user);

    /// <summary>Calls since then.</summary>
    /// <param name="sinceMs">Beginning of an hour.</param>
    /// <param name="endpointId">Of that endpoint.</param>
    /// <param name="user">Of one user; null for all.</param>
    long GetCalls(long sinceMs, string endpointId, string? user);

    /// <summary>The usage since then, by hour, endpoint and user.</summary>
    IReadOnlyList<GatewayUsage> ListUsage(long sinceMs);
}
