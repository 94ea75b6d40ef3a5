namespace MLflow.Server.Storage.Sqlite;

/// <summary>Tries whether the database file can be written.</summary>
internal sealed class SqliteStoreHealth : IStoreHealth
{
    // The value of a field that nothing here uses: an empty transaction would not touch the disk.
    private const string TouchSql = "PRAGMA user_version = 0";

    private readonly SqliteDatabase _database;

    public SqliteStoreHealth(SqliteDatabase database) => _database = database;

    public Task WriteAsync(CancellationToken cancellationToken) => _database.Writer.WriteAsync(session => session[TouchSql].Execute(), cancellationToken);
}
