using System.Net.Http.Headers;
using System.Text;

namespace MLflow;

/// <summary>Chooses how to get into a workspace: the first method, in the order of Databricks' SDKs, for which there is what it needs.</summary>
internal static class CredentialChoice
{
    public const string DefaultOidcVariable = "DATABRICKS_OIDC_TOKEN";

    /// <summary>Below this it is the older program of that name, which knows no tokens.</summary>
    private const int MinCliBytes = 1 << 20;

    /// <summary>In the order of Databricks' SDKs.</summary>
    private static readonly CredentialMethod[] Methods =
    [
        new("pat", c => c.Has(DatabricksAttribute.Token), c => c.LookedFor(DatabricksAttribute.Token)),
        new("basic", c => c.Has(DatabricksAttribute.Username, DatabricksAttribute.Password), c => c.LookedFor(DatabricksAttribute.Username, DatabricksAttribute.Password)),
        new("metadata-service", c => c.Has(DatabricksAttribute.MetadataServiceUrl), c => c.LookedFor(DatabricksAttribute.MetadataServiceUrl)),
        new("oauth-m2m", c => c.Has(DatabricksAttribute.ClientId, DatabricksAttribute.ClientSecret), c => c.LookedFor(DatabricksAttribute.ClientId, DatabricksAttribute.ClientSecret)),
        new("env-oidc", c => c.Surroundings.Read(OidcVariable(c)) is not null, c => $"an identity token in the variable {OidcVariable(c)} (not set)"),
        new("file-oidc", c => c.Has(DatabricksAttribute.OidcTokenFile), c => c.LookedFor(DatabricksAttribute.OidcTokenFile)),
        new(
            "azure-msi",
            c => c.Has(DatabricksAttribute.AzureUseMsi) && IsAzure(c, "azure-msi"),
            c => c.LookedFor(DatabricksAttribute.AzureUseMsi) + (c.Has(DatabricksAttribute.AzureUseMsi) ? ", but the host is none of Azure's" : "")),
        new(
            "azure-client-secret",
            c => c.Has(DatabricksAttribute.AzureClientId, DatabricksAttribute.AzureClientSecret),
            c => c.LookedFor(DatabricksAttribute.AzureClientId, DatabricksAttribute.AzureClientSecret, DatabricksAttribute.AzureTenantId)),
        new(
            "azure-cli",
            c => IsAzure(c, "azure-cli") && c.Surroundings.FindProgram("az") is not null,
            c => $"the program az ({(c.Surroundings.FindProgram("az") is null ? "not in PATH" : "found; it is asked for workspaces of Azure only")})"),
        new("databricks-cli", c => FindCli(c) is not null, c => $"the program databricks ({(FindCli(c) is null ? "neither in DATABRICKS_CLI_PATH nor in PATH" : "found; it needs a host")})"),
        new(
            "model-serving",
            c => File.Exists(c.Surroundings.ModelServingTokenFile),
            c => $"the file {c.Surroundings.ModelServingTokenFile} ({(File.Exists(c.Surroundings.ModelServingTokenFile) ? "found" : "not there")}), host in DATABRICKS_MODEL_SERVING_HOST_URL"),
    ];

    /// <summary>What each method was looked for, for the error of a program that has nothing; no values.</summary>
    public static IEnumerable<string> LookedFor(DatabricksConfig config) => Methods.Select(method => $"{method.Name}: {method.LookedFor(config)}");

    /// <summary>The method that will be used. Makes no request.</summary>
    /// <exception cref="ArgumentException">There is none; the message says what was looked for and where.</exception>
    public static string Find(DatabricksConfig config)
    {
        if (config[DatabricksAttribute.AuthType] is not { } told)
        {
            return Array.Find(Methods, method => method.IsThere(config))?.Name ?? throw config.NothingFound();
        }

        var named = Array.Find(Methods, method => method.Name == told);
        if (named is null)
        {
            throw new ArgumentException(
                $"The authentication type '{told}' ({config.Origins(DatabricksAttribute.AuthType)}) is not one that is supported: {string.Join(", ", Methods.Select(method => method.Name))}.");
        }

        return named.IsThere(config) ? told : throw config.NothingFound($"The authentication type is '{told}' ({config.Origins(DatabricksAttribute.AuthType)}), and something that it needs is missing.");
    }

