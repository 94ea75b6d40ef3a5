namespace MLflow;

/// <summary>
/// Traces into one MLflow server. Programs normally use the static face <see cref="Mlflow"/>, which is one instance of this;
/// make your own to trace into two servers, or for each test.
/// </summary>
public sealed class MlflowClient : IAsyncDisposable
{
    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(5);

    private readonly TraceExporter _exporter;
    private volatile TrackingSettings _settings;

    /// <summary>Creates a client. Nothing is sent before the first trace has ended.</summary>
    /// <param name="options">Settings; null takes all from the environment.</param>
    /// <exception cref="ArgumentException">The tracking URI is not one that is supported.</exception>
    public MlflowClient(MlflowClientOptions? options = null)
    {
        options ??= new MlflowClientOptions();
        var timeProvider = options.TimeProvider ?? TimeProvider.System;
        _settings = TrackingSettings.Read(options);
        Log = new SelfLog(options.LoggerFactory, timeProvider);
        _exporter = new TraceExporter(Log, timeProvider);
        Tracer = new Tracer(_exporter, () => _settings.Destination, timeProvider);
        _exporter.Unfinished = () => Tracer.UnfinishedTraces;
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    /// <summary>Address of the server that new traces go to, without a trailing slash.</summary>
    public string TrackingUri => _settings.Destination.TrackingUri.ToString().TrimEnd('/');

    internal Tracer Tracer { get; }

    internal SelfLog Log { get; }

    /// <summary>Work that must be finished before a trace can be called ended, for example answers that are still being parsed.</summary>
    internal Func<CancellationToken, Task>? DrainAsync { get; set; }

    /// <summary>Sends traces that begin from now on to another server.</summary>
    /// <param name="uri"><c>http://</c> or <c>https://</c> and the server's address.</param>
    /// <exception cref="ArgumentException">The address is not one that is supported.</exception>
    public void SetTrackingUri(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        _settings = _settings.WithTrackingUri(uri);
    }

    /// <summary>Puts traces that begin from now on into this experiment. It is created when it is missing; no request is made now.</summary>
    /// <param name="name">At most 500 characters.</param>
    public void SetExperiment(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        _settings = _settings.WithExperiment(name);
        Tracer.WatchFlow();
    }

    /// <summary>Starts a span below the current one, or a new trace, and makes it current until it is disposed.</summary>
    public LiveSpan StartSpan(string name, string spanType = SpanType.Unknown)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Tracer.StartSpan(name, spanType);
    }

    /// <summary>Id of the trace that was begun last in this async flow, or null.</summary>
    public string? GetLastActiveTraceId()
    {
        var id = Tracer.LastTraceId;
        Tracer.WatchFlow();
        return id;
    }

    /// <summary>Waits until every ended trace has been sent or given up.</summary>
    /// <returns>What became of the traces so far.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled first; the traces stay queued.</exception>
    public async Task<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (DrainAsync is { } drain)
        {
            await drain(cancellationToken).ConfigureAwait(false);
        }

        return await _exporter.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends what is waiting, for at most five seconds, and stops: what is traced afterwards is dropped and counted.</summary>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        using var deadline = new CancellationTokenSource(ExitTimeout, Tracer.TimeProvider);
        await DrainQuietlyAsync(deadline.Token).ConfigureAwait(false);
        await _exporter.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>A return from Main, Environment.Exit, SIGTERM and an unhandled exception all come by here.</summary>
    private void OnProcessExit(object? sender, EventArgs e)
    {
        try
        {
            Task.Run(() => DisposeAsync().AsTask()).Wait(ExitTimeout);
        }
        catch (AggregateException exception)
        {
            Log.Warn(nameof(OnProcessExit), "traces could not be sent before the program ended: " + exception.InnerException?.Message);
        }
    }

    private async Task DrainQuietlyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await (DrainAsync?.Invoke(cancellationToken) ?? Task.CompletedTask).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The deadline: what was not parsed by now is not sent.
        }
    }
}
