using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using MLflow.Server;

namespace MLflow.Cli.Commands;

/// <summary>The options by which MLflow's own command line tells a server where to listen and what to keep where.</summary>
internal sealed class ServerOptionSet
{
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

    /// <summary>Adds the options to a command; <paramref name="loopbackOnly"/> leaves the address out.</summary>
    public void AddTo(Command command, bool loopbackOnly = false)
    {
        if (!loopbackOnly)
        {
            command.Add(_host);
            command.Add(_allowedHosts);
            command.Add(_staticPrefix);
            command.Add(_trustedProxies);
        }

        command.Add(_port);
        command.Add(_backendStoreUri);
        command.Add(_artifactsDestination);
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

        // Not an option: whoever opens a server without authentication shall not do it in passing.
        AllowInsecure = string.Equals(Environment.GetEnvironmentVariable("MLFLOW_SERVER_ALLOW_INSECURE"), "true", StringComparison.OrdinalIgnoreCase),
    };

    private static string[] List(string? text) => text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

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
