using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using Xunit;

namespace MLflow.Weaver.Tests.Builds;

/// <summary>A program that <c>dotnet watch</c> builds, runs and changes, until it is disposed.</summary>
internal sealed class WatchedProgram : IDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly ConcurrentQueue<string> _said = new();

    private WatchedProgram(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.Exited += (_, _) => _lines.Writer.TryComplete();
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>All lines so far.</summary>
    public IReadOnlyCollection<string> Said => _said;

    public static WatchedProgram Start(string folder)
    {
        var start = DotNet.Command(folder, ["watch", "--non-interactive"]);

        // Processes that outlive the build would keep its output open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_WATCH_SUPPRESS_EMOJIS"] = "1";
        return new WatchedProgram(start);
    }

    /// <summary>Waits until lines have held all of the texts, in any order: several processes write. What came before is not looked at again.</summary>
    public async Task SaysAsync(CancellationToken cancellationToken, params string[] texts)
    {
        var missing = texts.ToList();
        await foreach (var line in _lines.Reader.ReadAllAsync(cancellationToken))
        {
            missing.RemoveAll(text => line.Contains(text, StringComparison.Ordinal));
            if (missing.Count == 0)
            {
                return;
            }
        }

        Assert.Fail($"It ended without saying '{missing[0]}', but: {string.Join('\n', _said)}");
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Add(string? line)
    {
        if (line is not null)
        {
            _said.Enqueue(line);
            _lines.Writer.TryWrite(line);
        }
    }
}
