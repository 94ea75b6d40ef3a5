using MLflow.Server.Secrets;

namespace MLflow.Server.Gateway;

/// <summary>A provider of models whose API is OpenAI's, or has a route that is.</summary>
/// <param name="Name">As MLflow's gateway calls it.</param>
/// <param name="DisplayName">As people call it.</param>
/// <param name="Base">Its address; null where everybody has their own.</param>
internal sealed record GatewayProvider(string Name, string DisplayName, string? Base)
{
    public static readonly GatewayProvider OpenAI = new("openai", "OpenAI", "https://api.openai.com/v1");
    public static readonly GatewayProvider Azure = new("azure", "Azure OpenAI", null);
    public static readonly GatewayProvider Databricks = new("databricks", "Databricks", null);
    public static readonly GatewayProvider Anthropic = new("anthropic", "Anthropic", "https://api.anthropic.com/v1");
    public static readonly GatewayProvider Custom = new("custom", "Any API like OpenAI's", null);

    private const string AzureV1 = "/openai/v1";
    private const int MaxShown = 100;

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<GatewayProvider> All { get; } = [Anthropic, Azure, Custom, Databricks, OpenAI];

    /// <summary>What the key is called in a secret's values.</summary>
    public static string KeyName => "api_key";

    /// <summary>What belongs to a secret beside its key.</summary>
    public IReadOnlyList<(string Name, string Description, bool IsRequired)> ConfigFields
    {
        get
        {
            var address = (SecretDestination.ApiBase, Base is null ? "Its address, as https://host/v1." : $"Its address, where that is not {Base}.", Base is null);
            return this == Azure ? [address, (SecretDestination.ApiVersion, "For the addresses of deployments, as 2024-10-21; without it, the v1 address.", false)] : [address];
        }
    }

    /// <summary>Whether a deployment's name stands in the address.</summary>
    /// <param name="apiVersion">Of the secret; null for none.</param>
    public bool HasModelInAddress(string? apiVersion) => this == Azure && IsDated(apiVersion);

    /// <exception cref="MlflowException">INVALID_PARAMETER_VALUE: there is no such provider.</exception>
    public static GatewayProvider Require(string name) => All.FirstOrDefault(provider => provider.Name == name)
        ?? throw new MlflowException(ErrorCode.INVALID_PARAMETER_VALUE, $"Provider '{TracePreview.Cut(name, MaxShown)}' is not known: use one of {string.Join(", ", All.Select(provider => provider.Name))}. 'custom' takes any API like OpenAI's by its api_base.");

    /// <summary>The address of a call.</summary>
    /// <param name="apiBase">Of the secret; null for the provider's own.</param>
    /// <param name="apiVersion">Of the secret; null for none.</param>
    /// <param name="path">The operation, as <c>chat/completions</c>.</param>
    /// <param name="model">The model, which old addresses of Azure name.</param>
    public Uri Address(string? apiBase, string? apiVersion, string path, string model)
    {
        var address = (string.IsNullOrEmpty(apiBase) ? Base! : apiBase).TrimEnd('/');
        if (this == Databricks && new Uri(address).AbsolutePath == "/")
        {
            return new Uri($"{address}/serving-endpoints/{path}");
        }

        if (this != Azure)
        {
            return new Uri($"{address}/{path}");
        }

        if (!IsDated(apiVersion))
        {
            return new Uri($"{address}{(address.EndsWith(AzureV1, StringComparison.OrdinalIgnoreCase) ? "" : AzureV1)}/{path}");
        }

        var deployment = path.StartsWith("responses", StringComparison.Ordinal) ? "" : $"deployments/{Uri.EscapeDataString(model)}/";
        return new Uri($"{address}/openai/{deployment}{path}?api-version={Uri.EscapeDataString(apiVersion!)}");
    }

    /// <summary>Puts the key where the provider wants it.</summary>
    public void Authorize(HttpRequestMessage request, string key)
    {
        if (this == Azure)
        {
            request.Headers.TryAddWithoutValidation("api-key", key);
        }
        else
        {
            request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        }
    }

    private static bool IsDated(string? apiVersion) => apiVersion is { Length: > 0 } and not ("v1" or "preview" or "latest");
}
