using MLflow.Server.Storage;

namespace MLflow.Server.Secrets;

/// <summary>A change of documents that is to be written.</summary>
/// <param name="Result">What it comes to.</param>
/// <param name="Put">Documents to be written.</param>
/// <param name="Deleted">Ids of those to be deleted.</param>
internal sealed record DocumentChange<T>(T Result, IReadOnlyList<GatewayDocument> Put, IReadOnlyList<string> Deleted)
{
    public DocumentChange(T result, params GatewayDocument[] put)
        : this(result, put, [])
    {
    }
}
