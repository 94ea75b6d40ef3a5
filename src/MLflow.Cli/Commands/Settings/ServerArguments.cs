using System.CommandLine;
using System.CommandLine.Parsing;

namespace MLflow.Cli.Commands.Settings;

/// <summary>
/// The arguments of a server, with those from the environment and from a file in place of the options that were not given: options go before the environment,
/// the environment before the file.
/// </summary>
internal sealed class ServerArguments
{
    /// <summary>What Kubernetes sets for a service named <c>mlflow</c>, in every container beside it: no port, and nobody's setting.</summary>
    private const string KubernetesPort = "tcp://";

    // Names that MLflow's own server has; the others are MLFLOW_SERVER_ and the option's name.
    private static readonly Dictionary<string, string[]> Names = new()
    {
        ["host"] = ["MLFLOW_HOST"],
        ["port"] = ["MLFLOW_PORT"],
        ["backend-store-uri"] = ["MLFLOW_BACKEND_STORE_URI"],
        ["artifacts-destination"] = ["MLFLOW_ARTIFACTS_DESTINATION"],
        ["static-prefix"] = ["_MLFLOW_STATIC_PREFIX", "MLFLOW_STATIC_PREFIX"],
        ["prices"] = ["MLFLOW_PRICES_FILE"],
        ["s3-endpoint-url"] = ["MLFLOW_S3_ENDPOINT_URL"],
        ["s3-region"] = ["AWS_REGION", "AWS_DEFAULT_REGION"],
        ["otlp-service-experiment"] = ["MLFLOW_OTLP_SERVICE_EXPERIMENTS"],
    };

    /// <summary>Settings that are no options, because other users of the machine can read those, or because they shall not be set in passing.</summary>
    private static readonly Dictionary<string, string> Hidden = new()
    {
        ["allow-insecure"] = "MLFLOW_SERVER_ALLOW_INSECURE",
        ["otlp-token-experiments"] = "MLFLOW_OTLP_TOKEN_EXPERIMENTS",
        ["tls-password"] = "MLFLOW_SERVER_TLS_PASSWORD",
        ["key-passphrase"] = "MLFLOW_SERVER_KEY_PASSPHRASE",
        ["key-passphrase-file"] = "MLFLOW_SERVER_KEY_PASSPHRASE_FILE",
        ["crypto-kek-passphrase"] = "MLFLOW_CRYPTO_KEK_PASSPHRASE",
        ["crypto-kek-passphrase-file"] = "MLFLOW_CRYPTO_KEK_PASSPHRASE_FILE",
        ["crypto-kek-file"] = "MLFLOW_CRYPTO_KEK_FILE",
        ["crypto-kek-version"] = "MLFLOW_CRYPTO_KEK_VERSION",
        ["gateway-allowed-hosts"] = "MLFLOW_GATEWAY_ALLOWED_HOSTS",
        ["gateway-route-timeout-seconds"] = "MLFLOW_GATEWAY_ROUTE_TIMEOUT_SECONDS",
        ["s3-access-key-id"] = "AWS_ACCESS_KEY_ID",
        ["s3-secret-access-key"] = "AWS_SECRET_ACCESS_KEY",
        ["s3-session-token"] = "AWS_SESSION_TOKEN",
        ["azure-storage-connection-string"] = "AZURE_STORAGE_CONNECTION_STRING",
        ["azure-storage-access-key"] = "AZURE_STORAGE_ACCESS_KEY",
        ["oidc-issuer"] = "MLFLOW_OIDC_ISSUER",
        ["oidc-client-id"] = "MLFLOW_OIDC_CLIENT_ID",
        ["oidc-client-secret"] = "MLFLOW_OIDC_CLIENT_SECRET",
        ["oidc-client-secret-file"] = "MLFLOW_OIDC_CLIENT_SECRET_FILE",
        ["oidc-name"] = "MLFLOW_OIDC_NAME",
        ["oidc-admin-claim"] = "MLFLOW_OIDC_ADMIN_CLAIM",
        ["oidc-default-permission"] = "MLFLOW_OIDC_DEFAULT_PERMISSION",
    };

