using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresRollupTests(PostgresCluster cluster) : RollupConformance
{
    private string? _uri;
    private PostgresDatabase? _database;

    private protected override async Task<(ITraceStore Traces, IRollups Rollups, ITraceAnalysis Rolled, ITraceAnalysis Exact)> OpenAsync()
    {
        _uri = await cluster.CreateDatabaseAsync();
        _database = await PostgresDatabase.OpenAsync(_uri, TimeProvider.System, null, Xunit.TestContext.Current.CancellationToken);
        return (new PostgresTraceStore(_database), _database.Rollups(), new PostgresTraceAnalysis(_database, rollupsFrom: 0), new PostgresTraceAnalysis(_database, rollupsFrom: int.MaxValue));
    }

    protected override async Task CloseAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
            await cluster.ReturnAsync(_uri!);
        }
    }
}
