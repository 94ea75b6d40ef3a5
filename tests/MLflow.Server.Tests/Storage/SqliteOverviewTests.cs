using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteOverviewTests : OverviewConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override Task<(ITraceStore Traces, ITraceAnalysis Analysis)> OpenAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        return Task.FromResult<(ITraceStore, ITraceAnalysis)>((new SqliteTraceStore(_database), new SqliteTraceAnalysis(_database)));
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