    /// <param name="config">The workspace.</param>
    /// <param name="client">Sends requests for tokens.</param>
    /// <param name="timeProvider">The clock.</param>
    public static IDatabricksCredentials Create(DatabricksConfig config, HttpClient client, TimeProvider timeProvider)
    {
        var http = new TokenHttp(client, config);
        var method = Find(config);
        return method switch
        {
            "pat" => new StaticCredentials(method, config.Origins(DatabricksAttribute.Token), new AuthenticationHeaderValue("Bearer", config[DatabricksAttribute.Token])),
            "basic" => new StaticCredentials(
                method,
                config.Origins(DatabricksAttribute.Username, DatabricksAttribute.Password),
                new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{config[DatabricksAttribute.Username]}:{config[DatabricksAttribute.Password]}")))),
            "metadata-service" => Cached(new MetadataServiceTokens(http, timeProvider)),
            "oauth-m2m" => Cached(new OAuthTokens(http, new WorkspaceMetadata(http), config.Origins(DatabricksAttribute.ClientId, DatabricksAttribute.ClientSecret))),
            "env-oidc" => Cached(new OAuthTokens(http, new WorkspaceMetadata(http), "identity token from " + OidcVariable(config), () => FromVariable(config))),
            "file-oidc" => Cached(new OAuthTokens(http, new WorkspaceMetadata(http), config.Origins(DatabricksAttribute.OidcTokenFile), () => FromFile(config))),
            "azure-msi" => Cached(new AzureTokens(config, new ManagedIdentity(config))),
            "azure-client-secret" => Cached(new AzureTokens(config, new AzureSecretLogin(http))),
            "azure-cli" => Cached(CommandTokens.Azure(config, timeProvider, config.Surroundings.FindProgram("az")!)),
            "databricks-cli" => Cached(CommandTokens.Databricks(config, timeProvider, FindCli(config)!)),
            _ => Cached(new ModelServingTokens(config.Surroundings)),
        };

        TokenCredentials Cached(ITokenSource source) =>
            new(method, new TokenCache(source, timeProvider, config.Surroundings.Read("DATABRICKS_DISABLE_ASYNC_TOKEN_REFRESH")?.ToUpperInvariant() is not ("TRUE" or "1")));
    }

    /// <summary>Path of Databricks' command-line program; null where it is not there or too old to know tokens.</summary>
    public static string? FindCli(DatabricksConfig config)
    {
        var path = config[DatabricksAttribute.CliPath] ?? config.Surroundings.FindProgram("databricks");
        if (path is null)
        {
            return null;
        }

        // Package managers install it as a link, which has a length of its own.
        var file = new FileInfo(path);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return file is { Exists: true, Length: >= MinCliBytes } ? path : null;
    }

    /// <summary>What identifies this machine to Azure is used for workspaces of Azure, unless it is asked for by its name.</summary>
    private static bool IsAzure(DatabricksConfig config, string method) =>
        config[DatabricksAttribute.AzureResourceId] is not null
        || config[DatabricksAttribute.AuthType] == method
        || config.Host?.Host is { } host && Array.Exists([".azuredatabricks.net", ".databricks.azure.us", ".databricks.azure.cn"], ending => host.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    private static string OidcVariable(DatabricksConfig config) => config[DatabricksAttribute.OidcTokenEnv] ?? DefaultOidcVariable;

    private static string FromVariable(DatabricksConfig config) => config.Surroundings.Read(OidcVariable(config))
        ?? throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"The variable {OidcVariable(config)} no longer holds an identity token.");

    /// <summary>Each time anew: such files are renewed.</summary>
    private static string FromFile(DatabricksConfig config)
    {
        var path = config[DatabricksAttribute.OidcTokenFile]!;
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 } token
                ? token
                : throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"The file '{path}' holds no identity token ({config.Origins(DatabricksAttribute.OidcTokenFile)}).");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ExportFailureException(ExportFailureKind.Held, DropReasons.InvalidAnswer, $"The identity token cannot be read: {e.Message} ({config.Origins(DatabricksAttribute.OidcTokenFile)}).");
        }
    }
}
