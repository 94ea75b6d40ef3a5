using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteRollupTests : RollupConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override Task<(ITraceStore Traces, IRollups Rollups, ITraceAnalysis Rolled, ITraceAnalysis Exact)> OpenAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        return Task.FromResult<(ITraceStore, IRollups, ITraceAnalysis, ITraceAnalysis)>((
            new SqliteTraceStore(_database), _database.Rollups(), new SqliteTraceAnalysis(_database, rollupsFrom: 0), new SqliteTraceAnalysis(_database, rollupsFrom: int.MaxValue)));
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
