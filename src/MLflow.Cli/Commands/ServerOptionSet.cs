using System.CommandLine;
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

    /// <summary>Adds the options to a command; <paramref name="loopbackOnly"/> leaves the address out.</summary>
    public void AddTo(Command command, bool loopbackOnly = false)
    {
        if (!loopbackOnly)
        {
            command.Add(_host);
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
    };
}
