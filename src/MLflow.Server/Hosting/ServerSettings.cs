using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MLflow.Server.Access;
using MLflow.Server.Blobs;
using MLflow.Server.Gateway;
using MLflow.Server.Mcp;
using MLflow.Server.Pricing;
using MLflow.Server.Rest;
using MLflow.Server.Secrets;
using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Hosting;

/// <summary>The options, checked and translated.</summary>
/// <param name="Addresses">Addresses to listen on.</param>
/// <param name="Port">Port to listen on; 0 lets the system choose.</param>
/// <param name="DatabasePath">The SQLite file; empty where another database is used.</param>
/// <param name="ArtifactsPath">Folder for artifacts; made at the first upload.</param>
/// <param name="OtlpGrpcPort">Port of OTLP over gRPC; null for none.</param>
/// <param name="Prices">What calls cost.</param>
/// <param name="PathBase">What stands before every path, beginning with a slash; or empty.</param>
/// <param name="TrustedProxies">From whom <c>X-Forwarded-*</c> is believed.</param>
internal sealed record ServerSettings(
    IReadOnlyList<IPAddress> Addresses, int Port, string DatabasePath, string ArtifactsPath, int? OtlpGrpcPort, PriceTable Prices, string PathBase, IReadOnlyList<IPNetwork> TrustedProxies)
{
    private const string SqlitePrefix = "sqlite:///";
    private static readonly TimeSpan MaxSearchTimeout = TimeSpan.FromHours(1);
    private static readonly TimeSpan MaxShutdownTimeout = TimeSpan.FromHours(1);

    /// <summary>The PostgreSQL database; null where traces are kept in SQLite.</summary>
    public string? PostgresUri { get; init; }

    /// <summary>How long one search may take.</summary>
    public required TimeSpan SearchTimeout { get; init; }

    /// <summary>Where large contents are kept.</summary>
    public required BlobDestination Blobs { get; init; }

    /// <summary>How long traces are kept whose experiment says nothing else.</summary>
    public RetentionPolicy Retention { get; init; } = new(null, RetentionAction.Delete);

    /// <summary>Which values of the Host header are answered.</summary>
    public HostAllowList Hosts { get; private init; } = new([]);

    /// <summary>Which other pages may write here.</summary>
    public OriginAllowList Origins { get; private init; } = new([]);

    /// <summary>The certificate of TLS; null for plain HTTP.</summary>
    public ServerCertificate? Certificate { get; private init; }

    /// <summary>From which level on the server logs.</summary>
    public LogLevel LogLevel { get; private init; } = LogLevel.Warning;

    /// <summary>Whether log entries are JSON.</summary>
    public bool IsJsonLog { get; private init; }

    /// <summary>Where the server sends its own telemetry; null for nowhere.</summary>
    public Uri? TelemetryEndpoint { get; private init; }

    /// <summary>Who may frame the pages.</summary>
    public FrameOptions Frames { get; private init; } = new("SAMEORIGIN");
    /// <summary>Who has to sign in.</summary>
    public AccessMode AccessMode { get; init; }

    /// <summary>Whether it listens on addresses that other machines can reach.</summary>
    public bool IsBeyondLoopback => !Addresses.All(IPAddress.IsLoopback);

    /// <summary>The identity provider; null for none.</summary>
    public MlflowOpenIdConnectOptions? OpenIdConnect { get; init; }

    /// <summary>By which the keys of cookies are encrypted; null for none.</summary>
    public string? KeyPassphrase { get; init; }

    /// <summary>By which secrets are encrypted; null where nothing is set.</summary>
    public KeyRing? SecretKeys { get; init; }

    /// <exception cref="MlflowServerStartException">Names every mistake, not only the first.</exception>
    public static ServerSettings Validate(MlflowServerOptions options)
    {
        var mistakes = new List<string>();
        var addresses = Listen(options, mistakes);
        if (options.Port is < 0 or > ushort.MaxValue)
        {
            mistakes.Add($"--port {options.Port} is not a port: it must be 0 to {ushort.MaxValue}, where 0 lets the system choose.");
        }

        if (options.OtlpGrpcPort is < 0 or > ushort.MaxValue)
        {
            mistakes.Add($"--otlp-grpc-port {options.OtlpGrpcPort} is not a port: it must be 0 to {ushort.MaxValue}, where 0 lets the system choose, or none.");
        }
        else if (options.OtlpGrpcPort > 0 && options.OtlpGrpcPort == options.Port)
        {
            mistakes.Add($"--otlp-grpc-port {options.OtlpGrpcPort} is the server's own port: OTLP over gRPC needs another one, or none.");
        }

        mistakes.AddRange(options.AllowedHosts.Where(host => !HostAllowList.IsEntry(host)).Select(host =>
            $"--allowed-hosts '{host}' is not understood: use names, *.example.com, addresses, each with or without a port, networks as 203.0.113.0/24, or * for any."));
        mistakes.AddRange(options.CorsAllowedOrigins.Where(origin => !OriginAllowList.IsEntry(origin)).Select(origin =>
            $"--cors-allowed-origins '{origin}' is not understood: use origins as https://host:port, without a path, or * for any."));
        var frames = FrameOptions.Parse(options.XFrameOptions);
        if (frames is null)
        {
            mistakes.Add($"--x-frame-options '{options.XFrameOptions}' is not understood: use SAMEORIGIN, DENY or NONE.");
        }

        mistakes.AddRange(options.GatewayAllowedHosts.Where(host => !UpstreamRules.IsEntry(host)).Select(host =>
            $"MLFLOW_GATEWAY_ALLOWED_HOSTS '{host}' is not understood: use names, addresses, each with or without a port, or networks as 10.1.0.0/16."));
        Experiments("--otlp-service-experiment", "a service", options.OtlpServiceExperiments, mistakes);
        Experiments("MLFLOW_OTLP_TOKEN_EXPERIMENTS", "a token", options.OtlpTokenExperiments, mistakes);
        options.Limits.Check(mistakes);
        var certificate = ReadCertificate(options, mistakes);
        var level = Level(options, mistakes);
        var telemetry = Telemetry(options, mistakes);
        if (options.MinFreeBytes < 0)
        {
            mistakes.Add($"--min-free-bytes {options.MinFreeBytes} is out of range: it must be 0 or more.");
        }

        if (options.ShutdownTimeout < TimeSpan.Zero || options.ShutdownTimeout > MaxShutdownTimeout)
        {
            mistakes.Add(
                string.Create(CultureInfo.InvariantCulture, $"--shutdown-timeout {options.ShutdownTimeout.TotalSeconds} is out of range: it must be 0 to {MaxShutdownTimeout.TotalSeconds} seconds."));
        }

        var database = Database(options.BackendStoreUri, mistakes);
        var artifacts = Artifacts(options.ArtifactsDestination, mistakes);
        var blobs = BlobDestination.Parse(options.Blobs, artifacts, mistakes);
        if (!RetentionPolicy.ParseDays(options.RetentionDays, out var days))
        {
            mistakes.Add($"--retention-days '{options.RetentionDays}' is not understood: use 1 to {RetentionPolicy.MaxDays} days, or {RetentionPolicy.Forever}.");
        }

        var action = RetentionPolicy.ParseAction(options.RetentionAction);
        if (action is null)
        {
            mistakes.Add($"--retention-action '{options.RetentionAction}' is not understood: use delete or archive.");
        }

        var pathBase = PathBaseOf(options.StaticPrefix, mistakes);
        var proxies = Proxies(options.TrustedProxies, mistakes);
        var prices = ReadPrices(options, mistakes);
        if (options.SearchTimeout <= TimeSpan.Zero || options.SearchTimeout > MaxSearchTimeout)
        {
            mistakes.Add(
                $"--search-timeout {options.SearchTimeout.TotalSeconds.ToString(CultureInfo.InvariantCulture)} is not a time that a search can take: it must be more than 0 and at most {MaxSearchTimeout.TotalSeconds} seconds.");
        }

        if (options.McpMaxAnswerBytes is < McpTools.LeastMaxBytes or > McpTools.MostMaxBytes)
        {
            mistakes.Add($"--mcp-max-answer-bytes {options.McpMaxAnswerBytes} is not a size that an answer can have: it must be {McpTools.LeastMaxBytes} to {McpTools.MostMaxBytes}.");
        }

        if (options is { RequireAuthentication: true, AllowInsecure: true })
        {
            mistakes.Add("--auth and --no-auth contradict each other: give one of them.");
        }

        CheckProvider(options.OpenIdConnect, mistakes);
        var secretKeys = ReadSecretKeys(options, mistakes);
        if (options.GatewayTimeout <= TimeSpan.Zero || options.GatewayTimeout > MaxSearchTimeout)
        {
            mistakes.Add(string.Create(CultureInfo.InvariantCulture, $"MLFLOW_GATEWAY_ROUTE_TIMEOUT_SECONDS {options.GatewayTimeout.TotalSeconds} is out of range: it must be more than 0 and at most {MaxSearchTimeout.TotalSeconds} seconds."));
        }

        return mistakes.Count == 0
            ? new ServerSettings(addresses, options.Port, database, artifacts, options.OtlpGrpcPort, prices, pathBase, proxies)
            {
                SearchTimeout = options.SearchTimeout,
                PostgresUri = Storage.Postgres.PostgresUri.IsOne(options.BackendStoreUri) ? options.BackendStoreUri : null,
                Hosts = new HostAllowList([options.Host, .. options.AllowedHosts]),
                Origins = new OriginAllowList(options.CorsAllowedOrigins),
                Frames = frames!,
                Certificate = certificate,
                LogLevel = level,
                IsJsonLog = options.LogFormat == "json",
                TelemetryEndpoint = telemetry,
                AccessMode = options.AllowInsecure ? AccessMode.Never : options.RequireAuthentication || options.OpenIdConnect is not null ? AccessMode.Always : AccessMode.WhenUsersExist,
                OpenIdConnect = options.OpenIdConnect,
                KeyPassphrase = options.KeyPassphrase,
                SecretKeys = secretKeys,
                Blobs = blobs,
                Retention = new RetentionPolicy(days, action ?? RetentionAction.Delete),
            }
            : throw new MlflowServerStartException(mistakes);
    }

    // Neither names nor values of tokens are told: they are secrets.
    private static void Experiments(string setting, string what, IReadOnlyDictionary<string, string> experiments, List<string> mistakes)
    {
        foreach (var (key, experiment) in experiments)
        {
            if (string.IsNullOrWhiteSpace(key))
            {
                mistakes.Add($"{setting} has an experiment without {what}: write {what}, '=' and the experiment's name or id.");
            }
            else if (string.IsNullOrWhiteSpace(experiment))
            {
                mistakes.Add($"{setting} has {what} without an experiment: write {what}, '=' and the experiment's name or id.");
            }
        }
    }

    private static IPAddress[] Listen(MlflowServerOptions options, List<string> mistakes)
    {
        try
        {
            return options.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? [IPAddress.Loopback]
                : IPAddress.TryParse(options.Host.Trim('[', ']'), out var address) ? [address]
                : Dns.GetHostAddresses(options.Host);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            mistakes.Add($"--host '{options.Host}' is not an address of this machine: {e.Message}. Use 127.0.0.1 for this machine only, 0.0.0.0 for all its addresses.");
            return [];
        }
    }

    private static void CheckProvider(MlflowOpenIdConnectOptions? provider, List<string> mistakes)
    {
        if (provider is null)
        {
            return;
        }

        if (!Uri.TryCreate(provider.Issuer, UriKind.Absolute, out var issuer) || !(issuer.Scheme == Uri.UriSchemeHttps || (issuer.Scheme == Uri.UriSchemeHttp && issuer.IsLoopback)))
        {
            mistakes.Add($"MLFLOW_OIDC_ISSUER '{provider.Issuer}' is not the address of an identity provider: it must begin with https://.");
        }

        if (string.IsNullOrEmpty(provider.ClientId))
        {
            mistakes.Add("MLFLOW_OIDC_CLIENT_ID is missing: the identity provider knows this server by it.");
        }

        if (string.IsNullOrEmpty(provider.AdminClaim) != string.IsNullOrEmpty(provider.AdminValue))
        {
            mistakes.Add("MLFLOW_OIDC_ADMIN_CLAIM must be a claim, '=' and the value that administrators have, for example groups=mlflow-admins.");
        }

        try
        {
            PermissionNames.Parse(provider.DefaultPermission);
        }
        catch (MlflowException)
        {
            mistakes.Add($"MLFLOW_OIDC_DEFAULT_PERMISSION '{provider.DefaultPermission}' is not known: write none, read, edit or manage.");
        }
    }

    // Neither a key nor a passphrase is told, whatever is wrong with it.
    private static KeyRing? ReadSecretKeys(MlflowServerOptions options, List<string> mistakes)
    {
        const int MaxVersion = 1_000_000;
        var hasPassphrase = !string.IsNullOrEmpty(options.SecretsPassphrase);
        var hasFile = !string.IsNullOrEmpty(options.SecretsKeyFile);
        if (new[] { hasPassphrase, hasFile, options.SecretsKeys.Count > 0 }.Count(given => given) > 1)
        {
            mistakes.Add("Secrets are to be encrypted in several ways: give one of MLFLOW_CRYPTO_KEK_FILE and MLFLOW_CRYPTO_KEK_PASSPHRASE, or SecretsKeys alone.");
        }

        if (options.SecretsKeyVersion is < 1 or > MaxVersion || options.SecretsKeys.Any(key => key.Version is < 1 or > MaxVersion))
        {
            mistakes.Add($"MLFLOW_CRYPTO_KEK_VERSION {options.SecretsKeyVersion} is no version of a key: it must be 1 to {MaxVersion}.");
        }

        try
        {
            return hasFile ? KeyRing.OfFile(Path.GetFullPath(options.SecretsKeyFile!))
                : hasPassphrase ? KeyRing.Of([new LocalKey(options.SecretsKeyVersion, options.SecretsPassphrase!)])
                : options.SecretsKeys.Count > 0 ? KeyRing.Of(options.SecretsKeys)
                : null;
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            mistakes.Add($"MLFLOW_CRYPTO_KEK_FILE '{options.SecretsKeyFile}' cannot be used: {e.Message.TrimEnd('.')}.");
            return null;
        }
    }

    private static string Database(string uri, List<string> mistakes)
    {
        if (Storage.Postgres.PostgresUri.IsOne(uri))
        {
            try
            {
                Storage.Postgres.PostgresUri.Parse(uri);
            }
            catch (FormatException e)
            {
                mistakes.Add($"--backend-store-uri '{Storage.Postgres.PostgresUri.Shown(uri)}' is not understood, {e.Message}: use postgresql://user:password@host:5432/database.");
            }

            return string.Empty;
        }

        // sqlite:///relative.db, sqlite:////absolute.db, sqlite:///C:/absolute.db
        if (!uri.StartsWith(SqlitePrefix, StringComparison.Ordinal) || uri.Length == SqlitePrefix.Length || uri.Contains(":memory:", StringComparison.Ordinal))
        {
            mistakes.Add($"--backend-store-uri '{uri}' is not understood: use sqlite:///relative/path.db, sqlite:////absolute/path.db or postgresql://user:password@host/database.");
            return string.Empty;
        }

        return Path.GetFullPath(uri[SqlitePrefix.Length..]);
    }

    private static string Artifacts(string destination, List<string> mistakes)
    {
        if (Uri.TryCreate(destination, UriKind.Absolute, out var uri) && uri.IsFile)
        {
            return uri.LocalPath;
        }

        if (string.IsNullOrWhiteSpace(destination) || destination.Contains("://", StringComparison.Ordinal))
        {
            mistakes.Add($"--artifacts-destination '{destination}' is not understood: use a folder, or file:///absolute/folder.");
            return string.Empty;
        }

        return Path.GetFullPath(destination);
    }

    private static string PathBaseOf(string prefix, List<string> mistakes)
    {
        if (prefix.Length > 0 && (prefix[0] != '/' || prefix[^1] == '/' || prefix.Contains("//", StringComparison.Ordinal) || !prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '_' or '.')))
        {
            mistakes.Add($"--static-prefix '{prefix}' is not understood: it must begin with a slash and not end with one, for example /mlflow, and have letters, digits, '-', '_' and '.' only.");
        }

        return prefix;
    }

    private static ServerCertificate? ReadCertificate(MlflowServerOptions options, List<string> mistakes)
    {
        if (string.IsNullOrEmpty(options.TlsCertificate))
        {
            if (!string.IsNullOrEmpty(options.TlsKey))
            {
                mistakes.Add($"--tls-key '{options.TlsKey}' has no certificate: name it by --tls-cert.");
            }

            return null;
        }

        try
        {
            return ServerCertificate.Load(
                Path.GetFullPath(options.TlsCertificate), string.IsNullOrEmpty(options.TlsKey) ? null : Path.GetFullPath(options.TlsKey), string.IsNullOrEmpty(options.TlsPassword) ? null : options.TlsPassword);
        }
        catch (Exception e) when (ServerCertificate.IsUnreadable(e))
        {
            mistakes.Add($"--tls-cert '{options.TlsCertificate}' cannot be used: {e.Message} Use a PEM file and its key (--tls-key), or a PFX (its password in MLFLOW_SERVER_TLS_PASSWORD).");
            return null;
        }
    }

    private static LogLevel Level(MlflowServerOptions options, List<string> mistakes)
    {
        if (options.LogFormat is not ("console" or "json"))
        {
            mistakes.Add($"--log-format '{options.LogFormat}' is not understood: use console or json.");
        }

        // Enum.TryParse takes numbers, too.
        if (options.LogLevel.All(char.IsAsciiLetter) && Enum.TryParse<LogLevel>(options.LogLevel, ignoreCase: true, out var level))
        {
            return level;
        }

        mistakes.Add($"--log-level '{options.LogLevel}' is not understood: use trace, debug, information, warning, error or none.");
        return LogLevel.Warning;
    }

    private static Uri? Telemetry(MlflowServerOptions options, List<string> mistakes)
    {
        if (string.IsNullOrEmpty(options.TelemetryEndpoint))
        {
            return null;
        }

        if (options.TelemetryProtocol is not ("http/protobuf" or "grpc"))
        {
            mistakes.Add($"OTEL_EXPORTER_OTLP_PROTOCOL '{options.TelemetryProtocol}' is not understood: use http/protobuf or grpc.");
        }

        if (Uri.TryCreate(options.TelemetryEndpoint, UriKind.Absolute, out var endpoint) && (endpoint.Scheme == Uri.UriSchemeHttp || endpoint.Scheme == Uri.UriSchemeHttps))
        {
            return endpoint;
        }

        mistakes.Add($"OTEL_EXPORTER_OTLP_ENDPOINT '{options.TelemetryEndpoint}' is not understood: use an address as http://collector:4318.");
        return null;
    }

    private static List<IPNetwork> Proxies(IReadOnlyList<string> proxies, List<string> mistakes)
    {
        var networks = new List<IPNetwork>();
        foreach (var proxy in proxies)
        {
            if (IPNetwork.TryParse(proxy, out var network))
            {
                networks.Add(network);
            }
            else if (IPAddress.TryParse(proxy, out var address))
            {
                networks.Add(new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));
            }
            else
            {
                mistakes.Add($"--trusted-proxies '{proxy}' is not understood: use addresses or networks, for example 10.0.0.7 or 10.0.0.0/24.");
            }
        }

        return networks;
    }

    private static PriceTable ReadPrices(MlflowServerOptions options, List<string> mistakes)
    {
        var prices = PriceTable.Shipped;
        if (options.PricesFile is { Length: > 0 } path)
        {
            try
            {
                prices = PriceTableReader.ReadFile(path).Before(prices);
            }
            catch (PriceTableException e)
            {
                mistakes.Add($"--prices: {e.Message}");
            }
        }

        if (options.PriceUnknownHostsAs is { Length: > 0 } provider)
        {
            var providers = prices.Models.Select(model => model.Provider).Distinct().ToList();
            if (!providers.Contains(provider))
            {
                mistakes.Add($"--price-unknown-hosts-as {provider} is a provider without prices: use one of {string.Join(", ", providers)}.");
            }

            prices = prices.With(PriceAliases.None with { UnknownHosts = provider });
        }

        return prices;
    }
}
