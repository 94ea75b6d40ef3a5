using System.Collections.Concurrent;
using System.Text;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>The secrets of the workspace. Fact sheet §2.1: names of scopes are unique in any case.</summary>
internal sealed class StoredSecrets(TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, StoredScope> _scopes = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Fact sheet §2.1: there is such a cap; which one is not certain.</summary>
    public int MaxScopes { get; set; } = 1000;

    /// <summary>Fact sheet §2.2: whether values are given to notebooks only, as one reading of the documentation has it.</summary>
    public bool IsForNotebooksOnly { get; set; }

    public ICollection<StoredScope> All => _scopes.Values;

    public StoredScope? Find(string? name) => name is not null && _scopes.TryGetValue(name, out var scope) ? scope : null;

    public bool TryAdd(StoredScope scope) => _scopes.TryAdd(scope.Name, scope);

    public bool Remove(string name) => _scopes.TryRemove(name, out _);

    /// <summary>A scope with a secret, of the user whom tokens are by default.</summary>
    public void Add(string scope, string key, string value) => Add(scope, key, Encoding.UTF8.GetBytes(value));

    /// <inheritdoc cref="Add(string, string, string)"/>
    public void Add(string scope, string key, byte[] value)
    {
        var stored = _scopes.GetOrAdd(scope, name => new StoredScope(name) { Acls = { [UserEndpoints.UserName] = "MANAGE" } });
        stored.Secrets[key] = (value, clock.GetUtcNow().ToUnixTimeMilliseconds());
    }
}
