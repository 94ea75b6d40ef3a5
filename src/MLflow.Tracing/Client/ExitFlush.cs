using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace MLflow;

/// <summary>
/// Sends what waits when the process ends: at the end of Main, <c>Environment.Exit</c>, an unhandled exception, SIGTERM, Ctrl-C, and the unloading of a plug-in that has us.
/// All clients together get <see cref="TraceExporter.CloseTimeout"/>.
/// </summary>
/// <remarks>Since .NET 10 the runtime has no SIGTERM handler of its own, so without ours the signal would end the process at once.</remarks>
internal static class ExitFlush
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<MlflowClient> Clients = [];

    // Kept alive: a registration that is collected no longer handles its signal.
    private static readonly List<PosixSignalRegistration> Signals = [];
    private static bool _isWatching;

    public static void Add(MlflowClient client)
    {
        lock (Gate)
        {
            Clients.Add(client);
            if (!_isWatching)
            {
                _isWatching = true;
                Watch();
            }
        }
    }

    public static void Remove(MlflowClient client)
    {
        lock (Gate)
        {
            Clients.Remove(client);
        }
    }

    private static void Watch()
    {
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        AppDomain.CurrentDomain.UnhandledException += OnUnhandledException;
        if (AssemblyLoadContext.GetLoadContext(typeof(ExitFlush).Assembly) is { IsCollectible: true } plugin)
        {
            plugin.Unloading += OnUnloading;
        }

        try
        {
            // The program may go on (a host stops in its own time), so this closes nothing, and leaves what the signal does as it is. Mostly it ends the process at once.
            Signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Run(client => client.SaveAsync())));
            Signals.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Run(client => client.SaveAsync())));
        }
        catch (PlatformNotSupportedException)
        {
            // The other ways out remain.
        }
    }

    private static void OnProcessExit(object? sender, EventArgs e) => Run(client => client.EndAsync());

    private static void OnUnhandledException(object? sender, UnhandledExceptionEventArgs e)
    {
        if (e.IsTerminating)
        {
            FailingCalls.EndAll();
            Run(client => client.EndAsync());
        }
    }

    /// <summary>
    /// A plug-in that is unloaded ends as a process does. The event is raised before anything of it is gone, and nothing of it goes while the process refers to something of ours.
    /// </summary>
    private static void OnUnloading(AssemblyLoadContext plugin)
    {
        FailingCalls.EndAll();
        Run(client => client.EndAsync());
        plugin.Unloading -= OnUnloading;
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandledException;
        Signals.ForEach(signal => signal.Dispose());
        Signals.Clear();
        UnwovenAssemblies.Forget();
        OpenAIAutolog.TurnOff();
        Mlflow.Tracer.Running.Dispose();
        ExportMeter.Instance.Dispose();
    }

    private static void Run(Func<MlflowClient, Task> end)
    {
        MlflowClient[] clients;
        lock (Gate)
        {
            clients = [.. Clients];
        }

        if (clients.Length == 0)
        {
            return;
        }

        try
        {
            Task.Run(() => Task.WhenAll(clients.Select(end))).Wait(TraceExporter.CloseTimeout);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Nothing of ours may change how the process ends.
        }
    }
}
