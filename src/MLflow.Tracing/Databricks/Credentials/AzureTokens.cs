namespace MLflow;

/// <summary>Tokens of Azure for a service principal with a secret. Where the workspace is told by its id in Azure, one for the management of that comes along.</summary>
internal sealed class AzureTokens(TokenHttp http) : ITokenSource
{
    /// <summary>Id of Azure Databricks in every tenant.</summary>
    public const string Databricks = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

    private const string ManagementHeader = "X-Databricks-Azure-SP-Management-Token";
    private const string ResourceHeader = "X-Databricks-Azure-Workspace-Resource-Id";

    private string? _tenant;

    public string Origin => http.Config.Origins(DatabricksAttribute.AzureClientId, DatabricksAttribute.AzureClientSecret, DatabricksAttribute.AzureTenantId, DatabricksAttribute.AzureResourceId);

    public async Task<AccessToken> FetchAsync(CancellationToken cancellationToken)
    {
        var token = await FetchAsync(Databricks, cancellationToken).ConfigureAwait(false);
        if (http.Config[DatabricksAttribute.AzureResourceId] is not { } resource)
        {
            return token;
        }

        var management = await FetchAsync(Management(), cancellationToken).ConfigureAwait(false);
        return token with
        {
            Lifetime = management.Lifetime < token.Lifetime ? management.Lifetime : token.Lifetime,
            MoreHeaders = [new(ManagementHeader, management.Value), new(ResourceHeader, resource)],
        };
    }

    private async Task<AccessToken> FetchAsync(string resource, CancellationToken cancellationToken)
    {
        _tenant ??= http.Config[DatabricksAttribute.AzureTenantId] ?? await FindTenantAsync(cancellationToken).ConfigureAwait(false);
        var endpoint = new Uri($"https://{LoginHost()}/{Uri.EscapeDataString(_tenant)}/oauth2/token");
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

    private string LoginHost() => Cloud() switch
    {
        "USGOVERNMENT" => "login.microsoftonline.us",
        "CHINA" => "login.chinacloudapi.cn",
        _ => "login.microsoftonline.com",
    };

    private string Management() => Cloud() switch
    {
        "USGOVERNMENT" => "https://management.core.usgovcloudapi.net/",
        "CHINA" => "https://management.core.chinacloudapi.cn/",
        _ => "https://management.core.windows.net/",
    };

    private string Cloud()
    {
        if (http.Config[DatabricksAttribute.AzureEnvironment]?.ToUpperInvariant() is { } told)
        {
            return told;
        }

        var host = http.Config.Host.Host;
        return host.EndsWith(".databricks.azure.us", StringComparison.OrdinalIgnoreCase) ? "USGOVERNMENT"
            : host.EndsWith(".databricks.azure.cn", StringComparison.OrdinalIgnoreCase) ? "CHINA"
            : "PUBLIC";
    }
}
