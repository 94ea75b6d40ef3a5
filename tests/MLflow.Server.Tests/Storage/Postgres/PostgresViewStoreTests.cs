using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresViewStoreTests(PostgresCluster cluster) : ViewStoreConformance
{
    private string? _uri;
    private PostgresDatabase? _database;

    private protected override async Task<IViewStore> OpenAsync()
    {
        _uri = await cluster.CreateDatabaseAsync();
        _database = await PostgresDatabase.OpenAsync(_uri, TimeProvider.System, null, Cancellation);
        return new PostgresViewStore(_database);
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
