using System.Runtime.CompilerServices;

namespace MLflow;

/// <summary>
/// Traces into one MLflow server. Programs normally use the static face <see cref="Mlflow"/>, which is one instance of this;
/// make your own to trace into two servers, or for each test.
/// </summary>
public sealed partial class MlflowClient : IAsyncDisposable, IDisposable
{
    private readonly DatabricksWorkspaces _workspaces;
    private readonly TraceExporter _exporter;
    private readonly bool _sharesTracer;
    private readonly StrongBox<long> _withheld = new();
    private readonly MlflowClientOptions _options;
    private readonly CredentialSource _credentials;
    private volatile TrackingSettings _settings;

    /// <summary>Creates a client. Nothing is sent before the first trace has ended.</summary>
    /// <param name="options">Settings; null takes all from the environment.</param>
    /// <exception cref="ArgumentException">The tracking URI is not one that is supported, credentials contradict each other, another option is out of its range, or a rule of <see cref="MlflowClientOptions.Privacy"/> is none.</exception>
    public MlflowClient(MlflowClientOptions? options = null)
        : this(options ?? new MlflowClientOptions(), tracer: null)
    {
    }

    /// <param name="options">Settings.</param>
    /// <param name="tracer">The tracer of <see cref="Mlflow"/>, for a client that the static face may speak for. Null: one of its own.</param>
    internal MlflowClient(MlflowClientOptions options, Tracer? tracer)
    {
        var timeProvider = options.TimeProvider ?? TimeProvider.System;
        _credentials = CredentialSource.Of(options);
        var transport = TrackingTransport.Read(Environment.GetEnvironmentVariable);
        _workspaces = new DatabricksWorkspaces(transport, timeProvider, options.Databricks);
        _settings = TrackingSettings.Read(options, _workspaces);
        Log = new SelfLog(options.LoggerFactory, timeProvider);
        _exporter = new TraceExporter(Log, timeProvider, TrackingSettings.SpoolFolder(options), options.SpoolMaxBytes, transport, _credentials, _workspaces);
        _sharesTracer = tracer is not null;
        Tracer = tracer ?? new Tracer(() => Outlet!, timeProvider);
        _options = options;
        var runId = TrackingSettings.RunId(options);
        var processing = new SpanProcessing(Log);
        processing.Set(options.SpanProcessors);
        Outlet = new TraceOutlet(Tracer, _exporter, () => Destination)
        {
            Processing = processing,
            Log = Log,
            RunId = () => _flow.Value?.RunId ?? runId,
            ModelId = TrackingSettings.ModelId(options),
            SamplingRatio = TrackingSettings.SamplingRatio(options, Log),
            Sampler = options.Sampler is { } sampler ? new TraceSampler(sampler, Log) : null,
            SamplingRatioOfFlow = () => _usesSampling ? _flow.Value?.SamplingRatio : null,
            Tail = TrackingSettings.Tail(options),
            TraceTimeout = TrackingSettings.TraceTimeout(options, Log),
            Privacy = PrivacyAtStart(),
        };
        _exporter.Unfinished = () => Outlet.Unfinished;
        ExitFlush.Add(this);
    }

    /// <summary>Address of the server that new traces go to, without credentials and a trailing slash; <c>databricks</c> or <c>databricks://profile</c> for a workspace.</summary>
    public string TrackingUri => Destination.TrackingUri is var uri && DatabricksUri.IsDatabricks(uri) ? DatabricksUri.ToText(uri) : TrackingSettings.TextOf(uri);

    /// <summary>
    /// Whether traces that begin now are recorded. While it is false, spans can be started as always and have no effect, calls of models are not looked at, and nothing is
    /// sent but what was recorded before. A trace that has begun goes on to its end.
    /// </summary>
    public bool IsEnabled
    {
        get => Tracer.IsEnabled;
        set => Tracer.IsEnabled = value;
    }

    internal Tracer Tracer { get; }

    /// <summary>Where traces of this client go.</summary>
    internal TraceOutlet Outlet { get; }

    /// <summary>Memory of the spans that wait to be sent.</summary>
    internal long QueuedBytes => _exporter.QueuedBytes;

    /// <summary>Exports whose bytes are in memory.</summary>
    internal long KeptExports => _exporter.KeptExports;

    internal SelfLog Log { get; }

