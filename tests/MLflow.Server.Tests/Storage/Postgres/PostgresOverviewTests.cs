using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresOverviewTests(PostgresCluster cluster) : OverviewConformance
{
    private string? _uri;
    private PostgresDatabase? _database;

    private protected override async Task<(ITraceStore Traces, ITraceAnalysis Analysis)> OpenAsync()
    {
        _uri = await cluster.CreateDatabaseAsync();
        _database = await PostgresDatabase.OpenAsync(_uri, TimeProvider.System, null, CancellationToken.None);
        return (new PostgresTraceStore(_database), new PostgresTraceAnalysis(_database));
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
