using System.Runtime.InteropServices;
using MLflow.Server.Access;
using MLflow.Server.Access.Http;
using MLflow.Server.Blobs;
using MLflow.Server.Hosting;
using MLflow.Server.Otlp;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;
using MLflow.Server.Telemetry;

namespace MLflow.Server;

/// <summary>A running tracking server: REST, OTLP and the web UI on one port.</summary>
public sealed partial class MlflowServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly IServiceScope _scope;
    private readonly IDatabase _database;
    private readonly IBlobStore _blobs;
    private readonly ServerMeter _meter;
    private readonly MlflowServerOptions _options;
    private readonly Drain _drain;

    private MlflowServer(WebApplication app, IDatabase database, IBlobStore blobs, ServerMeter meter, MlflowServerOptions options, bool isOnAllAddresses, Uri? otlpGrpcAddress)
    {
        _app = app;
        _scope = app.Services.CreateScope();
        _scope.ServiceProvider.GetRequiredService<CurrentCaller>().SetServer();
        _database = database;
        _blobs = blobs;
        _meter = meter;
        _options = options;
        _drain = app.Services.GetRequiredService<Drain>();
        BaseAddress = ServerStart.Address(app);
        IsOnAllAddresses = isOnAllAddresses;
        BackendStore = PostgresUri.Shown(options.BackendStoreUri);
        OtlpGrpcAddress = otlpGrpcAddress;
        SetupAddress = app.Services.GetRequiredService<FirstUserSetup>().Token is { } token ? new Uri(BaseAddress, "setup?token=" + token) : null;
    }

    /// <summary>Where the server listens, for example <c>http://127.0.0.1:5000/</c>.</summary>
    public Uri BaseAddress { get; }

    /// <summary>The database in which the server keeps traces, as its options say it but without password.</summary>
    public string BackendStore { get; }

    /// <summary>Where the server receives OTLP over gRPC, for example <c>http://127.0.0.1:4317/</c>; null where it does not.</summary>
    public Uri? OtlpGrpcAddress { get; }

    /// <summary>
    /// Where the first user is made, once: a secret link. Null unless <see cref="MlflowServerOptions.RequireAuthentication"/> was set and there was no user.
    /// </summary>
    public Uri? SetupAddress { get; }

    /// <summary>Whether it listens on every address of this machine, of which <see cref="BaseAddress"/> names one.</summary>
    internal bool IsOnAllAddresses { get; }

    /// <summary>The server's own services, for which no door is closed.</summary>
    internal IServiceProvider Services => _scope.ServiceProvider;

    /// <summary>Starts a server and returns when it answers.</summary>
    /// <exception cref="MlflowServerStartException">A setting is wrong, the port is taken, the folder cannot be written, the database is not ours.</exception>
    public static async Task<MlflowServer> StartAsync(MlflowServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var settings = ServerSettings.Validate(options);
        var meter = new ServerMeter();
        IDatabase? database = null;
        IBlobStore? blobs = null;
        WebApplication? app = null;
        GrpcSockets? grpc = null;
        try
        {
            blobs = await ServerStart.OpenBlobsAsync(settings, cancellationToken).ConfigureAwait(false);
            var spanBlobs = new SpanBlobs(blobs, settings.Blobs.FromBytes, new OtlpArchive());
            database = await ServerStart.OpenDatabaseAsync(settings, options.TimeProvider, meter, spanBlobs, cancellationToken).ConfigureAwait(false);
            ServerStart.CheckAccess(options, settings, database.Access());
            var experiments = await ServerStart.FindExperimentsAsync(options, database, cancellationToken).ConfigureAwait(false);
            var secretKeys = ServerStart.SecretKeys(options, settings, database.Gateway());
            grpc = GrpcSockets.Bind(settings);
            app = ServerApp.Build(options, settings, database, spanBlobs, experiments, secretKeys, grpc, meter);
            await ServerStart.ListenAsync(app, settings, cancellationToken).ConfigureAwait(false);
            return new MlflowServer(app, database, blobs, meter, options, settings.Addresses.Any(ServerStart.IsAny), grpc.Endpoints.Select(endpoint => ServerStart.Address(endpoint, settings.Certificate is not null)).FirstOrDefault());
        }
        catch
        {
            grpc?.Dispose();
            if (app is not null)
            {
                // What works in the background may have begun, and reads the database.
                await app.StopAsync(CancellationToken.None).ConfigureAwait(false);
                await app.DisposeAsync().ConfigureAwait(false);
            }

            if (database is not null)
            {
                await database.DisposeAsync().ConfigureAwait(false);
            }

            blobs?.Dispose();

            meter.Dispose();
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
            _ = _drain.BeginAsync();
            stopped.TrySetResult();
        }
    }

    /// <summary>
    /// Stops: new requests are refused, and are to be sent again; those under way are answered, for at most <see cref="MlflowServerOptions.ShutdownTimeout"/>;
    /// what waits to be written is committed.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        using var deadline = new CancellationTokenSource(_options.ShutdownTimeout, _options.TimeProvider);
        try
        {
            await _drain.BeginAsync().WaitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            LogCut(_app.Logger, _options.ShutdownTimeout.TotalSeconds);
        }

        try
        {
            await _app.StopAsync(deadline.Token).ConfigureAwait(false);
        }
        finally
        {
            // Also where a part of the server failed to stop: what is acknowledged is committed here, and the files are let go of.
            _scope.Dispose();
            await _app.DisposeAsync().ConfigureAwait(false);
            await _database.DisposeAsync().ConfigureAwait(false);
            _blobs.Dispose();
            _meter.Dispose();
        }
    }

    [LoggerMessage(LogLevel.Warning, "Requests were still under way {Seconds} seconds (--shutdown-timeout) after the server was told to stop, and are cut off. Nothing is lost that was acknowledged.")]
    private static partial void LogCut(ILogger logger, double seconds);
}
