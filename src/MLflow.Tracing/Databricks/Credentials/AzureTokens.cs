namespace MLflow;

/// <summary>Tokens of Azure. Where the workspace is told by its id in Azure, one for the management of that comes along.</summary>
internal sealed class AzureTokens(DatabricksConfig config, IAzureLogin login) : ITokenSource
{
    /// <summary>Id of Azure Databricks in every tenant.</summary>
    public const string Databricks = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

    private const string ManagementHeader = "X-Databricks-Azure-SP-Management-Token";
    private const string ResourceHeader = "X-Databricks-Azure-Workspace-Resource-Id";

    public string Origin => login.Origin;

    public async Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
    {
        var token = await login.FetchAsync(Databricks, cancellationToken).ConfigureAwait(false);
        if (config[DatabricksAttribute.AzureResourceId] is not { } resource)
        {
            return token;
        }

        var management = await login.FetchAsync(AzureCloud.Of(config).Management, cancellationToken).ConfigureAwait(false);
        return token with
        {
            Lifetime = management.Lifetime < token.Lifetime ? management.Lifetime : token.Lifetime,
            MoreHeaders = [new(ManagementHeader, management.Value), new(ResourceHeader, resource)],
        };
    }
}
