using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MLflow.Tests;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class ImportCommandTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_Starts_TakesWhatProgramsLeftForIt()
    {
        using var folder = new TemporaryFolder();
        var spool = Path.Combine(folder.Path, "spool");
        var port = FreePort.Next();
        var traceId = await LeaveAsync($"http://localhost:{port}", spool);

        await using var server = CliProcess.Mlflow(folder.Path, ["server", "--port", Text(port)], ("MLFLOW_SPOOL_DIRECTORY", spool));
        using var api = new TrackingApi(await server.ServerAsync(Token));
        await server.WaitForOutputAsync("1 trace that waited in", Token);

        Assert.Single(await api.SpansAsync(traceId, Token));
        Assert.Empty(Directory.GetFiles(spool));
    }

    [Fact]
    public async Task Server_ToldToStopWhileItSendsWhatWaits_StopsAndKeepsTheRest()
    {
        using var folder = new TemporaryFolder();
        var spool = Path.Combine(folder.Path, "spool");

        var port = FreePort.Next();
        await LeaveAsync($"http://127.0.0.2:{port}", spool);

        // At that other address of this machine, a server that takes traces and never answers.
        var isSending = new TaskCompletionSource();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Parse("127.0.0.2"), port));
        builder.Logging.ClearProviders();
        await using var silent = builder.Build();
        silent.MapGet("/version", () => "3.11.2");
        silent.MapPost("/v1/traces", async (HttpContext context) =>
        {
            isSending.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await silent.StartAsync(Token);
        await using var server = CliProcess.Mlflow(folder.Path, ["server", "--port", Text(port)], ("MLFLOW_SPOOL_DIRECTORY", spool));
        await isSending.Task.WaitAsync(Token);

        await server.SignalAsync("TERM", Token);

        Assert.Equal(0, await server.WaitAsync(Token).WaitAsync(TimeSpan.FromMinutes(1), Token));
        Assert.Empty(server.Errors);
        Assert.Single(Directory.GetFiles(spool));
    }

    [Fact]
    public async Task Import_ServerThere_SendsAndEndsWithZero()
    {
        using var folder = new TemporaryFolder();
        var spool = Path.Combine(folder.Path, "spool");
        var port = FreePort.Next();
        var traceId = await LeaveAsync($"http://127.0.0.1:{port}", spool);
        await using var server = CliProcess.Mlflow(folder.Path, ["server", "--port", Text(port)]);
        var address = await server.ServerAsync(Token);

        await using var import = CliProcess.Mlflow(folder.Path, ["import", "--spool", spool]);

        Assert.True(await import.WaitAsync(Token) == 0, import.Output + import.Errors);
        Assert.Contains("1 trace sent to", import.Output, StringComparison.Ordinal);
        using var api = new TrackingApi(address);
        Assert.Single(await api.SpansAsync(traceId, Token));
        Assert.Empty(Directory.GetFiles(spool));
    }

    [Fact]
    public async Task Import_ServerAway_SaysSoAndKeepsTheTraces()
    {
        using var folder = new TemporaryFolder();
        var spool = Path.Combine(folder.Path, "spool");
        await LeaveAsync($"http://127.0.0.1:{FreePort.Next()}", spool);

        await using var import = CliProcess.Mlflow(folder.Path, ["import", "--spool", spool]);

        Assert.Equal(1, await import.WaitAsync(Token));
        Assert.Contains("0 traces sent to", import.Output, StringComparison.Ordinal);
        Assert.Contains("no MLflow server at", import.Output, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(spool));
    }

    [Theory]
    [InlineData(2, "give either --spool or --mlflow-database", "import")]
    [InlineData(2, "is not a folder", "import", "--spool", "/nowhere")]
    public async Task Import_Mistaken_SaysWhat(int exitCode, string sentence, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        await using var import = CliProcess.Mlflow(folder.Path, arguments);

        Assert.Equal(exitCode, await import.WaitAsync(Token));
        Assert.Contains(sentence, import.Errors, StringComparison.OrdinalIgnoreCase);
    }

    private static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Makes a trace for a server that is not there.</summary>
    private static async Task<string> LeaveAsync(string address, string spool)
    {
        await using var client = new MlflowClient(new MlflowClientOptions
        {
            TrackingUri = address,
            SpoolDirectory = spool,
            LoggerFactory = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
        });
        using var span = client.StartSpan("left");
        return span.TraceId;
    }
}