    /// <summary>Sends traces that begin from now on to another server.</summary>
    /// <param name="uri">
    /// <c>http://</c> or <c>https://</c> and the server's address; or <c>databricks</c> or <c>databricks://profile</c> for a Databricks workspace, which is looked for in
    /// <see cref="MlflowClientOptions.Databricks"/>, the environment and <c>~/.databrickscfg</c>.
    /// </param>
    /// <exception cref="ArgumentException">The address is not one that is supported, or there are no credentials for the workspace: the message says where they were looked for.</exception>
    public void SetTrackingUri(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        var parsed = TrackingSettings.ParseTrackingUri(uri, _workspaces);
        Change(settings => settings.WithTrackingUri(parsed));
    }

    /// <summary>
    /// Puts traces that begin from now on into an experiment by its id or, in a Databricks workspace, into a place of Unity Catalog. Replaces what <see cref="SetExperiment"/> said.
    /// </summary>
    /// <param name="destination">Id of an experiment, or <c>catalog.schema</c> or <c>catalog.schema.prefix</c>.</param>
    /// <exception cref="ArgumentException">It is empty, or a place in Unity Catalog while traces go to another server.</exception>
    public void SetDestination(string destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        Change(settings => settings.WithDestination(destination));
        Tracer.WatchFlow();
    }

    /// <summary>Puts traces that begin from now on into this experiment. It is created when it is missing; no request is made now.</summary>
    /// <param name="name">At most 500 characters. In a Databricks workspace a path of its folders, <c>/Shared/my-experiment</c>.</param>
    /// <exception cref="ArgumentException">The name is empty, or traces go to a Databricks workspace and it is no path.</exception>
    public void SetExperiment(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Change(settings => settings.WithExperiment(name));
        Tracer.WatchFlow();
    }

    /// <summary>Says what is recorded of spans that end from now on, and what is taken out of it. Replaces what was said before.</summary>
    /// <param name="configure">Gets options with their defaults.</param>
    /// <exception cref="ArgumentException">A rule is none.</exception>
    public void SetPrivacy(Action<PrivacyOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new PrivacyOptions();
        configure(options);
        SetPrivacy(options);
    }

    internal void SetPrivacy(PrivacyOptions options) => Outlet.Privacy = new PrivacyFilter(options, Log, _withheld);

    /// <summary>Starts a span below the current one, or a new trace, and makes it current until it is disposed.</summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">One of <see cref="SpanType"/>, or your own.</param>
    /// <param name="options">What else is said of the span.</param>
    public LiveSpan StartSpan(string name, string spanType = SpanType.Unknown, SpanOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Tracer.StartSpan(name, spanType, Outlet, options);
    }

    /// <summary>
    /// Starts a span that does not become the current one: for work that begins in one flow and ends in another, as in callbacks. It must be ended by
    /// <see cref="LiveSpan.End()"/>; spans belong below it that are started with it as their parent.
    /// </summary>
    /// <param name="name">Name of the span.</param>
    /// <param name="spanType">One of <see cref="SpanType"/>, or your own.</param>
    /// <param name="parent">The span above it. Null: the current one, and where there is none the span begins a trace.</param>
    /// <param name="options">What else is said of the span.</param>
    public LiveSpan StartSpanNoContext(string name, string spanType = SpanType.Unknown, LiveSpan? parent = null, SpanOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Tracer.StartNoContext(name, spanType, parent, Outlet, options);
    }

    /// <summary>The current span of this async flow; null where there is none, it has ended, or its trace is not recorded.</summary>
    public LiveSpan? GetCurrentActiveSpan() => Tracer.Current is { HasEnded: false } span ? span : null;

    /// <summary>
    /// Sets what the program does with each span of this client at its end, before it is sent: a processor may read the span, and change its attributes, inputs and outputs. They are
    /// called in their order, for automatic spans too.
    /// </summary>
    /// <remarks>
    /// <para>They run on the thread that ends the span: for spans of the program and <c>[Trace]</c> that of the program, which waits; for recorded model calls one of our own.
    /// They must be quick and safe to be called by several threads at once.</para>
    /// <para>One that throws costs a warning and a note on the span, and the span is sent as it stands. While there are processors, spans are not shown before they have ended.</para>
    /// </remarks>
    /// <param name="processors">Instead of those that were set. None: nothing is done.</param>
    public void SetSpanProcessors(IEnumerable<Action<LiveSpan>> processors)
    {
        ArgumentNullException.ThrowIfNull(processors);
        Outlet.Processing!.Set(processors);
    }

    /// <summary>
    /// Forgets what was set since the client was made: server, experiment, processors, privacy, and that it was disabled. The options that it was made with hold again; where those
    /// say nothing of privacy, a host's client takes what <see cref="Mlflow.SetPrivacy"/> said, as when it was made. What one flow has set for itself stays, and what was recorded is still sent.
    /// </summary>
    public void Reset()
    {
        _settings = TrackingSettings.Read(_options, _workspaces);
        Outlet.Processing!.Set(_options.SpanProcessors);
        Outlet.Privacy = PrivacyAtStart();
        IsEnabled = true;
    }

