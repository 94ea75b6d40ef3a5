using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>A database of a test's own, of each kind that there is.</summary>
public abstract class DatabaseConformance : IAsyncLifetime
{
    private IDatabase? _database;

    private protected FakeTimeProvider Time { get; } = new();

    private protected IDatabase Database => _database!;

    protected static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _database = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
            await CloseAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the one database, as often as it is called.</summary>
    private protected abstract Task<IDatabase> OpenAsync();

    protected abstract Task CloseAsync();
}
