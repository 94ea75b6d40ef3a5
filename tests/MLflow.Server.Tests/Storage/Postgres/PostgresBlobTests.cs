using MLflow.Server.Storage;
using MLflow.Server.Storage.Postgres;

namespace MLflow.Server.Tests.Storage.Postgres;

public sealed class PostgresBlobTests(PostgresCluster cluster) : BlobConformance
{
    private string? _uri;
    private PostgresDatabase? _database;

    private protected override async Task<IDatabase> OpenAsync(SpanBlobs blobs)
    {
        _uri = await cluster.CreateDatabaseAsync();
        _database = await PostgresDatabase.OpenAsync(_uri, Clock, null, Cancellation, blobs: blobs);
        return _database;
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
