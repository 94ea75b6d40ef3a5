using System.Diagnostics;

namespace MLflow.Tests.Client;

/// <summary>A program that makes one trace, does not flush, and ends. It runs in a process of its own.</summary>
internal static class ExitingProgram
{
    public const string Argument = "--program-that-ends";
    public const string Ready = "ready";

    /// <summary>Variable with the folder of its spool; without one it has none.</summary>
    public const string Spool = "TEST_SPOOL_DIRECTORY";

    public static int Run(string ending)
    {
        if (Environment.GetEnvironmentVariable(Spool) is { } folder)
        {
            Environment.SetEnvironmentVariable("MLFLOW_SPOOL_DIRECTORY", folder);
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
