using System.Diagnostics;
using System.Text;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>A command as a process of its own, without the tester's keys and MLflow settings.</summary>
internal sealed class CliProcess : IAsyncDisposable
{
    private static readonly string[] Settings =
    [
        "OPENAI_API_KEY", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_DEPLOYMENT",
        "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACING_DESTINATION",
        "DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_CONFIG_PROFILE", "DATABRICKS_SERVING_ENDPOINT",
    ];

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> _awaited = [];
    private readonly TaskCompletionSource<Uri> _server = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private CliProcess(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Add(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Add(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    /// <summary>The first http address that the process names: its server.</summary>
    public Task<Uri> ServerAsync(CancellationToken cancellationToken) => _server.Task.WaitAsync(cancellationToken);

    /// <summary>Completes when the process has written <paramref name="text"/>.</summary>
    public Task WaitForOutputAsync(string text, CancellationToken cancellationToken)
    {
        lock (_output)
        {
            if (_output.ToString().Contains(text, StringComparison.Ordinal))
            {
                return Task.CompletedTask;
            }

            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited.Add((text, seen));
            return seen.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Starts the command line under test.</summary>
    public static CliProcess Mlflow(string folder, IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        DotNet(folder, [Path.Combine(AppContext.BaseDirectory, "dotnet-mlflow.dll"), .. arguments], environment);

    /// <summary>Starts it under another command, which gives its process over to it.</summary>
    public static CliProcess MlflowUnder(IEnumerable<string> command, string folder, IEnumerable<string> arguments) =>
        DotNet(command, folder, [Path.Combine(AppContext.BaseDirectory, "dotnet-mlflow.dll"), .. arguments]);

    public static CliProcess DotNet(string folder, IEnumerable<string> arguments, params (string Name, string Value)[] environment) => DotNet([], folder, arguments, environment);

    /// <summary>Starts a program without arguments.</summary>
    public static CliProcess Of(string program, string folder, params (string Name, string Value)[] environment) => Start(new ProcessStartInfo(program), folder, environment);

    private static CliProcess DotNet(IEnumerable<string> command, string folder, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        // A shell's background job ignores SIGINT, and its children inherit that: Ctrl-C would never arrive.
        var start = OperatingSystem.IsLinux()
            ? new ProcessStartInfo("env", ["--default-signal=INT", .. command, "dotnet", .. arguments])
            : new ProcessStartInfo("dotnet", arguments);
        return Start(start, folder, environment);
    }

    private static CliProcess Start(ProcessStartInfo start, string folder, (string Name, string Value)[] environment)
    {
        start.WorkingDirectory = folder;
        foreach (var setting in Settings)
        {
            start.Environment.Remove(setting);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new CliProcess(start);
    }

    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>SIGKILL: the process gets no chance to write anything.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>SIGTERM, or SIGINT as Ctrl-C sends it.</summary>
    public async Task SignalAsync(string signal, CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", ["-s", signal, _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private void Add(StringBuilder text, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (text)
        {
            text.AppendLine(line);
            if (ReferenceEquals(text, _output))
            {
                _awaited.FindAll(wait => line.Contains(wait.Text, StringComparison.Ordinal)).ForEach(wait => wait.Seen.TrySetResult());
            }
        }

        var word = line.Split(' ').FirstOrDefault(part => part.StartsWith("http://", StringComparison.Ordinal));
        if (word is not null && Uri.TryCreate(word, UriKind.Absolute, out var address))
        {
            _server.TrySetResult(address);
        }
    }
}
