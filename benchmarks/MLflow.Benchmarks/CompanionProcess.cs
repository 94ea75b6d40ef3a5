using System.Diagnostics;

namespace MLflow.Benchmarks;

/// <summary>A part of a benchmark in a process of its own, so that nothing that it does is counted to what is measured. It ends with its input.</summary>
internal sealed class CompanionProcess : IDisposable
{
    private readonly Process _process;

    private CompanionProcess(Process process, string address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Where it can be reached, as it has written it first.</summary>
    public string Address { get; }

    /// <param name="part">The argument of this program that is the part.</param>
    public static CompanionProcess Start(string part)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, part) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        return new CompanionProcess(process, process.StandardOutput.ReadLine()!);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
