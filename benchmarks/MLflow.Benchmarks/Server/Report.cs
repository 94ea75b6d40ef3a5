using System.Globalization;

namespace MLflow.Benchmarks.Server;

/// <summary>Writes to the console and keeps all of it in docs/benchmarks/, under the name of the part.</summary>
internal sealed class Report : IDisposable
{
    private readonly StreamWriter _file;

    /// <param name="part">Of the server's benchmark.</param>
    public Report(string part)
        : this("server-" + part, "server " + part.Replace('-', ' '))
    {
    }

    /// <param name="name">Of the file.</param>
    /// <param name="command">What the program was called with.</param>
    public Report(string name, string command)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MLflow.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The benchmark runs from a folder of the repository.");
        }

        folder = Path.Combine(folder, "docs", "benchmarks");
        Directory.CreateDirectory(folder);
        _file = new StreamWriter(Path.Combine(folder, $"{name}.md")) { AutoFlush = true };
        Line($"`dotnet run -c Release --project benchmarks/MLflow.Benchmarks -- {command}`, {DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} cores, {GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:0} GB, .NET {Environment.Version}, {System.Runtime.InteropServices.RuntimeInformation.OSDescription}, load before it {Load()}");
        Line();
    }

    public void Line(FormattableString line) => Write(line.ToString(CultureInfo.InvariantCulture));

    public void Line() => Write("");

    public void Dispose() => _file.Dispose();

    /// <summary>Threads that wanted a core in the minute before: above the number of cores, others were measured as well.</summary>
    public static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    private void Write(string line)
    {
        Console.WriteLine(line);
        _file.WriteLine(line);
    }
}