    private PrivacyFilter PrivacyAtStart() => new(_sharesTracer && _options.Privacy.IsUnset ? Mlflow.Privacy ?? _options.Privacy : _options.Privacy, Log, _withheld);

    /// <summary>Says something about the trace of the current span: its session, its user, tags, previews, its state. Without a current span it has no effect.</summary>
    /// <remarks>What the program says here goes before what is read from the calls themselves (<c>conversation</c>, <c>user</c>).</remarks>
    public void UpdateCurrentTrace(TraceUpdate update)
    {
        ArgumentNullException.ThrowIfNull(update);
        if (Tracer.Current?.Trace is not { } trace)
        {
            return;
        }

        if (trace.IsPart)
        {
            Log.Warn("part", "UpdateCurrentTrace has no effect in a trace that began in another process: say it there.");
        }

        trace.Update(update);
    }

    /// <summary>Id of the trace that was begun last in this async flow, or null.</summary>
    public string? GetLastActiveTraceId()
    {
        var id = Tracer.LastTraceId;
        Tracer.WatchFlow();
        return id;
    }

    /// <summary>Waits until every trace that ended before the call has been sent or given up, or its server turns out to be away.</summary>
    /// <remarks>
    /// A server that cannot be reached is tried once and then no longer waited for; one that is busy or fails is tried three times;
    /// one that asks to come back in more than ten seconds is not waited for. Such traces wait in memory (<see cref="FlushResult.Pending"/>) or on the disk
    /// (<see cref="FlushResult.Spooled"/>), and are sent when the server is there.
    /// </remarks>
    /// <returns>What became of the traces so far.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled first; the traces stay queued.</exception>
    public async Task<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (Tracer.DrainAsync is { } drain)
        {
            await drain(cancellationToken).ConfigureAwait(false);
        }

        // It may go on here on the thread that records calls, which the program's own code must not hold up.
        var result = await _exporter.FlushAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return result with { UnreadBodies = Tracer.RecorderFailures?.Invoke() ?? 0, WithheldValues = Interlocked.Read(ref _withheld.Value) };
    }

    /// <summary>Sends what is waiting and stops, in at most five seconds. What could not be sent goes to the disk or, where that is not possible, is dropped; the log says which. Later traces are dropped.</summary>
    public async ValueTask DisposeAsync()
    {
        ExitFlush.Remove(this);
        using var sending = new CancellationTokenSource(_exporter.SendTimeout, Tracer.TimeProvider);
        await CloseAsync(sending.Token).ConfigureAwait(false);
    }

    /// <summary>As <see cref="DisposeAsync"/>, for containers that are disposed without waiting for it: blocks meanwhile.</summary>
    void IDisposable.Dispose() => Task.Run(async () => await DisposeAsync().ConfigureAwait(false)).GetAwaiter().GetResult();

    /// <summary>The program ends: as <see cref="DisposeAsync"/>, with what has come of calls that are under way. Does not throw.</summary>
    internal async Task EndAsync()
    {
        Tracer.CloseOpenCalls?.Invoke();
        using var sending = new CancellationTokenSource(_exporter.SendTimeout);
        await CloseAsync(sending.Token).ConfigureAwait(false);
    }

    /// <summary>A signal came that may end the program, or may not: sends what waits, and puts on the disk what could not be sent. The client goes on. Does not throw.</summary>
    internal async Task SaveAsync()
    {
        using var sending = new CancellationTokenSource(_exporter.SendTimeout);
        try
        {
            await FlushAsync(sending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The disk is left.
        }

        await _exporter.SpoolWaitingAsync().ConfigureAwait(false);
    }

    /// <summary>Server and experiment may be set at the same time by two threads.</summary>
    private void Change(Func<TrackingSettings, TrackingSettings> change)
    {
        TrackingSettings before;
        do
        {
            before = _settings;
        }
        while (Interlocked.CompareExchange(ref _settings, change(before), before) != before);
    }

    /// <summary>Drains and flushes until the token says stop, puts on the disk what is left, and stops. Does not throw.</summary>
    internal async Task CloseAsync(CancellationToken sending)
    {
        try
        {
            if (Tracer.DrainAsync is { } drain)
            {
                await drain(sending).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // What has ended is still sent.
        }

        if (_sharesTracer)
        {
            // A container may be disposed without its host being stopped.
            Mlflow.Detach(this);
        }
        else
        {
            Tracer.Running.Dispose();
        }

        await _exporter.CloseAsync(sending).ConfigureAwait(false);
    }
}
