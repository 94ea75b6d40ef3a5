namespace MLflow;

/// <summary>An Azure Key Vault behind a scope of secrets. Its secrets are written in the vault.</summary>
/// <param name="ResourceId">Azure's id of the vault, <c>/subscriptions/…/vaults/name</c>.</param>
/// <param name="DnsName">Its address, <c>https://name.vault.azure.net/</c>.</param>
/// <param name="TenantId">The tenant that it belongs to. Null in what the workspace lists, which does not tell it.</param>
public sealed record DatabricksKeyVault(string ResourceId, string DnsName, string? TenantId = null);
