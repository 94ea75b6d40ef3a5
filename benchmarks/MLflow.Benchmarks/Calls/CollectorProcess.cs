using System.Diagnostics;

namespace MLflow.Benchmarks.Calls;

/// <summary>The collector in a process of its own, so that what it allocates is not counted to the caller.</summary>
internal sealed class CollectorProcess : IDisposable
{
    private readonly Process _process;

    private CollectorProcess(Process process, string address)
    {
        _process = process;
        Address = address;
    }

    public string Address { get; }

    public static CollectorProcess Start()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, "collector") { RedirectStandardInput = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        return new CollectorProcess(process, process.StandardOutput.ReadLine()!);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
