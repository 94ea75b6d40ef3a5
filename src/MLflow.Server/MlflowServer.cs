using System.Runtime.InteropServices;
using MLflow.Server.Hosting;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server;

/// <summary>A running tracking server: REST, OTLP and the web UI on one port.</summary>
public sealed class MlflowServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly SqliteDatabase _database;

    private MlflowServer(WebApplication app, SqliteDatabase database, Uri? otlpGrpcAddress)
    {
        _app = app;
        _database = database;
        BaseAddress = ServerStart.Address(app);
        OtlpGrpcAddress = otlpGrpcAddress;
    }

    /// <summary>Where the server listens, for example <c>http://127.0.0.1:5000/</c>.</summary>
    public Uri BaseAddress { get; }

    /// <summary>Where the server receives OTLP over gRPC, for example <c>http://127.0.0.1:4317/</c>; null where it does not.</summary>
    public Uri? OtlpGrpcAddress { get; }

    internal IServiceProvider Services => _app.Services;

    /// <summary>Starts a server and returns when it answers.</summary>
    /// <exception cref="MlflowServerStartException">A setting is wrong, the port is taken, the folder cannot be written, the database is not ours.</exception>
    public static async Task<MlflowServer> StartAsync(MlflowServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = ServerSettings.Validate(options);
        var database = ServerStart.OpenDatabase(settings, options.TimeProvider);
        WebApplication? app = null;
        GrpcSockets? grpc = null;
        try
        {
            var experiments = await ServerStart.FindExperimentsAsync(options, database, cancellationToken).ConfigureAwait(false);
            grpc = GrpcSockets.Bind(settings);
            app = ServerApp.Build(options, settings, database, experiments, grpc);
            await ServerStart.ListenAsync(app, settings, cancellationToken).ConfigureAwait(false);
            return new MlflowServer(app, database, grpc.Endpoints.Select(ServerStart.Address).FirstOrDefault());
        }
        catch
        {
            grpc?.Dispose();
            if (app is not null)
            {
                await app.DisposeAsync().ConfigureAwait(false);
            }

            await database.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>
    /// Completes when the server has been told to stop: by Ctrl-C or a termination signal while this waits, or by the token.
    /// The server still runs then; dispose it.
    /// </summary>
    public async Task WaitForShutdownAsync(CancellationToken cancellationToken = default)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        // Only while somebody waits: a server inside another program leaves its signals alone.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var cancelled = cancellationToken.Register(() => stopped.TrySetResult());
        using var stopping = _app.Lifetime.ApplicationStopping.Register(() => stopped.TrySetResult());
        await stopped.Task.ConfigureAwait(false);

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stopped.TrySetResult();
        }
    }

    /// <summary>Stops: requests under way are answered, waiting writes are committed.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        await _database.DisposeAsync().ConfigureAwait(false);
    }
}
