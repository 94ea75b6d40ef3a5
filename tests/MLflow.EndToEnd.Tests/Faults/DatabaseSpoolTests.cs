using MLflow.EndToEnd.Tests.Cli;
using Xunit;

namespace MLflow.EndToEnd.Tests.Faults;

/// <summary>Programs whose tracking URI is a database, and what they could not put into it: their server has another address in each process.</summary>
public sealed class DatabaseSpoolTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Database => Path.Combine(_folder.Path, "mlflow.db");

    private string Spool => Path.Combine(_folder.Path, "spool");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Left_NextRunWithTheDatabase_SendsIt()
    {
        var traceId = await LeaveAsync();

        await using var program = Run(DatabaseProgram.Send, _folder.StoreUri);

        Assert.Equal(0, await program.WaitAsync(Token));
        Assert.Contains("1 recovered", program.Output, StringComparison.Ordinal);
        await using var server = CliProcess.Mlflow(_folder.Path, ["server", "--port", "0", "--backend-store-uri", _folder.StoreUri], ("MLFLOW_SPOOL_DIRECTORY", "none"));
        await AssertStoredAsync(server, traceId);
    }

    [Fact]
    public async Task Left_ImportSpool_SendsIt()
    {
        var traceId = await LeaveAsync();

        await using var import = CliProcess.Mlflow(_folder.Path, ["import", "--spool", Spool]);

        Assert.Equal(0, await import.WaitAsync(Token));
        Assert.Contains($"1 trace sent to {_folder.StoreUri}", import.Output, StringComparison.Ordinal);
        await using var server = CliProcess.Mlflow(_folder.Path, ["server", "--port", "0", "--backend-store-uri", _folder.StoreUri], ("MLFLOW_SPOOL_DIRECTORY", "none"));
        await AssertStoredAsync(server, traceId);
    }

    [Fact]
    public async Task Left_ServerOnTheDatabase_TakesItAtItsStart()
    {
        var traceId = await LeaveAsync();

        await using var server = CliProcess.Mlflow(_folder.Path, ["server", "--port", "0", "--backend-store-uri", "sqlite:///mlflow.db"], ("MLFLOW_SPOOL_DIRECTORY", Spool));
        await server.WaitForOutputAsync("1 trace that waited in", Token);

        await AssertStoredAsync(server, traceId);
    }

    [Fact]
    public async Task Left_DatabaseRemoved_ImportSaysSoAndMakesNoOther()
    {
        await LeaveAsync();
        Array.ForEach(Directory.GetFiles(_folder.Path, "mlflow.db*"), File.Delete);

        await using var import = CliProcess.Mlflow(_folder.Path, ["import", "--spool", Spool]);

        Assert.Equal(1, await import.WaitAsync(Token));
        Assert.Contains($"0 traces sent to {_folder.StoreUri}; the rest stays: the database is not there", import.Output, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Spool));
        Assert.False(File.Exists(Database));
    }

    private async Task<string> LeaveAsync()
    {
        await using var program = Run(DatabaseProgram.Leave, "sqlite:///mlflow.db");
        Assert.Equal(0, await program.WaitAsync(Token));
        Assert.Single(Directory.GetFiles(Spool));
        return program.Output.Trim();
    }

    private async Task AssertStoredAsync(CliProcess server, string traceId)
    {
        using var api = new TrackingApi(await server.ServerAsync(Token));
        Assert.Single(await api.SpansAsync(traceId, Token));
        Assert.Empty(Directory.GetFiles(Spool));
    }

    private CliProcess Run(string task, string trackingUri) => CliProcess.DotNet(
        _folder.Path,
        [typeof(DatabaseProgram).Assembly.Location, DatabaseProgram.Argument, task, Database, Spool],
        ("MLFLOW_TRACKING_URI", trackingUri));
}
