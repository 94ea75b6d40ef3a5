using MLflow.Server.Access;
using MLflow.Server.Secrets;

namespace MLflow.Server.Gateway;

/// <summary>A provider's key in the environment of this process, in the variables that the provider's own clients read.</summary>
/// <param name="Provider">Whose it is; a secret that is made of it has its name.</param>
/// <param name="KeyVariable">The variable of the key.</param>
/// <param name="BaseVariable">That of the address; null where the provider has one address only.</param>
/// <param name="VersionVariable">That of the API's version; null for none.</param>
internal sealed record EnvironmentKey(GatewayProvider Provider, string KeyVariable, string? BaseVariable, string? VersionVariable)
{
    /// <summary>All that are looked for.</summary>
    public static IReadOnlyList<EnvironmentKey> Known { get; } =
    [
        new(GatewayProvider.OpenAI, "OPENAI_API_KEY", "OPENAI_BASE_URL", null),
        new(GatewayProvider.Azure, "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION"),
        new(GatewayProvider.Anthropic, "ANTHROPIC_API_KEY", null, null),
        new(GatewayProvider.Databricks, "DATABRICKS_TOKEN", "DATABRICKS_HOST", null),
    ];

    /// <summary>Whether the environment has it.</summary>
    public bool IsSet => Variable(KeyVariable) is not null;

    /// <summary>The address that the environment says; null for the provider's own. A Databricks host may stand without its scheme.</summary>
    public string? Address => Variable(BaseVariable) is not { } text ? null : text.Contains("://", StringComparison.Ordinal) ? text : "https://" + text;

    /// <summary>Whether it cannot be stored, since nobody says where it is for.</summary>
    public bool LacksAddress => Provider.Base is null && Address is null;

    /// <summary>Stores it as a secret.</summary>
    /// <exception cref="MlflowException">There is one of its name already, its address is not right, or there is no key to encrypt with.</exception>
    public Task<StoredSecret> ImportAsync(SecretVault vault, Actor actor, CancellationToken cancellationToken)
    {
        var authConfig = new Dictionary<string, string>();
        if (Address is { } address)
        {
            authConfig[SecretDestination.ApiBase] = address;
        }

        if (Variable(VersionVariable) is { } version)
        {
            authConfig[SecretDestination.ApiVersion] = version;
        }

        return vault.CreateAsync(actor, Provider.Name, Provider.Name, new Dictionary<string, string> { [GatewayProvider.KeyName] = Variable(KeyVariable)! }, authConfig, cancellationToken);
    }

    private static string? Variable(string? name) => name is not null && Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
