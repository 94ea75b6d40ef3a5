using MLflow.Server.Access;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Cli.Access;

/// <summary>The users of a database, and what changes them. A server that uses the same database sees changes with its next request.</summary>
internal sealed class OpenedStore : IAsyncDisposable
{
    private readonly SqliteDatabase _database;

    public OpenedStore(SqliteDatabase database, TimeProvider timeProvider)
    {
        _database = database;
        Users = new SqliteAccessStore(database);
        Experiments = new SqliteExperimentStore(database);
        Administration = new AccessAdministration(Users, new AuditLog(Users, timeProvider), timeProvider);
    }

    public IAccessStore Users { get; }

    public IExperimentStore Experiments { get; }

    public AccessAdministration Administration { get; }

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
