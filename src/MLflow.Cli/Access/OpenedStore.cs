using MLflow.Server.Access;
using MLflow.Server.Secrets;
using MLflow.Server.Storage;

namespace MLflow.Cli.Access;

/// <summary>The users of a database, and what changes them. A server that uses the same database sees changes with its next request.</summary>
internal sealed class OpenedStore : IAsyncDisposable
{
    private readonly IDatabase _database;
    private readonly TimeProvider _timeProvider;
    private readonly AuditLog _audit;

    public OpenedStore(IDatabase database, TimeProvider timeProvider)
    {
        _database = database;
        Users = database.Access();
        Experiments = database.Experiments();
        _timeProvider = timeProvider;
        _audit = new AuditLog(Users, timeProvider);
        Administration = new AccessAdministration(Users, _audit, timeProvider);
    }

    public IAccessStore Users { get; }

    public IExperimentStore Experiments { get; }

    public AccessAdministration Administration { get; }

    /// <param name="keys">What its secrets are encrypted with.</param>
    public SecretVault Secrets(KeyRing keys) => new(new Documents(_database.Gateway(), _timeProvider), keys, _audit, _timeProvider);

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
