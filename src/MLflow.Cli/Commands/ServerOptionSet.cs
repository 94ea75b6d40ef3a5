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
        Description = "Database for traces: sqlite:///relative.db, sqlite:////absolute.db or postgresql://user@host/database. Default is that of MLFLOW_BACKEND_STORE_URI, where a password is safe from other users of the machine.",
        DefaultValueFactory = _ => Defaults.BackendStoreUri,
        HelpName = "URI",
    };

    private readonly Option<string> _artifactsDestination = new("--artifacts-destination")
    {
        Description = "Folder for artifacts.",
        DefaultValueFactory = _ => Defaults.ArtifactsDestination,
        HelpName = "FOLDER",
    };

    private readonly Option<string?> _blobsDestination = new("--blobs-destination")
    {
        Description = "Where media, large contents and archived traces go: a folder, s3://bucket/prefix, wasbs://container@account.blob.core.windows.net/prefix or azure://container/prefix. Default is a folder within that of the artifacts.",
        HelpName = "DESTINATION",
    };

    private readonly Option<int> _blobsFromBytes = new("--blobs-from-bytes")
    {
        Description = "Bytes from which contents go there; 0 for never.",
        DefaultValueFactory = _ => Defaults.Blobs.FromBytes,
        HelpName = "BYTES",
    };

    private readonly Option<string?> _s3EndpointUrl = new("--s3-endpoint-url")
    {
        Description = "Address of a store that speaks as S3 does.",
        HelpName = "URL",
    };

    private readonly Option<string?> _s3Region = new("--s3-region")
    {
        Description = "Region of the bucket.",
        HelpName = "REGION",
    };

    private readonly Option<string> _retentionDays = new("--retention-days")
    {
        Description = "Days that traces are kept after the server last heard of them, or forever; experiments may say otherwise.",
        DefaultValueFactory = _ => Defaults.RetentionDays,
        HelpName = "DAYS|forever",
    };

    private readonly Option<string> _retentionAction = new("--retention-action")
    {
        Description = "What happens then: delete, or archive.",
        DefaultValueFactory = _ => Defaults.RetentionAction,
        HelpName = "delete|archive",
    };

    private readonly Option<bool> _auth = new("--auth")
    {
        Description = "Everybody has to sign in from the beginning; without users yet, the server prints a link to make the first one.",
    };

    private readonly Option<bool> _noAuth = new("--no-auth")
    {
        Description = "Nobody has to sign in, also from other machines: whoever reaches the server may read and delete everything.",
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

    private readonly Option<string?> _corsAllowedOrigins = new("--cors-allowed-origins")
    {
        Description = "Origins of other web pages that may read and write here, as https://host:port, separated by commas; * for any.",
        HelpName = "ORIGINS",
    };

    private readonly Option<string?> _xFrameOptions = new("--x-frame-options")
    {
        Description = "Who may show the pages in a frame: SAMEORIGIN, DENY or NONE.",
        DefaultValueFactory = _ => Defaults.XFrameOptions,
        HelpName = "RULE",
    };

    private readonly Option<string?> _tlsCertificate = new("--tls-cert")
    {
        Description = "Certificate for HTTPS: a PEM file with those above it, or a PFX. Read again when it changes.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _tlsKey = new("--tls-key")
    {
        Description = "PEM file of the key, where the certificate's file does not have it.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _logFormat = new("--log-format")
    {
        Description = "Log entries for people (console) or for programs (json).",
        DefaultValueFactory = _ => Defaults.LogFormat,
        HelpName = "FORMAT",
    };

    private readonly Option<string?> _logLevel = new("--log-level")
    {
        Description = "Entries from this level on: trace, debug, information (each request), warning, error or none.",
        DefaultValueFactory = _ => Defaults.LogLevel,
        HelpName = "LEVEL",
    };

    private readonly Option<bool> _metrics = new("--metrics")
    {
        Description = "Whether /metrics shows the server's figures in Prometheus' format.",
        DefaultValueFactory = _ => Defaults.Metrics,
        HelpName = "true|false",
    };

    private readonly Option<long> _minFreeBytes = new("--min-free-bytes")
    {
        Description = "Bytes that must be free on the disks for /health/ready.",
        DefaultValueFactory = _ => Defaults.MinFreeBytes,
        HelpName = "BYTES",
    };

    private readonly Option<double> _shutdownTimeout = new("--shutdown-timeout")
    {
        Description = "Seconds for which requests under way are waited for when the server stops.",
        DefaultValueFactory = _ => Defaults.ShutdownTimeout.TotalSeconds,
        HelpName = "SECONDS",
    };

    private readonly Option<int> _maxBodyBytes = new("--max-body-bytes")
    {
        Description = "Bytes of a request's body as sent.",
        DefaultValueFactory = _ => Defaults.Limits.MaxBodyBytes,
        HelpName = "BYTES",
    };

    private readonly Option<int> _maxDecompressedBytes = new("--max-decompressed-bytes")
    {
        Description = "Bytes of an OTLP body after decompression.",
        DefaultValueFactory = _ => Defaults.Limits.MaxDecompressedBytes,
        HelpName = "BYTES",
    };

    private readonly Option<long> _maxBytesInWork = new("--max-bytes-in-work")
    {
        Description = "Bytes of all OTLP requests that are worked on at one time.",
        DefaultValueFactory = _ => Defaults.Limits.MaxBytesInWork,
        HelpName = "BYTES",
    };

    private readonly Option<int> _maxJsonBytes = new("--max-json-bytes")
    {
        Description = "Bytes of a call in JSON.",
        DefaultValueFactory = _ => Defaults.Limits.MaxJsonBytes,
        HelpName = "BYTES",
    };

    private readonly Option<int> _maxSpansPerRequest = new("--max-spans-per-request")
    {
        Description = "Spans or log records in one request.",
        DefaultValueFactory = _ => Defaults.Limits.MaxSpansPerRequest,
        HelpName = "COUNT",
    };

    private readonly Option<int> _maxAttributesPerSpan = new("--max-attributes-per-span")
    {
        Description = "Attributes of a span, an event or a link.",
        DefaultValueFactory = _ => Defaults.Limits.MaxAttributesPerSpan,
        HelpName = "COUNT",
    };

    private readonly Option<int> _maxEventsPerSpan = new("--max-events-per-span")
    {
        Description = "Events of a span, and links of a span.",
        DefaultValueFactory = _ => Defaults.Limits.MaxEventsPerSpan,
        HelpName = "COUNT",
    };

    private readonly Option<int> _maxIdsPerRequest = new("--max-ids-per-request")
    {
        Description = "Ids of traces in one call.",
        DefaultValueFactory = _ => Defaults.Limits.MaxIdsPerRequest,
        HelpName = "COUNT",
    };

    private readonly Option<int> _maxConnections = new("--max-connections")
    {
        Description = "Connections at one time, on each port.",
        DefaultValueFactory = _ => Defaults.Limits.MaxConnections,
        HelpName = "COUNT",
    };

    private readonly Option<double> _headersTimeout = new("--headers-timeout")
    {
        Description = "Seconds in which a client must have sent the headers of a request.",
        DefaultValueFactory = _ => Defaults.Limits.HeadersTimeout.TotalSeconds,
        HelpName = "SECONDS",
    };

    private readonly Option<int> _minBytesPerSecond = new("--min-bytes-per-second")
    {
        Description = "Bytes in a second that a client must send or take; 0 for no such rule.",
        DefaultValueFactory = _ => Defaults.Limits.MinBytesPerSecond,
        HelpName = "BYTES",
    };

    /// <summary>Adds the options to a command; <paramref name="loopbackOnly"/> leaves the address out.</summary>
    public void AddTo(Command command, bool loopbackOnly = false)
    {
        if (!loopbackOnly)
        {
            command.Add(_host);
            command.Add(_auth);
            command.Add(_noAuth);
            command.Add(_allowedHosts);
            command.Add(_staticPrefix);
            command.Add(_trustedProxies);
            command.Add(_otlpGrpcPort);
            command.Add(_otlpServiceExperiments);
            command.Add(_corsAllowedOrigins);
            command.Add(_xFrameOptions);
            command.Add(_tlsCertificate);
            command.Add(_tlsKey);
            command.Add(_logFormat);
            command.Add(_logLevel);
            command.Add(_metrics);
            command.Add(_minFreeBytes);
            command.Add(_shutdownTimeout);
            command.Add(_maxBodyBytes);
            command.Add(_maxDecompressedBytes);
            command.Add(_maxBytesInWork);
            command.Add(_maxJsonBytes);
            command.Add(_maxSpansPerRequest);
            command.Add(_maxAttributesPerSpan);
            command.Add(_maxEventsPerSpan);
            command.Add(_maxIdsPerRequest);
            command.Add(_maxConnections);
            command.Add(_headersTimeout);
            command.Add(_minBytesPerSecond);
        }

        command.Add(_port);
        command.Add(_backendStoreUri);
        command.Add(_artifactsDestination);
        command.Add(_blobsDestination);
        command.Add(_blobsFromBytes);
        command.Add(_s3EndpointUrl);
        command.Add(_s3Region);
        command.Add(_retentionDays);
        command.Add(_retentionAction);
        command.Add(_prices);
        command.Add(_priceUnknownHostsAs);
        command.Add(_searchTimeout);
        command.Add(_mcpMaxAnswerBytes);
    }

    public MlflowServerOptions Read(ParseResult parsed) => Read(parsed, Environment.GetEnvironmentVariable);

    /// <summary>The options as parsed; one that could not be parsed has its default, so that the others can be looked at all the same.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="setting">Reads what is no option, by the name of its variable.</param>
    public MlflowServerOptions Read(ParseResult parsed, Func<string, string?> setting)
    {
        var options = new MlflowServerOptions
        {
            Host = Value(parsed, _host) ?? Defaults.Host,
            Port = Value(parsed, _port),
            BackendStoreUri = Value(parsed, _backendStoreUri) ?? Defaults.BackendStoreUri,
            ArtifactsDestination = Value(parsed, _artifactsDestination) ?? Defaults.ArtifactsDestination,
            RetentionDays = Value(parsed, _retentionDays) ?? Defaults.RetentionDays,
            RetentionAction = Value(parsed, _retentionAction) ?? Defaults.RetentionAction,
            AllowedHosts = List(Value(parsed, _allowedHosts)),
            StaticPrefix = Value(parsed, _staticPrefix) ?? Defaults.StaticPrefix,
            TrustedProxies = List(Value(parsed, _trustedProxies)),
            PricesFile = Value(parsed, _prices),
            PriceUnknownHostsAs = Value(parsed, _priceUnknownHostsAs),

            CorsAllowedOrigins = List(Value(parsed, _corsAllowedOrigins)),
            XFrameOptions = Value(parsed, _xFrameOptions) ?? Defaults.XFrameOptions,
            TlsCertificate = Value(parsed, _tlsCertificate),
            TlsKey = Value(parsed, _tlsKey),
            TlsPassword = setting("MLFLOW_SERVER_TLS_PASSWORD"),
            LogFormat = Value(parsed, _logFormat) ?? Defaults.LogFormat,
            LogLevel = Value(parsed, _logLevel) ?? Defaults.LogLevel,
            Metrics = Value(parsed, _metrics),
            MinFreeBytes = Value(parsed, _minFreeBytes),
            ShutdownTimeout = Seconds(Value(parsed, _shutdownTimeout)),
            TelemetryEndpoint = setting("OTEL_EXPORTER_OTLP_ENDPOINT"),
            TelemetryProtocol = setting("OTEL_EXPORTER_OTLP_PROTOCOL") ?? Defaults.TelemetryProtocol,
            TelemetryHeaders = setting("OTEL_EXPORTER_OTLP_HEADERS"),
            McpMaxAnswerBytes = Value(parsed, _mcpMaxAnswerBytes),

            SearchTimeout = Seconds(Value(parsed, _searchTimeout)),

            OtlpGrpcPort = parsed.GetResult(_otlpGrpcPort) is null || Value(parsed, _otlpGrpcPort) == NoPort ? null : Value(parsed, _otlpGrpcPort),
            OtlpServiceExperiments = Pairs([.. List(setting("MLFLOW_OTLP_SERVICE_EXPERIMENTS")), .. parsed.GetResult(_otlpServiceExperiments) is null ? [] : Value(parsed, _otlpServiceExperiments) ?? []]),

            // Not an option: other users of the machine can read the options of a program.
            OtlpTokenExperiments = Pairs(List(setting("MLFLOW_OTLP_TOKEN_EXPERIMENTS"))),

            RequireAuthentication = parsed.GetResult(_auth) is not null && Value(parsed, _auth),
            AllowInsecure = (parsed.GetResult(_noAuth) is not null && Value(parsed, _noAuth)) || string.Equals(setting("MLFLOW_SERVER_ALLOW_INSECURE"), "true", StringComparison.OrdinalIgnoreCase),
            OpenIdConnect = Provider(setting),
            KeyPassphrase = Secret("MLFLOW_SERVER_KEY_PASSPHRASE", setting),
        };
        ReadSecretKeys(options, setting);
        options.GatewayAllowedHosts = List(setting("MLFLOW_GATEWAY_ALLOWED_HOSTS"));
        if (string.Equals(setting("MLFLOW_GATEWAY_USE_PROXY"), "true", StringComparison.OrdinalIgnoreCase))
        {
            // Of HTTPS_PROXY, ALL_PROXY and NO_PROXY.
            options.GatewayOutboundProxy = HttpClient.DefaultProxy;
        }

        if (Text("MLFLOW_GATEWAY_ROUTE_TIMEOUT_SECONDS", setting) is { } timeout)
        {
            // 0 is none, and is told as such.
            options.GatewayTimeout = double.TryParse(timeout, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? Seconds(seconds) : TimeSpan.Zero;
        }

        var blobs = options.Blobs;
        blobs.Destination = Value(parsed, _blobsDestination);
        blobs.FromBytes = Value(parsed, _blobsFromBytes);
        blobs.S3EndpointUrl = Value(parsed, _s3EndpointUrl);
        blobs.S3Region = Value(parsed, _s3Region);

        // Without both, AWS' own ways to find credentials are left to it.
        blobs.S3AccessKey = Text("AWS_ACCESS_KEY_ID", setting);
        blobs.S3SecretKey = Text("AWS_SECRET_ACCESS_KEY", setting);
        blobs.S3SessionToken = Text("AWS_SESSION_TOKEN", setting);
        blobs.AzureConnectionString = Text("AZURE_STORAGE_CONNECTION_STRING", setting);
        blobs.AzureAccessKey = Text("AZURE_STORAGE_ACCESS_KEY", setting);
        var limits = options.Limits;
        limits.MaxBodyBytes = Value(parsed, _maxBodyBytes);
        limits.MaxDecompressedBytes = Value(parsed, _maxDecompressedBytes);
        limits.MaxBytesInWork = Value(parsed, _maxBytesInWork);
        limits.MaxJsonBytes = Value(parsed, _maxJsonBytes);
        limits.MaxSpansPerRequest = Value(parsed, _maxSpansPerRequest);
        limits.MaxAttributesPerSpan = Value(parsed, _maxAttributesPerSpan);
        limits.MaxEventsPerSpan = Value(parsed, _maxEventsPerSpan);
        limits.MaxIdsPerRequest = Value(parsed, _maxIdsPerRequest);
        limits.MaxConnections = Value(parsed, _maxConnections);
        limits.HeadersTimeout = Seconds(Value(parsed, _headersTimeout));
        limits.MinBytesPerSecond = Value(parsed, _minBytesPerSecond);
        return options;
    }

    /// <summary>Reads by what secrets are encrypted. Nothing of it is an option, which other users of the machine could read.</summary>
    public static void ReadSecretKeys(MlflowServerOptions options, Func<string, string?> setting)
    {
        options.SecretsPassphrase = Secret("MLFLOW_CRYPTO_KEK_PASSPHRASE", setting);
        options.SecretsKeyFile = Text("MLFLOW_CRYPTO_KEK_FILE", setting);
        if (Text("MLFLOW_CRYPTO_KEK_VERSION", setting) is { } version)
        {
            // 0 is none, and is told as such.
            options.SecretsKeyVersion = int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        }
    }

    // A command has only some of them: the others have no result, and no default of their own then.
    private static T Value<T>(ParseResult parsed, Option<T> option) =>
        parsed.GetResult(option) is { } result && !result.Errors.Any() ? parsed.GetValue(option)!
        : option.HasDefaultValue && option.GetDefaultValue() is T value ? value
        : default!;

    // A file, or the variable itself: neither is an option, which other users of the machine can read.
    private static string? Secret(string variable, Func<string, string?> setting) => setting(variable + "_FILE") is { Length: > 0 } file ? File.ReadAllText(file).TrimEnd('\r', '\n') : Text(variable, setting);

    private static string? Text(string variable, Func<string, string?> setting) => setting(variable) is { Length: > 0 } text ? text : null;

    private static MlflowOpenIdConnectOptions? Provider(Func<string, string?> setting)
    {
        if (Text("MLFLOW_OIDC_ISSUER", setting) is not { } issuer)
        {
            return null;
        }

        var admins = Text("MLFLOW_OIDC_ADMIN_CLAIM", setting)?.Split('=', 2);
        return new MlflowOpenIdConnectOptions
        {
            Issuer = issuer,
            ClientId = Text("MLFLOW_OIDC_CLIENT_ID", setting) ?? "",
            ClientSecret = Secret("MLFLOW_OIDC_CLIENT_SECRET", setting),
            Name = Text("MLFLOW_OIDC_NAME", setting),
            AdminClaim = admins?[0],
            AdminValue = admins?.ElementAtOrDefault(1),
            DefaultPermission = Text("MLFLOW_OIDC_DEFAULT_PERMISSION", setting) ?? new MlflowOpenIdConnectOptions().DefaultPermission,
        };
    }

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
