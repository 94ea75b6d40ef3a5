using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteGatewayStoreTests : GatewayStoreConformance
{
    private readonly TemporaryFolder _folder = new();

    private protected override Task<IDatabase> OpenAsync() => Task.FromResult<IDatabase>(SqliteDatabase.Open(_folder.File("mlflow.db"), Time));

    protected override Task CloseAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }
}
