using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace MLflow.Tests.Client;

/// <summary>A program that makes one trace, does not flush, and ends. It runs in a process of its own.</summary>
internal static class ExitingProgram
{
    public const string Argument = "--program-that-ends";
    public const string Ready = "ready";

    /// <summary>What is said when nothing is left of the plug-in.</summary>
    public const string Gone = "gone";

    /// <summary>Variable with the folder of its spool; without one it has none.</summary>
    public const string Spool = "TEST_SPOOL_DIRECTORY";

    public static int Run(string ending)
    {
        if (Environment.GetEnvironmentVariable(Spool) is { } folder)
        {
            Environment.SetEnvironmentVariable("MLFLOW_SPOOL_DIRECTORY", folder);
        }

        if (ending == "plug-in")
        {
            Console.WriteLine(IsGone(TraceInAPlugin()) ? Gone : "still there");
            return 7;
        }

        Mlflow.StartSpan("last words").Dispose();
        switch (ending)
        {
            case "return":
                return 7;
            case "exit":
                Environment.Exit(7);
                return 0;
            case "throw":
                throw new InvalidOperationException("the end");
            case "throw traced":
                Mlflow.Trace("outer", SpanType.Agent, _ => Mlflow.Trace("inner", SpanType.Tool, _ => throw new InvalidOperationException("the end")));
                return 0;
            case "slow disk":
                var slow = new MlflowClient(new MlflowClientOptions { TimeProvider = new SlowClock() });
                slow.StartSpan("last words, too").Dispose();
                SlowClock.IsSlow = true;
                return 7;
            case "wait":
                Console.WriteLine(Ready);
                Thread.CurrentThread.Join();
                return 0;
            default:
                return 99;
        }
    }

    /// <summary>Traces in a context of its own, with automatic tracing on and a trace that never ends, and unloads that.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference TraceInAPlugin()
    {
        var context = new AssemblyLoadContext("plugin", isCollectible: true);
        var mlflow = context.LoadFromAssemblyPath(typeof(Mlflow).Assembly.Location).GetType("MLflow.Mlflow")!;

        // A flow of its own: this one would keep what becomes current in it.
        var thread = new Thread(() =>
        {
            mlflow.GetNestedType("OpenAI")!.GetMethod("Autolog")!.Invoke(null, [false, null]);
            var start = mlflow.GetMethods().First(method => method.Name == "StartSpan");
            ((IDisposable)start.Invoke(null, ["in a plug-in", .. start.GetParameters().Skip(1).Select(parameter => parameter.DefaultValue)])!).Dispose();
            start.Invoke(null, ["never ends", .. start.GetParameters().Skip(1).Select(parameter => parameter.DefaultValue)]);
        });
        thread.Start();
        thread.Join();
        context.Unload();
        return new WeakReference(context);
    }

    private static bool IsGone(WeakReference plugin)
    {
        for (var i = 0; i < 100 && plugin.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return !plugin.IsAlive;
    }

    /// <summary>Starts it. The caller waits for its end.</summary>
    public static Process Start(string ending, string trackingUri, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        // A shell's background job ignores SIGINT, and its children inherit that: Ctrl-C would never arrive.
        string[] command = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", Environment.ProcessPath!] : [Environment.ProcessPath!];
        var start = new ProcessStartInfo(command[0], [.. command[1..], Argument, ending])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment = { ["MLFLOW_TRACKING_URI"] = trackingUri, ["DOTNET_DbgEnableMiniDump"] = "0" },
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>What opens a file asks for the time: here that takes so long as with a disk that is busy.</summary>
    private sealed class SlowClock : TimeProvider
    {
        public static volatile bool IsSlow;

        public override DateTimeOffset GetUtcNow()
        {
            if (IsSlow)
            {
                Thread.Sleep(750);
            }

            return base.GetUtcNow();
        }
    }
}
