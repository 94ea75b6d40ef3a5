namespace MLflow;

/// <summary>A scope of secrets in a workspace.</summary>
/// <param name="Name">Its name, unique in the workspace in any case.</param>
/// <param name="KeyVault">The Azure Key Vault whose secrets it shows; null where the workspace keeps them itself.</param>
public sealed record DatabricksSecretScope(string Name, DatabricksKeyVault? KeyVault);
