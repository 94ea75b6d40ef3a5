namespace MLflow;

/// <summary>What a workspace tells of a secret without its value.</summary>
/// <param name="Key">Its name in the scope.</param>
/// <param name="LastUpdated">When it was stored last; null where the workspace does not say.</param>
public sealed record DatabricksSecretMetadata(string Key, DateTimeOffset? LastUpdated);
