using System.ComponentModel;
using MLflow.Server.Hosting;

namespace MLflow.Server;

/// <summary>Servers for programs that trace into a database file of their own: <c>Mlflow.SetTrackingUri("sqlite:///mlflow.db")</c>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class EmbeddedServer
{
    private static readonly Lock Gate = new();

    // By the full path of the database. They live as long as the process: what is acknowledged is committed, so nothing has to be stopped at its end.
    private static readonly Dictionary<string, MlflowServer> Running = new(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);

    /// <summary>Starts a server for the database on a free port of loopback, or finds the one that this process has started for it.</summary>
    /// <returns>Its address; the pages are there, too.</returns>
    /// <exception cref="MlflowServerStartException">The database cannot be opened.</exception>
    public static Uri Start(string backendStoreUri)
    {
        ArgumentNullException.ThrowIfNull(backendStoreUri);
        var options = new MlflowServerOptions { Host = "127.0.0.1", Port = 0, OtlpGrpcPort = null, Metrics = false, BackendStoreUri = backendStoreUri };
        var settings = ServerSettings.Validate(options);
        if (settings.PostgresUri is not null)
        {
            throw new MlflowServerStartException("A program traces into a file of its own, or to a server: for PostgreSQL, start 'dotnet mlflow server' and name its address.");
        }

        var path = settings.DatabasePath;

        // Artifacts lie beside the database, wherever the program was started.
        options.ArtifactsDestination = Path.Combine(Path.GetDirectoryName(path)!, "mlartifacts");
        lock (Gate)
        {
            if (!Running.TryGetValue(path, out var server))
            {
                server = StartAway(options);
                Running.Add(path, server);
            }

            return server.BaseAddress;
        }
    }

    /// <summary>
    /// Starts off this thread, whose synchronisation context may be the one that is blocked here, and without its flow: what the caller keeps in AsyncLocals would
    /// live as long as the server, and be seen by all that it does.
    /// </summary>
    private static MlflowServer StartAway(MlflowServerOptions options)
    {
        Task<MlflowServer> starting;
        using (ExecutionContext.SuppressFlow())
        {
            starting = Task.Run(() => MlflowServer.StartAsync(options));
        }

        return starting.GetAwaiter().GetResult();
    }
}
