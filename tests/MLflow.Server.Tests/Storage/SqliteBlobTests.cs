using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteBlobTests : BlobConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override Task<IDatabase> OpenAsync(SpanBlobs blobs)
    {
        _database = SqliteDatabase.Open(_folder.File("mlflow.db"), Clock, blobs: blobs);
        return Task.FromResult<IDatabase>(_database);
    }

    protected override async Task CloseAsync()
    {
        await _database!.DisposeAsync();
        _folder.Dispose();
    }
}
