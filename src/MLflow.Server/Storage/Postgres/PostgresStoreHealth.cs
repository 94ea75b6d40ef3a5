namespace MLflow.Server.Storage.Postgres;

/// <summary>Tries whether the database can be written.</summary>
internal sealed class PostgresStoreHealth : IStoreHealth
{
    // A row that is locked for moments only.
    private const string TouchSql = "UPDATE access_version SET version = version";

    private readonly PostgresDatabase _database;

    public PostgresStoreHealth(PostgresDatabase database) => _database = database;

    public Task WriteAsync(CancellationToken cancellationToken) => _database.WriteAsync(session => session.ExecuteAsync(TouchSql), isIdempotent: true, cancellationToken);
}
