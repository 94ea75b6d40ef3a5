using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class DatabaseCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Backup_OfARunningServer_IsServedWithAllTraces()
    {
        var copy = Path.Combine(_folder.Path, "copy.db");
        string traceId;
        await using (var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = _folder.StoreUri }, Token))
        {
            traceId = await TraceAsync(server.BaseAddress);
            var backup = await RunAsync("db", "backup", "--file", copy, "--backend-store-uri", _folder.StoreUri);
            Assert.Equal(("", 0), (backup.Errors, backup.ExitCode));
            Assert.StartsWith("Copied to ", backup.Output, StringComparison.Ordinal);
            var check = await RunAsync("db", "check", "--backend-store-uri", _folder.StoreUri);
            Assert.Equal((0, "1 trace with 1 span: all is well"), (check.ExitCode, check.Output.Trim()));
            var compact = await RunAsync("db", "compact", "--backend-store-uri", _folder.StoreUri);
            Assert.Equal(0, compact.ExitCode);
            Assert.Contains(" before, ", compact.Output, StringComparison.Ordinal);
            Assert.Equal(1, (await RunAsync("db", "backup", "--file", copy, "--backend-store-uri", _folder.StoreUri)).ExitCode);
        }

        await using var restored = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + copy }, Token);
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = restored.BaseAddress.ToString() });
        Assert.Equal(traceId, (await client.GetTraceAsync(traceId, Token)).TraceId);
    }

    [Fact]
    public async Task Check_MissingDatabase_IsOneSentence()
    {
        var check = await RunAsync("db", "check");
        Assert.Equal(1, check.ExitCode);
        Assert.Contains("There is no database", check.Errors, StringComparison.Ordinal);
        Assert.Single(check.Errors.Trim().Split('\n'));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static async Task<string> TraceAsync(Uri server)
    {
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = server.ToString() });
        string traceId;
        using (var span = client.StartSpan("work"))
        {
            traceId = span.TraceId;
        }

        Assert.Equal(1, (await client.FlushAsync(Token)).Exported);
        return traceId;
    }

    private async Task<CommandResult> RunAsync(params string[] arguments)
    {
        await using var process = CliProcess.Mlflow(_folder.Path, arguments);
        var exitCode = await process.WaitAsync(Token);
        return new CommandResult(exitCode, process.Output, process.Errors);
    }
}
