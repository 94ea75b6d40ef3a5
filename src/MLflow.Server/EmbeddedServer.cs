using System.ComponentModel;

namespace MLflow.Server;

/// <summary>Servers for programs that trace into a database file of their own: <c>Mlflow.SetTrackingUri("sqlite:///mlflow.db")</c>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class EmbeddedServer
{
    private static readonly Lock Gate = new();

    // They live as long as the process: what is acknowledged is committed, so nothing has to be stopped at its end.
    private static readonly Dictionary<string, MlflowServer> Running = [];

    /// <summary>Starts a server for the database on a free port of loopback, or finds the one that this process has started for it.</summary>
    /// <returns>Its address; the pages are there, too.</returns>
    /// <exception cref="MlflowServerStartException">The database cannot be opened.</exception>
    public static Uri Start(string backendStoreUri)
    {
        ArgumentNullException.ThrowIfNull(backendStoreUri);
        lock (Gate)
        {
            if (!Running.TryGetValue(backendStoreUri, out var server))
            {
                var options = new MlflowServerOptions { Host = "127.0.0.1", Port = 0, BackendStoreUri = backendStoreUri, ArtifactsDestination = BesideOf(backendStoreUri) };

                // Off this thread, whose synchronisation context may be the one that is blocked here.
                server = Task.Run(() => MlflowServer.StartAsync(options)).GetAwaiter().GetResult();
                Running.Add(backendStoreUri, server);
            }

            return server.BaseAddress;
        }
    }

    /// <summary>Artifacts lie beside the database, wherever the program was started.</summary>
    private static string BesideOf(string backendStoreUri)
    {
        const string prefix = "sqlite:///";
        var path = backendStoreUri.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? backendStoreUri[prefix.Length..] : "";
        return Path.Combine(Path.GetDirectoryName(path) is { Length: > 0 } folder ? folder : ".", "mlartifacts");
    }
}
