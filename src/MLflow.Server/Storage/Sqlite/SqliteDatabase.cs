using Microsoft.Data.Sqlite;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>An opened and migrated database file: one writer, and as many readers as ask.</summary>
internal sealed class SqliteDatabase : IAsyncDisposable
{
    private readonly string _readConnectionString;

    private SqliteDatabase(string path, SqliteWriter writer)
    {
        _readConnectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = true,
        }.ToString();
        Writer = writer;
    }

    public SqliteWriter Writer { get; }

    /// <summary>Opens the database and brings its schema up to date; creates file and folder when they are missing.</summary>
    /// <exception cref="DatabaseOpenException">The file is not ours, or cannot be written.</exception>
    public static SqliteDatabase Open(string path, TimeProvider timeProvider)
    {
        SqliteMigrator.Migrate(path);
        return new SqliteDatabase(path, new SqliteWriter(path, timeProvider));
    }

    /// <summary>A pooled connection that cannot write; dispose it soon, an open read transaction keeps the WAL from shrinking.</summary>
    public SqliteConnection OpenRead()
    {
        var connection = new SqliteConnection(_readConnectionString);
        connection.Open();
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        // Readers go first: the last connection to close checkpoints the WAL and removes it, and only the writer's may.
        using (var connection = new SqliteConnection(_readConnectionString))
        {
            SqliteConnection.ClearPool(connection);
        }

        await Writer.DisposeAsync().ConfigureAwait(false);
    }
}
