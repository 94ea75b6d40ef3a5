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

    [Fact]
    public async Task Distribute_WithoutCitus_SaysWhatIsMissingAndChangesNothing()
    {
        await using var postgres = await PostgresProcess.StartAsync(Token);

        var refused = await RunAsync("db", "distribute", "--backend-store-uri", postgres.Uri);
        var shown = await RunAsync("db", "distribute", "--dry-run", "--backend-store-uri", postgres.Uri);
        var ofAFile = await RunAsync("db", "distribute", "--backend-store-uri", _folder.StoreUri);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains("has no extension 'citus', and nothing was changed", refused.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Errors, StringComparison.Ordinal);
        Assert.Single(refused.Errors.Trim().Split('\n'));
        Assert.Equal((0, ""), (shown.ExitCode, shown.Errors));
        Assert.Contains("SELECT create_distributed_table('traces', 'trace_id', colocate_with => 'none');", shown.Output, StringComparison.Ordinal);
        Assert.Contains("create_distributed_table('trace_blobs', 'trace_id', colocate_with => 'traces')", shown.Output, StringComparison.Ordinal);
        Assert.Contains("create_reference_table('experiments')", shown.Output, StringComparison.Ordinal);
        Assert.Equal(1, ofAFile.ExitCode);
        Assert.Contains("only a database of PostgreSQL can be distributed", ofAFile.Errors, StringComparison.Ordinal);
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