    private readonly Func<string, string?> _environment;
    private readonly SettingsFile _file;
    private readonly Dictionary<string, string> _origins = [];

    private ServerArguments(Func<string, string?> environment, SettingsFile file)
    {
        _environment = environment;
        _file = file;
    }

    /// <summary>The arguments with the added ones behind them.</summary>
    public IReadOnlyList<string> All { get; private set; } = [];

    /// <summary>What is wrong with the file.</summary>
    public IReadOnlyList<string> Mistakes { get; private init; } = [];

    /// <param name="args">The arguments as given.</param>
    /// <param name="parsed">The same, parsed.</param>
    /// <param name="config">Names the file.</param>
    /// <param name="environment">Reads a variable.</param>
    public static ServerArguments Complete(IReadOnlyList<string> args, ParseResult parsed, Option<string?> config, Func<string, string?> environment)
    {
        var options = parsed.CommandResult.Command.Options.Where(option => option.Name.StartsWith("--", StringComparison.Ordinal) && option.Name is not ("--help" or "--version") && option != config).ToList();
        var mistakes = new List<string>();
        var named = parsed.GetResult(config) is { Implicit: false } ? parsed.GetValue(config) : environment("MLFLOW_SERVER_CONFIG") is { Length: > 0 } variable ? variable : null;
        var file = SettingsFile.Read(named, [.. options.Select(option => option.Name[2..]), .. Hidden.Keys], mistakes);
        var arguments = new ServerArguments(environment, file) { Mistakes = mistakes };
        arguments.All = [.. args, .. options.Where(option => parsed.GetResult(option) is not { Implicit: false }).SelectMany(arguments.Added)];
        return arguments;
    }

    /// <summary>A setting that is no option, by its variable: from the environment, else from the file.</summary>
    public string? Setting(string variable) =>
        _environment(variable) is { Length: > 0 } value ? value
        : Hidden.FirstOrDefault(pair => pair.Value == variable).Key is { } name && _file.Find(name) is { } words ? string.Join(',', words)
        : null;

    /// <summary>The mistake with the place where its value stands, where that is not the command line.</summary>
    public string Told(string mistake)
    {
        var option = mistake.Split(' ', 2)[0].TrimEnd(':');
        return _origins.TryGetValue(option, out var origin) ? $"{mistake.TrimEnd('.')} (from {origin})." : mistake;
    }

    /// <summary>As above, for a mistake that the parser found.</summary>
    public string Told(ParseError error)
    {
        var message = error.Message.TrimEnd('.');
        return error.SymbolResult is OptionResult { Option.Name: var name } && _origins.TryGetValue(name, out var origin)
            ? message.StartsWith(name, StringComparison.Ordinal) ? Told(message) : $"{name}: {message} (from {origin})."
            : message + ".";
    }

    private IEnumerable<string> Added(Option option)
    {
        var name = option.Name[2..];
        var variable = (Names.GetValueOrDefault(name) ?? [$"MLFLOW_SERVER_{name.Replace('-', '_').ToUpperInvariant()}"])
            .FirstOrDefault(candidate => _environment(candidate) is { Length: > 0 } value && !(name == "port" && value.StartsWith(KubernetesPort, StringComparison.Ordinal)));
        if (variable is not null)
        {
            _origins[option.Name] = variable;
            var value = _environment(variable)!;
            return Tokens(option, option.ValueType == typeof(string[]) ? value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [value]);
        }

        if (_file.Find(name) is { } words)
        {
            _origins[option.Name] = _file.Path;
            return Tokens(option, words);
        }

        return [];
    }

    // As one word each with its option, so that a value with a dash before it is none itself.
    private static IEnumerable<string> Tokens(Option option, IReadOnlyList<string> words) =>
        option.ValueType == typeof(string[]) ? words.Select(word => $"{option.Name}={word}") : [$"{option.Name}={string.Join(',', words)}"];
}
