namespace MLflow.Tests.Databricks.Workspace;

/// <summary>What one signed address allows.</summary>
/// <param name="Kind">The kind of storage.</param>
/// <param name="IsUpload">Writing; else reading.</param>
/// <param name="Path">The object.</param>
/// <param name="Signature">What the address is known by.</param>
/// <param name="Headers">Headers that belong to the signature.</param>
internal sealed record SignedGrant(StorageKind Kind, bool IsUpload, string Path, string Signature, IReadOnlyDictionary<string, string> Headers)
{
    public DateTimeOffset Expires { get; set; }
}
