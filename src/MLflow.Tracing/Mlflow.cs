namespace MLflow;

/// <summary>MLflow Tracing: <c>Mlflow.OpenAI.Autolog()</c> and every OpenAI call of this process becomes a trace.</summary>
/// <remarks>A thin face over one process-wide <see cref="MlflowClient"/>. Tracing never throws into the traced program.</remarks>
public static partial class Mlflow
{
    private static readonly Lazy<MlflowClient> DefaultClient = new(MakeClient);

    internal static MlflowClient Client => FindClient();

    /// <summary>For troubles that are no client's own: those of automatic tracing.</summary>
    internal static SelfLog Log { get; } = new(TimeProvider.System, static () => _host?.Log.Logger);

    /// <summary>Knows the current span of each flow, whichever client the trace belongs to.</summary>
    internal static Tracer Tracer { get; } = new(static () => Client.Outlet, TimeProvider.System);

    /// <summary>What <see cref="SetPrivacy"/> was told last. Null for nothing.</summary>
    internal static PrivacyOptions? Privacy { get; set; }

    /// <summary>Address of the server that new traces go to, without a trailing slash; where the tracking URI names a database, that of its server, where the pages are.</summary>
    public static string TrackingUri => Client.TrackingUri;

    /// <inheritdoc cref="MlflowClient.SetTrackingUri"/>
    public static void SetTrackingUri(string uri) => ConfiguredClient().SetTrackingUri(uri);

    /// <inheritdoc cref="MlflowClient.SetExperiment"/>
    public static void SetExperiment(string name) => ConfiguredClient().SetExperiment(name);

    /// <summary>
    /// Says what is recorded of spans that end from now on, and what is taken out of it. Replaces what was said before, for this process and for the host that runs in it; a
    /// host that starts later takes it over where its own <see cref="MlflowClientOptions.Privacy"/> says nothing.
    /// </summary>
    /// <param name="configure">Gets options with their defaults.</param>
    /// <exception cref="ArgumentException">A rule is none.</exception>
    public static void SetPrivacy(Action<PrivacyOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new PrivacyOptions();
        configure(options);
        PrivacyFilter.Check(options);
        Privacy = options;
        Client.SetPrivacy(options);
        if (DefaultClient.IsValueCreated)
        {
            DefaultClient.Value.SetPrivacy(options);
        }
    }

    /// <inheritdoc cref="MlflowClient.StartSpan"/>
    public static LiveSpan StartSpan(string name, string spanType = SpanType.Unknown, SpanOptions? options = null) => Client.StartSpan(name, spanType, options);

    /// <inheritdoc cref="MlflowClient.StartSpanNoContext"/>
    public static LiveSpan StartSpanNoContext(string name, string spanType = SpanType.Unknown, LiveSpan? parent = null, SpanOptions? options = null) =>
        Client.StartSpanNoContext(name, spanType, parent, options);

    /// <inheritdoc cref="MlflowClient.GetCurrentActiveSpan"/>
    public static LiveSpan? GetCurrentActiveSpan() => Client.GetCurrentActiveSpan();

    /// <inheritdoc cref="MlflowClient.UpdateCurrentTrace"/>
    public static void UpdateCurrentTrace(TraceUpdate update) => Client.UpdateCurrentTrace(update);

    /// <inheritdoc cref="MlflowClient.GetLastActiveTraceId"/>
    public static string? GetLastActiveTraceId() => Client.GetLastActiveTraceId();

    /// <inheritdoc cref="MlflowClient.FlushAsync"/>
    public static Task<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => Client.FlushAsync(cancellationToken);

    private static MlflowClient MakeClient()
    {
        var client = new MlflowClient(new MlflowClientOptions(), Tracer);
        WatchUnwovenAssemblies();
        return client;
    }
}
