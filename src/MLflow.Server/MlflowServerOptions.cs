using System.Net;
using MLflow.Server.Mcp;

namespace MLflow.Server;

/// <summary>Settings of a tracking server, named as the options of <c>mlflow server</c>.</summary>
public sealed class MlflowServerOptions
{
    /// <summary>Address to listen on. Default <c>127.0.0.1</c>.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>Port to listen on; 0 lets the system choose. Default 5000.</summary>
    public int Port { get; set; } = 5000;

    /// <summary>Where traces are kept: <c>sqlite:///relative.db</c>, <c>sqlite:////absolute.db</c> or <c>postgresql://user:password@host/database</c>. Default <c>sqlite:///mlflow.db</c>.</summary>
    public string BackendStoreUri { get; set; } = "sqlite:///mlflow.db";

    /// <summary>Folder for artifacts, as a path or a <c>file:</c> URI. Default <c>./mlartifacts</c>.</summary>
    public string ArtifactsDestination { get; set; } = "./mlartifacts";

    /// <summary>Where media and large contents of spans are kept, and archived traces.</summary>
    public MlflowBlobOptions Blobs { get; set; } = new();

    /// <summary>
    /// Days that a trace is kept after the server last heard of it, 1 to 36525, or <c>forever</c>; experiments and traces may say otherwise
    /// (docs/operations/retention.md). Default 180.
    /// </summary>
    public string RetentionDays { get; set; } = "180";

    /// <summary>What happens then: <c>delete</c>, or <c>archive</c>, by which its spans move to the blob store. Default <c>delete</c>.</summary>
    public string RetentionAction { get; set; } = "delete";

    /// <summary>
    /// Whether everybody has to sign in from the beginning (<c>--auth</c>); without any user yet, <see cref="MlflowServer.SetupAddress"/> is the way to make the first
    /// one. Default false: everybody has to as soon as there is a user, and until then the server listens on this machine only.
    /// </summary>
    public bool RequireAuthentication { get; set; }

    /// <summary>Whether nobody has to sign in, also beyond this machine (<c>--no-auth</c>): whoever reaches the server may do everything. Default false.</summary>
    public bool AllowInsecure { get; set; }

    /// <summary>An identity provider by which people sign in; everybody has to then. Default none.</summary>
    public MlflowOpenIdConnectOptions? OpenIdConnect { get; set; }

    /// <summary>By which the keys of cookies are encrypted in the database, so that a copy of it does not have them. Default none.</summary>
    public string? KeyPassphrase { get; set; }

    /// <summary>
    /// By which secrets are encrypted: a passphrase, as MLflow's server has it (<c>MLFLOW_CRYPTO_KEK_PASSPHRASE</c>). Default none: a server for this machine alone
    /// uses one that everybody knows, any other keeps no secrets.
    /// </summary>
    public string? SecretsPassphrase { get; set; }

    /// <summary>Version of the key that <see cref="SecretsPassphrase"/> gives, 1 or more. Default 1.</summary>
    public int SecretsKeyVersion { get; set; } = 1;

    /// <summary>A file of keys in place of a passphrase, one a line: a version, and 32 bytes in Base64; read again when it changes. Default none.</summary>
    public string? SecretsKeyFile { get; set; }

    /// <summary>Keys that are elsewhere, as in a cloud's key management service, in place of a passphrase. Default none.</summary>
    public IReadOnlyList<IKeyEncryptionKey> SecretsKeys { get; set; } = [];

    /// <summary>
    /// Hosts to which the gateway may connect although they are within this network or machine, or speak without TLS: names, addresses, each with or without a port,
    /// networks (<c>10.1.0.0/16</c>). Default none.
    /// </summary>
    public IReadOnlyList<string> GatewayAllowedHosts { get; set; } = [];

    /// <summary>
    /// The proxy through which the gateway connects to addresses with TLS. It looks names up itself, so that through it only the hosts of OpenAI and Anthropic are called, and those
    /// in <see cref="GatewayAllowedHosts"/>. Default none.
    /// </summary>
    public IWebProxy? GatewayOutboundProxy { get; set; }

    /// <summary>How long a model may say nothing before the gateway gives a call up; more than zero, at most an hour. Default 5 minutes.</summary>
    public TimeSpan GatewayTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>What looks at each call of the gateway before it is sent, in this order. Default none.</summary>
    public IReadOnlyList<IGatewayGuard> GatewayGuards { get; set; } = [];

    /// <summary>
    /// Values of the Host header that are answered besides loopback and private addresses: names, <c>*.example.com</c>, addresses, each with or without a port,
    /// networks (<c>203.0.113.0/24</c>); <c>*</c> for any. Default none.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; set; } = [];

    /// <summary>Origins (<c>https://host:port</c>) of other web pages that may read and write here by a browser; <c>*</c> for any. Default none.</summary>
    public IReadOnlyList<string> CorsAllowedOrigins { get; set; } = [];

    /// <summary>Who may show the pages in a frame: <c>SAMEORIGIN</c>, <c>DENY</c>, or <c>NONE</c> for no rule. Default <c>SAMEORIGIN</c>.</summary>
    public string XFrameOptions { get; set; } = "SAMEORIGIN";

