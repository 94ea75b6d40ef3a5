namespace MLflow;

/// <summary>One thing that is configured of a workspace, under the names of Databricks' SDKs.</summary>
/// <param name="Name">Key in the configuration file.</param>
/// <param name="Variable">Name in the environment.</param>
/// <param name="Method">The authentication method it belongs to; null for none.</param>
/// <param name="Option">Reads it from the program's options; null where those have no such thing.</param>
internal sealed record DatabricksAttribute(string Name, string Variable, string? Method = null, Func<DatabricksOptions, string?>? Option = null)
{
    public const string Host = "host";
    public const string Token = "token";
    public const string Username = "username";
    public const string Password = "password";
    public const string ClientId = "client_id";
    public const string ClientSecret = "client_secret";
    public const string AuthType = "auth_type";
    public const string WorkspaceId = "workspace_id";
    public const string DiscoveryUrl = "discovery_url";
    public const string MetadataServiceUrl = "metadata_service_url";
    public const string OidcTokenEnv = "oidc_token_env";
    public const string OidcTokenFile = "oidc_token_filepath";
    public const string AzureTenantId = "azure_tenant_id";
    public const string AzureUseMsi = "azure_use_msi";
    public const string AzureClientId = "azure_client_id";
    public const string AzureClientSecret = "azure_client_secret";
    public const string AzureResourceId = "azure_workspace_resource_id";
    public const string AzureEnvironment = "azure_environment";
    public const string CliPath = "databricks_cli_path";

    public const string Pat = "pat";
    public const string Basic = "basic";
    public const string OAuth = "oauth";
    public const string Azure = "azure";

    /// <summary>All that are read, in the order in which they are looked for.</summary>
    public static readonly DatabricksAttribute[] All =
    [
        new(Host, "DATABRICKS_HOST", Option: o => o.Host),
        new(Token, "DATABRICKS_TOKEN", Pat, o => o.Token),
        new(Username, "DATABRICKS_USERNAME", Basic, o => o.Username),
        new(Password, "DATABRICKS_PASSWORD", Basic, o => o.Password),
        new(MetadataServiceUrl, "DATABRICKS_METADATA_SERVICE_URL"),
        new(ClientId, "DATABRICKS_CLIENT_ID", OAuth, o => o.ClientId),
        new(ClientSecret, "DATABRICKS_CLIENT_SECRET", OAuth, o => o.ClientSecret),
        new(DiscoveryUrl, "DATABRICKS_DISCOVERY_URL"),
        new(OidcTokenEnv, "DATABRICKS_OIDC_TOKEN_ENV"),
        new(OidcTokenFile, "DATABRICKS_OIDC_TOKEN_FILEPATH"),
        new(AzureResourceId, "DATABRICKS_AZURE_RESOURCE_ID", Option: o => o.AzureWorkspaceResourceId),
        new(AzureUseMsi, "ARM_USE_MSI", Azure, o => o.AzureUseMsi ? "true" : null),
        new(AzureClientId, "ARM_CLIENT_ID", Azure, o => o.AzureClientId),
        new(AzureClientSecret, "ARM_CLIENT_SECRET", Azure, o => o.AzureClientSecret),
        new(AzureTenantId, "ARM_TENANT_ID", Option: o => o.AzureTenantId),
        new(AzureEnvironment, "ARM_ENVIRONMENT"),
        new(CliPath, "DATABRICKS_CLI_PATH"),
        new(WorkspaceId, "DATABRICKS_WORKSPACE_ID"),
        new(AuthType, "DATABRICKS_AUTH_TYPE", Option: o => o.AuthType),
    ];

    /// <summary>A switch that is off is as one that is not there.</summary>
    public bool IsSaid(string? value) => value is { Length: > 0 } && !(Name == AzureUseMsi && value.Trim().ToUpperInvariant() is "FALSE" or "0");

    /// <summary>The property of <see cref="DatabricksOptions"/>, for messages.</summary>
    public string? OptionName => Option is null ? null : Name == AzureResourceId ? nameof(DatabricksOptions.AzureWorkspaceResourceId) : string.Concat(Name.Split('_').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
}
