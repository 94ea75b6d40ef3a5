using DbUp;
using DbUp.Engine;
using DbUp.Engine.Output;
using MLflow.Server.Storage.Sqlite;
using Xunit;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteMigratorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<int> Versions => [.. Enumerable.Range(1, Scripts().Count)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Open_DatabaseOfAnEarlierVersion_KeepsItsTracesAndTakesNewOnes(int version)
    {
        var path = _folder.File("mlflow.db");
        var result = DeployChanges.To.SqliteDatabase($"Data Source={path};Pooling=False")
            .WithScripts(Scripts().Take(version).Select(name => new SqlScript(name, Read(name))))
            .WithVariablesDisabled().LogTo(new NoOpUpgradeLog()).Build().PerformUpgrade();
        Assert.True(result.Successful, result.Error?.Message);
        var old = DeployChanges.To.SqliteDatabase($"Data Source={path};Pooling=False")
            .WithScript("old trace", "INSERT INTO traces (trace_id, experiment_id, request_time_ms, state) VALUES ('tr-old', 0, 1, 'OK')")
            .JournalTo(new DbUp.Helpers.NullJournal()).LogTo(new NoOpUpgradeLog()).Build().PerformUpgrade();
        Assert.True(old.Successful, old.Error?.Message);

        await using var database = SqliteDatabase.Open(path, TimeProvider.System);
        var store = new SqliteTraceStore(database);
        await store.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1)), Xunit.TestContext.Current.CancellationToken);

        var traces = (await store.SearchAsync(new() { ExperimentIds = [0] }, Xunit.TestContext.Current.CancellationToken)).Traces;
        Assert.Equal(2, traces.Count);
        Assert.Equal("tr-old", traces[^1].TraceId);
    }

    private static List<string> Scripts() => [.. typeof(SqliteMigrator).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("sqlite/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static string Read(string name)
    {
        using var reader = new StreamReader(typeof(SqliteMigrator).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
