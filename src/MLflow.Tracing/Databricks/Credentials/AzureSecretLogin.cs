namespace MLflow;

/// <summary>A service principal of Azure with a secret.</summary>
internal sealed class AzureSecretLogin(TokenHttp http) : IAzureLogin
{
    private string? _tenant;

    public string Origin => http.Config.Origins(DatabricksAttribute.AzureClientId, DatabricksAttribute.AzureClientSecret, DatabricksAttribute.AzureTenantId, DatabricksAttribute.AzureResourceId);

    public async Task<AccessToken> FetchAsync(string resource, CancellationToken cancellationToken)
    {
        _tenant ??= http.Config[DatabricksAttribute.AzureTenantId] ?? await FindTenantAsync(cancellationToken).ConfigureAwait(false);
        var endpoint = new Uri($"https://{AzureCloud.Of(http.Config).LoginHost}/{Uri.EscapeDataString(_tenant)}/oauth2/token");
        List<KeyValuePair<string, string>> form =
        [
            new("grant_type", "client_credentials"),
            new("client_id", http.Config[DatabricksAttribute.AzureClientId]!),
            new("client_secret", http.Config[DatabricksAttribute.AzureClientSecret]!),
            new("resource", resource),
        ];
        return TokenHttp.Read(await http.PostAsync(endpoint, form, null, cancellationToken).ConfigureAwait(false), endpoint.ToString());
    }

    /// <summary>The workspace redirects those who sign in to their tenant; where to is the answer.</summary>
    private async Task<string> FindTenantAsync(CancellationToken cancellationToken)
    {
        var target = await http.GetRedirectAsync(new Uri(http.Config.Host, "/aad/auth"), cancellationToken).ConfigureAwait(false);
        return target is { IsAbsoluteUri: true, Segments: [_, var tenant, ..] } && tenant.TrimEnd('/') is { Length: > 0 } found
            ? found
            : throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"The workspace {http.Config.Host.Host} does not say which tenant of Azure it belongs to: set ARM_TENANT_ID.");
    }
}
