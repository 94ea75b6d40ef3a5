namespace MLflow;

/// <summary>
/// Secrets of a Databricks workspace: <c>await DatabricksSecrets.GetAsync("openai-secrets", "api-key")</c>. The workspace and the credentials are those of tracking where traces go to
/// one; else those of the environment or of <c>~/.databrickscfg</c>.
/// </summary>
/// <remarks>The static face of <see cref="MlflowClient.Secrets"/>. What is fetched is taken out of traces, whatever the program does with it (<see cref="DatabricksSecret"/>).</remarks>
public static class DatabricksSecrets
{
    private static DatabricksSecretsClient Client => Mlflow.Client.Secrets;

    /// <inheritdoc cref="DatabricksSecretsClient.GetAsync"/>
    public static Task<DatabricksSecret> GetAsync(string scope, string key, CancellationToken cancellationToken = default) => Client.GetAsync(scope, key, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.PutAsync"/>
    public static Task PutAsync(string scope, string key, string value, CancellationToken cancellationToken = default) => Client.PutAsync(scope, key, value, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.PutBytesAsync"/>
    public static Task PutBytesAsync(string scope, string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) => Client.PutBytesAsync(scope, key, value, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.DeleteAsync"/>
    public static Task DeleteAsync(string scope, string key, CancellationToken cancellationToken = default) => Client.DeleteAsync(scope, key, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.ListAsync"/>
    public static Task<IReadOnlyList<DatabricksSecretMetadata>> ListAsync(string scope, CancellationToken cancellationToken = default) => Client.ListAsync(scope, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.CreateScopeAsync"/>
    public static Task CreateScopeAsync(string scope, bool allUsersManage = false, DatabricksKeyVault? keyVault = null, CancellationToken cancellationToken = default) =>
        Client.CreateScopeAsync(scope, allUsersManage, keyVault, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.DeleteScopeAsync"/>
    public static Task DeleteScopeAsync(string scope, CancellationToken cancellationToken = default) => Client.DeleteScopeAsync(scope, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.ListScopesAsync"/>
    public static Task<IReadOnlyList<DatabricksSecretScope>> ListScopesAsync(CancellationToken cancellationToken = default) => Client.ListScopesAsync(cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.PutAclAsync"/>
    public static Task PutAclAsync(string scope, string principal, DatabricksSecretAccess permission, CancellationToken cancellationToken = default) =>
        Client.PutAclAsync(scope, principal, permission, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.GetAclAsync"/>
    public static Task<DatabricksSecretAcl> GetAclAsync(string scope, string principal, CancellationToken cancellationToken = default) => Client.GetAclAsync(scope, principal, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.ListAclsAsync"/>
    public static Task<IReadOnlyList<DatabricksSecretAcl>> ListAclsAsync(string scope, CancellationToken cancellationToken = default) => Client.ListAclsAsync(scope, cancellationToken);

    /// <inheritdoc cref="DatabricksSecretsClient.DeleteAclAsync"/>
    public static Task DeleteAclAsync(string scope, string principal, CancellationToken cancellationToken = default) => Client.DeleteAclAsync(scope, principal, cancellationToken);
}
