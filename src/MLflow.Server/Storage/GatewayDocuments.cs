namespace MLflow.Server.Storage;

/// <summary>All documents of one moment.</summary>
/// <param name="Version">Of the moment: another one after each change.</param>
/// <param name="All">The documents, by id.</param>
internal sealed record GatewayDocuments(long Version, IReadOnlyList<GatewayDocument> All);
