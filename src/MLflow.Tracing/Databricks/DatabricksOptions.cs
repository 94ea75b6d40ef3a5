namespace MLflow;

/// <summary>
/// The Databricks workspace that traces go to, and the credentials for it, where a program has them at hand. What is null comes from the environment, then from a profile of the
/// file <c>~/.databrickscfg</c>. Names are those of Databricks' own SDKs.
/// </summary>
public sealed class DatabricksOptions
{
    /// <summary>Address of the workspace, <c>https://….cloud.databricks.com</c>. Null: <c>DATABRICKS_HOST</c>, else <c>host</c> of the profile.</summary>
    public string? Host { get; set; }

    /// <summary>A personal access token. Null: <c>DATABRICKS_TOKEN</c>, else <c>token</c> of the profile.</summary>
    public string? Token { get; set; }

    /// <summary>User for basic authentication, which many workspaces no longer take. Null: <c>DATABRICKS_USERNAME</c>, else the profile.</summary>
    public string? Username { get; set; }

    /// <summary>Password for it. Null: <c>DATABRICKS_PASSWORD</c>, else the profile.</summary>
    public string? Password { get; set; }

    /// <summary>Application id of a service principal, for OAuth. Null: <c>DATABRICKS_CLIENT_ID</c>, else the profile.</summary>
    public string? ClientId { get; set; }

    /// <summary>Its OAuth secret. Null: <c>DATABRICKS_CLIENT_SECRET</c>, else the profile.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>
    /// Whether the managed identity of this machine of Azure lets in; where it has several, <see cref="AzureClientId"/> says which. False: <c>ARM_USE_MSI</c>, else the profile. For
    /// workspaces of Azure.
    /// </summary>
    public bool AzureUseMsi { get; set; }

    /// <summary>Tenant of an Azure service principal. Null: <c>ARM_TENANT_ID</c>, else the profile, else what the workspace says.</summary>
    public string? AzureTenantId { get; set; }

    /// <summary>Application id of an Azure service principal. Null: <c>ARM_CLIENT_ID</c>, else the profile.</summary>
    public string? AzureClientId { get; set; }

    /// <summary>Its secret. Null: <c>ARM_CLIENT_SECRET</c>, else the profile.</summary>
    public string? AzureClientSecret { get; set; }

    /// <summary>Azure's id of the workspace, for service principals that are no user of it. Null: <c>DATABRICKS_AZURE_RESOURCE_ID</c>, else the profile.</summary>
    public string? AzureWorkspaceResourceId { get; set; }

    /// <summary>
    /// The one way to get in: <c>pat</c>, <c>basic</c>, <c>metadata-service</c>, <c>oauth-m2m</c>, <c>env-oidc</c>, <c>file-oidc</c>, <c>azure-msi</c>,
    /// <c>azure-client-secret</c>, <c>azure-cli</c>, <c>databricks-cli</c> or <c>model-serving</c>. Null: <c>DATABRICKS_AUTH_TYPE</c>, else the profile, else the first of them for which there is what it needs.
    /// </summary>
    public string? AuthType { get; set; }

    /// <summary>Section of the configuration file. Null: the one in the tracking URI, else <c>DATABRICKS_CONFIG_PROFILE</c>, else <c>DEFAULT</c>.</summary>
    public string? Profile { get; set; }

    /// <summary>Path of the configuration file. Null: <c>DATABRICKS_CONFIG_FILE</c>, else <c>~/.databrickscfg</c>.</summary>
    public string? ConfigFile { get; set; }

    /// <summary>The SQL warehouse that reads traces of Unity Catalog. Null: <c>MLFLOW_TRACING_SQL_WAREHOUSE_ID</c>.</summary>
    public string? SqlWarehouseId { get; set; }
}
