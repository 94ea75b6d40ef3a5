using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Access;
using MLflow.Server.Secrets;
using MLflow.Server.Storage;
using MLflow.Server.Storage.Sqlite;

namespace MLflow.Server.Tests.Secrets;

/// <summary>Secrets in a database of their own, which several servers may have open.</summary>
internal sealed class SomeVault : IAsyncDisposable
{
    public const string Key = "sk-proj-Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OQ-abcd";

    private readonly TemporaryFolder _folder = new();
    private readonly List<IAsyncDisposable> _databases = [];

    public FakeTimeProvider Time { get; } = new();

    public IDatabase Database { get; private set; } = null!;

    public static Actor Actor { get; } = new("root", "127.0.0.1");

    public string File(string name) => _folder.File(name);

    /// <summary>Secrets as a server sees them that has these keys.</summary>
    public SecretVault Open(KeyRing keys)
    {
        Database = SqliteDatabase.Open(_folder.File("mlflow.db"), Time);
        _databases.Add(Database);
        return new SecretVault(new Documents(Database.Gateway(), Time), keys, new AuditLog(Database.Access(), Time), Time);
    }

    public static Task<StoredSecret> CreateAsync(SecretVault vault, string name = "openai", string? apiBase = null, string key = Key) => vault.CreateAsync(
        Actor, name, "openai", new Dictionary<string, string> { ["api_key"] = key }, apiBase is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["api_base"] = apiBase }, CancellationToken.None);

    /// <summary>So that all is in the database's own file.</summary>
    public async Task CloseAsync()
    {
        foreach (var database in _databases)
        {
            await database.DisposeAsync();
        }

        _databases.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Dispose();
    }
}
