namespace MLflow;

/// <summary>One of Azure's clouds.</summary>
/// <param name="LoginHost">Where tokens are issued.</param>
/// <param name="Management">What a token for the management of resources is for.</param>
internal sealed record AzureCloud(string LoginHost, string Management)
{
    private static readonly AzureCloud Public = new("login.microsoftonline.com", "https://management.core.windows.net/");
    private static readonly AzureCloud UsGovernment = new("login.microsoftonline.us", "https://management.core.usgovcloudapi.net/");
    private static readonly AzureCloud China = new("login.chinacloudapi.cn", "https://management.core.chinacloudapi.cn/");

    /// <summary>The one that is configured, else that of the workspace's host.</summary>
    public static AzureCloud Of(DatabricksConfig config)
    {
        var host = config.Host.Host;
        return config[DatabricksAttribute.AzureEnvironment]?.ToUpperInvariant() switch
        {
            "USGOVERNMENT" => UsGovernment,
            "CHINA" => China,
            null when host.EndsWith(".databricks.azure.us", StringComparison.OrdinalIgnoreCase) => UsGovernment,
            null when host.EndsWith(".databricks.azure.cn", StringComparison.OrdinalIgnoreCase) => China,
            _ => Public,
        };
    }
}
