using System.Diagnostics;
using System.Reflection;
using System.Text;
using Xunit;

namespace MLflow.Weaver.Tests.Builds;

/// <summary>Runs <c>dotnet</c> as a process of its own, without the tester's settings.</summary>
internal static class DotNet
{
    /// <summary>That of these tests: <c>Debug</c> or <c>Release</c>.</summary>
    public static string Configuration => typeof(DotNet).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    /// <summary>The folder with MLflow.slnx. Skips the test where the tests run without their sources.</summary>
    public static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MLflow.slnx")))
            {
                return folder.FullName;
            }
        }

        Assert.Skip("The tests do not lie in their repository.");
        return "";
    }

    /// <summary>How it is started. A program's traces find no server.</summary>
    public static ProcessStartInfo Command(string folder, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var setting in start.Environment.Keys.Where(key => key.StartsWith("MLFLOW_", StringComparison.Ordinal) || key.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(setting);
        }

        // Port 1 of this machine: nothing listens there, and nothing shall wait for it.
        start.Environment["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:1";
        start.Environment["MLFLOW_SPOOL_DIRECTORY"] = "none";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "true";
        return start;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string folder, IEnumerable<string> arguments, CancellationToken cancellationToken, params IEnumerable<(string Name, string Value)> environment)
    {
        var start = Command(folder, arguments);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = new Process { StartInfo = start };
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, output.ToString());

        void Add(string? line)
        {
            lock (output)
            {
                output.AppendLine(line);
            }
        }
    }
}
