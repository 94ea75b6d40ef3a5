using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteViewStoreTests : ViewStoreConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override Task<IViewStore> OpenAsync()
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), TimeProvider.System);
        return Task.FromResult<IViewStore>(new SqliteViewStore(_database));
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
