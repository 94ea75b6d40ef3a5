using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Client;

public sealed class ProgramEndTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlflow-end-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("return", 7)]
    [InlineData("exit", 7)]
    [InlineData("throw", 134)]
    public async Task Program_Ends_SendsWhatWaits(string ending, int exitCode)
    {
        await using var server = await LoopbackServer.StartAsync();
        using var program = ExitingProgram.Start(ending, server.Address);

        await program.WaitForExitAsync(Token);

        Assert.Equal(exitCode, program.ExitCode);
        Assert.Single(server.To("/api/3.0/mlflow/traces"));
    }

    [Fact]
    public async Task Program_EndedByAnExceptionOutOfASpan_SendsItsTraceToo()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var program = ExitingProgram.Start("throw traced", server.Address);

        await program.WaitForExitAsync(Token);

        Assert.Equal(2, server.To("/api/3.0/mlflow/traces").Count());
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public async Task Program_EndedBySignal_SendsWhatWaitsAndEndsAsBySignal(string signal, int exitCode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are Unix's.");
        await using var server = await LoopbackServer.StartAsync();

        // The answers wait for the signal: otherwise the worker would send in time by itself.
        var signalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Intercept = async (_, _) =>
        {
            await signalled.Task;
            return false;
        };
        using var program = ExitingProgram.Start("wait", server.Address);
        Assert.Equal(ExitingProgram.Ready, await program.StandardOutput.ReadLineAsync(Token));

        using var kill = Process.Start("kill", ["-" + signal, program.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Token);
        signalled.SetResult();
        await program.WaitForExitAsync(Token);

        Assert.Equal(exitCode, program.ExitCode);
        Assert.Single(server.To("/api/3.0/mlflow/traces"));
    }

    [Theory]
    [InlineData("TERM", false)]
    [InlineData("TERM", true)]
    [InlineData("INT", false)]
    [InlineData("INT", true)]
    public async Task Program_EndedBySignalWhileItsServerIsAwayOrSilent_LeavesWhatWaitsOnTheDisk(string signal, bool isSilent)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are Unix's.");
        var port = FreePort.Next();
        await using var silent = isSilent ? await LoopbackServer.StartAsync(port) : null;
        silent?.Intercept = (context, request) => request.Path == "/v1/traces" ? NeverAsync(context) : Task.FromResult(false);
        using var program = ExitingProgram.Start("wait", $"http://127.0.0.1:{port}", (ExitingProgram.Spool, _folder));
        Assert.Equal(ExitingProgram.Ready, await program.StandardOutput.ReadLineAsync(Token));

        using var kill = Process.Start("kill", ["-" + signal, program.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Token);
        var errors = await program.StandardError.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);

        Assert.Equal(signal == "TERM" ? 143 : 130, program.ExitCode);

        // While its server is away, the worker may have put it there already.
        Assert.Contains(isSilent ? "1 trace was not sent before the signal to end the program came" : "No MLflow server", errors, StringComparison.Ordinal);
        silent?.Intercept = null;
        await using var server = isSilent ? null : await LoopbackServer.StartAsync(port);
        Assert.Equal(1, await SendSpooledAsync(port));
    }

    [Fact]
    public async Task Program_EndsWithSilentServerAndASlowDisk_LeavesWhatWaitsOnTheDisk()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = (context, request) => request.Path == "/v1/traces" ? NeverAsync(context) : Task.FromResult(false);
        using var program = ExitingProgram.Start("slow disk", server.Address, (ExitingProgram.Spool, _folder));
        await program.WaitForExitAsync(Token);

        Assert.Equal(7, program.ExitCode);
        server.Intercept = null;
        Assert.Equal(2, await SendSpooledAsync(server.Port));
    }

    [Fact]
    public async Task Plugin_Unloaded_SendsWhatWaitsAndIsGone()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var program = ExitingProgram.Start("plug-in", server.Address);
        var said = await program.StandardOutput.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);

        Assert.Equal((7, ExitingProgram.Gone), (program.ExitCode, said.Trim()));
        Assert.Equal("in a plug-in", Assert.Single(server.To("/v1/traces").Single().Spans).Name);
    }

    [Fact]
    public async Task Program_EndsWithServerAway_SaysWhatWasNotSent()
    {
        using var program = ExitingProgram.Start("return", $"http://127.0.0.1:{FreePort.Next()}");

        var errors = await program.StandardError.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);

        Assert.Equal(7, program.ExitCode);
        Assert.Contains("1 trace was not sent before the program ended", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Program_EndsWithSilentServer_TakesNoLongerThanTheDeadline()
    {
        var requests = 0;
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (request.Path == "/version")
            {
                return false;
            }

            Interlocked.Increment(ref requests);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
            return true;
        };
        using var program = ExitingProgram.Start("return", server.Address);

        await program.WaitForExitAsync(Token);

        // A flush tries a server again that let a request run into its own limit, which is six times the deadline.
        Assert.Equal((7, 1), (program.ExitCode, requests));
    }

    private static async Task<bool> NeverAsync(HttpContext context)
    {
        await Task.Delay(Timeout.Infinite, context.RequestAborted);
        return true;
    }

    /// <returns>How many traces were on the disk.</returns>
    private async Task<long> SendSpooledAsync(int port)
    {
        await using var exporter = new TraceExporter(new SelfLog(new RecordingLog(), TimeProvider.System), TimeProvider.System, _folder);
        return (await exporter.SendSpooledAsync(new Uri($"http://127.0.0.1:{port}"), Token)).Recovered;
    }
}
