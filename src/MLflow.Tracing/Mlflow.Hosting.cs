namespace MLflow;

/// <content>Whom the static face speaks for.</content>
public static partial class Mlflow
{
    private static readonly Lock Hosts = new();
    private static readonly AsyncLocal<MlflowClient?> FlowClient = new();

    // In the order of their start.
    private static readonly List<MlflowClient> Attached = [];
    private static volatile MlflowClient? _host;
    private static int _isWatching;

    /// <summary>
    /// Makes this class, <c>[Trace]</c> and automatic tracing record for the client of a host in this async flow, and in what it starts, until the result is disposed.
    /// </summary>
    /// <remarks>
    /// Without it they record for the host whose request it is (<c>app.UseMlflowTracing()</c>). In all other flows of the process they record for the host that started first,
    /// or for none where the program itself has called <see cref="SetTrackingUri"/> or <see cref="SetExperiment"/> outside of hosts. So it is needed in background work of a second host alone.
    /// </remarks>
    /// <param name="client">What was injected where <c>services.AddMlflowTracing()</c> was called.</param>
    /// <exception cref="ArgumentException">The client is not that of a host.</exception>
    public static IDisposable UseClient(MlflowClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        if (!ReferenceEquals(client.Tracer, Tracer))
        {
            throw new ArgumentException("This client was made with new MlflowClient(): it has spans of its own, to which those of Mlflow do not belong. Use one of services.AddMlflowTracing().", nameof(client));
        }

        return new FlowScope<MlflowClient>(FlowClient, client);
    }

    /// <summary>The program has set up the face itself: in flows that are no host's it does not speak for one.</summary>
    internal static bool IsConfigured { get; set; }

    /// <summary>A host has started. False where another one has, which the static face speaks for.</summary>
    internal static bool Attach(MlflowClient client)
    {
        lock (Hosts)
        {
            WatchUnwovenAssemblies();
            Attached.Add(client);
            _host = Attached[0];
            return ReferenceEquals(_host, client);
        }
    }

    internal static void Detach(MlflowClient client)
    {
        lock (Hosts)
        {
            Attached.Remove(client);
            _host = Attached is [var first, ..] ? first : null;
        }
    }

    /// <summary>This flow's traces are a host's, so that it does not matter whether the process's own client can be made.</summary>
    internal static bool SpeaksForHost => FlowClient.Value is not null || (!IsConfigured && _host is not null);

    private static MlflowClient FindClient() => FlowClient.Value ?? (IsConfigured ? null : _host) ?? DefaultClient.Value;

    private static MlflowClient ConfiguredClient()
    {
        var client = Client;
        IsConfigured |= DefaultClient.IsValueCreated && ReferenceEquals(client, DefaultClient.Value);
        return client;
    }

    private static void WatchUnwovenAssemblies()
    {
        if (Interlocked.Exchange(ref _isWatching, 1) == 0)
        {
            UnwovenAssemblies.Watch(Log);
        }
    }
}
