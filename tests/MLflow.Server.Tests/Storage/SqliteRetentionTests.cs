using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Storage;

public sealed class SqliteRetentionTests : RetentionConformance
{
    private readonly TemporaryFolder _folder = new();
    private SqliteDatabase? _database;

    private protected override Task<IDatabase> OpenAsync(SpanBlobs blobs) =>
        Task.FromResult<IDatabase>(_database = SqliteDatabase.Open(_folder.File("mlflow.db"), Clock, blobs: blobs));

    protected override Task ForgetRetentionAsync() => _database!.Writer.WriteAsync(session => session["DELETE FROM retention"].Execute(), Cancellation);

    protected override Task CloseAsync()
    {
        _folder.Dispose();
        return Task.CompletedTask;
    }
}
