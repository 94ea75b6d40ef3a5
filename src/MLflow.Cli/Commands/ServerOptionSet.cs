using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using MLflow.Server;

namespace MLflow.Cli.Commands;

/// <summary>The options by which MLflow's own command line tells a server where to listen and what to keep where.</summary>
internal sealed class ServerOptionSet
{
    /// <summary>What the parser gives for none: the library takes no null from it.</summary>
    private const int NoPort = -1;

    private static readonly MlflowServerOptions Defaults = new();

    private readonly Option<string> _host = new("--host")
    {
        Description = "Address to listen on.",
        DefaultValueFactory = _ => Defaults.Host,
        HelpName = "HOST",
    };

    private readonly Option<int> _port = new("--port", "-p")
    {
        Description = "Port to listen on; 0 lets the system choose.",
        DefaultValueFactory = _ => Defaults.Port,
        CustomParser = ParsePort,
        HelpName = "PORT",
    };

    private readonly Option<string> _backendStoreUri = new("--backend-store-uri")
    {
        Description = "SQLite database for traces: sqlite:///relative.db or sqlite:////absolute.db.",
        DefaultValueFactory = _ => Defaults.BackendStoreUri,
        HelpName = "URI",
    };

    private readonly Option<string> _artifactsDestination = new("--artifacts-destination")
    {
        Description = "Folder for artifacts.",
        DefaultValueFactory = _ => Defaults.ArtifactsDestination,
        HelpName = "FOLDER",
    };

