using MLflow.Server.Access;
using MLflow.Server.Storage;

namespace MLflow.Cli.Access;

/// <summary>The users of a database, and what changes them. A server that uses the same database sees changes with its next request.</summary>
internal sealed class OpenedStore : IAsyncDisposable
{
    private readonly IDatabase _database;

    public OpenedStore(IDatabase database, TimeProvider timeProvider)
    {
        _database = database;
        Users = database.Access();
        Experiments = database.Experiments();
        Administration = new AccessAdministration(Users, new AuditLog(Users, timeProvider), timeProvider);
    }

    public IAccessStore Users { get; }

    public IExperimentStore Experiments { get; }

    public AccessAdministration Administration { get; }

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