    /// <summary>What a reverse proxy leaves before every path, for example <c>/mlflow</c>; paths without it are answered, too. Default none.</summary>
    public string StaticPrefix { get; set; } = "";

    /// <summary>
    /// Addresses or networks (<c>10.0.0.0/24</c>) of reverse proxies whose <c>X-Forwarded-For</c>, <c>-Proto</c>, <c>-Host</c> and <c>-Prefix</c> are believed.
    /// Default none; name loopback (<c>127.0.0.1</c>) for a proxy on this machine.
    /// </summary>
    public IReadOnlyList<string> TrustedProxies { get; set; } = [];

    /// <summary>A file of prices that go before the shipped ones, and of names of deployments and hosts; docs/costs.md describes it. Default none.</summary>
    public string? PricesFile { get; set; }

    /// <summary>
    /// Provider by whose prices calls to hosts that nobody knows are priced, for example <c>openai</c> where a proxy stands before OpenAI. Default none:
    /// such calls have no known cost.
    /// </summary>
    public string? PriceUnknownHostsAs { get; set; }

    /// <summary>How long one search for traces or experiments may take before it is stopped; more than zero, at most an hour. Default 30 seconds.</summary>
    public TimeSpan SearchTimeout { get; set; } = DefaultSearchTimeout;

    internal static TimeSpan DefaultSearchTimeout { get; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Port of OTLP over gRPC, on the same addresses: 0 lets the system choose, null is none. Default 4317, as OpenTelemetry's exporters have it.
    /// Where that port is taken, a warning says so and the rest of the server starts.
    /// </summary>
    public int? OtlpGrpcPort { get; set; } = 4317;

    /// <summary>
    /// Experiments, by name or id, of spans that come by OTLP without <c>x-mlflow-experiment-id</c>, by the <c>service.name</c> of their resource. A name is
    /// created when it is missing. Default none: they go to experiment 0.
    /// </summary>
    public IReadOnlyDictionary<string, string> OtlpServiceExperiments { get; set; } = new Dictionary<string, string>();

    /// <summary>As <see cref="OtlpServiceExperiments"/>, by the bearer token of the request; the service goes first.</summary>
    public IReadOnlyDictionary<string, string> OtlpTokenExperiments { get; set; } = new Dictionary<string, string>();

    /// <summary>
    /// Bytes of text that an answer of the MCP endpoint <c>/mcp</c> may have, 8192 to 1048576. Default 32768: models read it, and what they read has its price.
    /// What does not fit is left out and can be asked for.
    /// </summary>
    public int McpMaxAnswerBytes { get; set; } = McpTools.DefaultMaxBytes;

    /// <summary>What the server takes of one client at most.</summary>
    public MlflowServerLimits Limits { get; } = new();

    /// <summary>Certificate for TLS: a PEM file with those above it, or a PFX; read again when the file changes. Default none: plain HTTP.</summary>
    public string? TlsCertificate { get; set; }

    /// <summary>PEM file of the certificate's key; not needed where the certificate's file has it.</summary>
    public string? TlsKey { get; set; }

    /// <summary>Password of the key or the PFX. Default none.</summary>
    public string? TlsPassword { get; set; }

    /// <summary>How log entries are written: <c>console</c> for people, <c>json</c> for programs, an object a line. Default <c>console</c>.</summary>
    public string LogFormat { get; set; } = "console";

    /// <summary>From which level on the server's entries are written: <c>trace</c>, <c>debug</c>, <c>information</c> (requests), <c>warning</c>, <c>error</c> or <c>none</c>. Default <c>warning</c>.</summary>
    public string LogLevel { get; set; } = "warning";

    /// <summary>Whether <c>/metrics</c> shows the server's figures in Prometheus' format. Default true.</summary>
    public bool Metrics { get; set; } = true;

    /// <summary>Where the server sends its own metrics and spans by OTLP, as <c>http://collector:4318</c>; never to itself. Default none.</summary>
    public string? TelemetryEndpoint { get; set; }

    /// <summary>How it sends them: <c>http/protobuf</c> or <c>grpc</c>. Default <c>http/protobuf</c>.</summary>
    public string TelemetryProtocol { get; set; } = "http/protobuf";

    /// <summary>Headers that it sends with them, as <c>name=value,name=value</c>. Default none.</summary>
    public string? TelemetryHeaders { get; set; }

    /// <summary>Bytes that must be free on the disks for the server to call itself ready (<c>/health/ready</c>). Default 64 MiB.</summary>
    public long MinFreeBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>How long requests under way are waited for when the server stops; at most an hour. Default 10 seconds.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Looks at all settings; certificate and price files are read for it, nothing is opened and nobody listens.</summary>
    /// <exception cref="MlflowServerStartException">Names every mistake.</exception>
    public void Validate() => Hosting.ServerSettings.Validate(this);

    /// <summary>What tests add to the log.</summary>
    internal Action<Microsoft.Extensions.Logging.ILoggingBuilder>? ConfigureLogging { get; set; }

    /// <summary>Finds the addresses of the gateway's hosts in place of the system, for tests.</summary>
    internal Func<string, CancellationToken, Task<System.Net.IPAddress[]>>? GatewayResolver { get; set; }

    internal TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
