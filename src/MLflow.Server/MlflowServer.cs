namespace MLflow.Server;

/// <summary>A running tracking server: REST, OTLP and the web UI on one port.</summary>
public sealed class MlflowServer : IAsyncDisposable
{
    private MlflowServer(Uri baseAddress) => BaseAddress = baseAddress;

    /// <summary>Where the server listens, for example <c>http://127.0.0.1:5000/</c>.</summary>
    public Uri BaseAddress { get; }

    /// <summary>Starts a server and returns when it answers.</summary>
    /// <exception cref="MlflowServerStartException">A setting is wrong, the port is taken, the folder cannot be written, the database is not ours.</exception>
    public static Task<MlflowServer> StartAsync(MlflowServerOptions options, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <summary>Completes when the server has been told to stop.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Stops: requests under way are answered, waiting writes are committed.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
