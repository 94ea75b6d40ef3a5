using System.Diagnostics;

namespace MLflow.Benchmarks.Calls;

/// <summary>
/// Runs a measurement in a process that compiles everything once and fully, the framework too, as it is in a program that has run for a while.
/// Otherwise recompilation goes on for minutes, and the CPU time of the process is mostly its.
/// </summary>
internal static class CompiledProcess
{
    private const string Variable = "DOTNET_ReadyToRun";

    public static int Run(string command, Func<int> measure)
    {
        if (Environment.GetEnvironmentVariable(Variable) == "0")
        {
            return measure();
        }

        var start = new ProcessStartInfo(Environment.ProcessPath!, command);
        start.Environment[Variable] = "0";
        start.Environment["DOTNET_TieredCompilation"] = "0";
        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