    private readonly Option<string?> _allowedHosts = new("--allowed-hosts")
    {
        Description = "Values of the Host header to answer besides loopback and private addresses, separated by commas; * for any.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MLFLOW_SERVER_ALLOWED_HOSTS"),
        HelpName = "HOSTS",
    };

    private readonly Option<string?> _staticPrefix = new("--static-prefix")
    {
        Description = "What a reverse proxy leaves before every path, for example /mlflow.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("_MLFLOW_STATIC_PREFIX"),
        HelpName = "PREFIX",
    };

    private readonly Option<string?> _trustedProxies = new("--trusted-proxies")
    {
        Description = "Addresses or networks of reverse proxies whose X-Forwarded headers are believed, separated by commas.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MLFLOW_SERVER_TRUSTED_PROXIES"),
        HelpName = "ADDRESSES",
    };

    private readonly Option<string?> _prices = new("--prices")
    {
        Description = "JSON file of prices that go before the shipped ones, and of names of deployments and hosts.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MLFLOW_PRICES_FILE"),
        HelpName = "FILE",
    };

    private readonly Option<string?> _priceUnknownHostsAs = new("--price-unknown-hosts-as")
    {
        Description = "Provider by whose prices calls to unknown hosts are priced, for example openai where a proxy stands before it.",
        HelpName = "PROVIDER",
    };

    private readonly Option<double> _searchTimeout = new("--search-timeout")
    {
        Description = "Seconds that one search may take before it is stopped; also MLFLOW_SERVER_SEARCH_TIMEOUT.",
        DefaultValueFactory = ReadSearchTimeout,
        HelpName = "SECONDS",
    };

    private readonly Option<int> _mcpMaxAnswerBytes = new("--mcp-max-answer-bytes")
    {
        Description = "Bytes of text that an answer of the MCP endpoint /mcp may have; also MLFLOW_SERVER_MCP_MAX_ANSWER_BYTES.",
        DefaultValueFactory = ReadMcpMaxAnswerBytes,
        HelpName = "BYTES",
    };

    private readonly Option<int> _otlpGrpcPort = new("--otlp-grpc-port")
    {
        Description = "Port for OTLP over gRPC; 0 lets the system choose, none turns it off.",
        DefaultValueFactory = _ => Defaults.OtlpGrpcPort ?? NoPort,
        CustomParser = ParseGrpcPort,
        HelpName = "PORT",
    };

    private readonly Option<string[]> _otlpServiceExperiments = new("--otlp-service-experiment")
    {
        Description = "Experiment, by name or id, of spans that come by OTLP from a service and name none. Can be given several times.",
        HelpName = "SERVICE=EXPERIMENT",
    };

    /// <summary>Adds the options to a command; <paramref name="loopbackOnly"/> leaves the address out.</summary>
    public void AddTo(Command command, bool loopbackOnly = false)
    {
        if (!loopbackOnly)
        {
            command.Add(_host);
            command.Add(_allowedHosts);
            command.Add(_staticPrefix);
            command.Add(_trustedProxies);
            command.Add(_otlpGrpcPort);
            command.Add(_otlpServiceExperiments);
        }

        command.Add(_port);
        command.Add(_backendStoreUri);
        command.Add(_artifactsDestination);
        command.Add(_prices);
        command.Add(_priceUnknownHostsAs);
        command.Add(_searchTimeout);
        command.Add(_mcpMaxAnswerBytes);
    }

    public MlflowServerOptions Read(ParseResult parsed) => new()
    {
        Host = parsed.GetValue(_host) ?? Defaults.Host,
        Port = parsed.GetValue(_port),
        BackendStoreUri = parsed.GetValue(_backendStoreUri) ?? Defaults.BackendStoreUri,
        ArtifactsDestination = parsed.GetValue(_artifactsDestination) ?? Defaults.ArtifactsDestination,
        AllowedHosts = List(parsed.GetValue(_allowedHosts)),
        StaticPrefix = parsed.GetValue(_staticPrefix) ?? Defaults.StaticPrefix,
        TrustedProxies = List(parsed.GetValue(_trustedProxies)),
        PricesFile = parsed.GetValue(_prices),
        PriceUnknownHostsAs = parsed.GetValue(_priceUnknownHostsAs),

        SearchTimeout = Seconds(parsed.GetValue(_searchTimeout)),
        McpMaxAnswerBytes = parsed.GetValue(_mcpMaxAnswerBytes),

        OtlpGrpcPort = parsed.GetResult(_otlpGrpcPort) is null || parsed.GetValue(_otlpGrpcPort) == NoPort ? null : parsed.GetValue(_otlpGrpcPort),
        OtlpServiceExperiments = Pairs([.. List(Environment.GetEnvironmentVariable("MLFLOW_OTLP_SERVICE_EXPERIMENTS")), .. parsed.GetResult(_otlpServiceExperiments) is null ? [] : parsed.GetValue(_otlpServiceExperiments) ?? []]),

        // Not an option: other users of the machine can read the options of a program.
        OtlpTokenExperiments = Pairs(List(Environment.GetEnvironmentVariable("MLFLOW_OTLP_TOKEN_EXPERIMENTS"))),

        // Not an option: whoever opens a server without authentication shall not do it in passing.
        AllowInsecure = string.Equals(Environment.GetEnvironmentVariable("MLFLOW_SERVER_ALLOW_INSECURE"), "true", StringComparison.OrdinalIgnoreCase),
    };

    private static string[] List(string? text) => text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static double ReadSearchTimeout(ArgumentResult result)
    {
        if (Environment.GetEnvironmentVariable("MLFLOW_SERVER_SEARCH_TIMEOUT") is not { Length: > 0 } text)
        {
            return Defaults.SearchTimeout.TotalSeconds;
        }

        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) || !double.IsFinite(seconds))
        {
            result.AddError($"MLFLOW_SERVER_SEARCH_TIMEOUT '{text}' is not a number of seconds, as 30");
        }

        return seconds;
    }

    private static int ReadMcpMaxAnswerBytes(ArgumentResult result)
    {
        if (Environment.GetEnvironmentVariable("MLFLOW_SERVER_MCP_MAX_ANSWER_BYTES") is not { Length: > 0 } text)
        {
            return Defaults.McpMaxAnswerBytes;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes))
        {
            result.AddError($"MLFLOW_SERVER_MCP_MAX_ANSWER_BYTES '{text}' is not a number of bytes, as {Defaults.McpMaxAnswerBytes}");
        }

        return bytes;
    }

    // Up to what a TimeSpan can hold; the server refuses far less, and no time at all.
    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(double.IsNaN(seconds) ? 0 : Math.Clamp(seconds, -1e9, 1e9));

    // What is missing on either side is told by the server, with all other mistakes.
    private static Dictionary<string, string> Pairs(IEnumerable<string> pairs)
    {
        var experiments = new Dictionary<string, string>();
        foreach (var pair in pairs)
        {
            var end = pair.LastIndexOf('=');
            experiments[end < 0 ? pair : pair[..end].Trim()] = end < 0 ? "" : pair[(end + 1)..].Trim();
        }

        return experiments;
    }

    private static int ParseGrpcPort(ArgumentResult result)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (text.Equals("none", StringComparison.OrdinalIgnoreCase))
        {
            return NoPort;
        }

        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            result.AddError($"--otlp-grpc-port {text} is not a port: it must be 0 to {IPEndPoint.MaxPort}, where 0 lets the system choose, or none");
        }

        return port;
    }

    private static int ParsePort(ArgumentResult result)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            result.AddError($"--port {text} is not a port: it must be 0 to {IPEndPoint.MaxPort}, where 0 lets the system choose");
        }

        return port;
    }
}
