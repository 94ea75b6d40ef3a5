using System.Collections.Concurrent;

namespace MLflow.Tests.Databricks.Workspace;

/// <summary>A scope of secrets.</summary>
internal sealed class StoredScope(string name)
{
    public string Name => name;

    /// <summary>The vault that it shows; null where it has its own store.</summary>
    public string? VaultId { get; init; }

    public string? VaultDnsName { get; init; }

    public ConcurrentDictionary<string, (byte[] Value, long Updated)> Secrets { get; } = new(StringComparer.Ordinal);

    /// <summary>Permissions by principal.</summary>
    public ConcurrentDictionary<string, string> Acls { get; } = new(StringComparer.Ordinal);

    /// <summary>Fact sheet §2.1: MANAGE is read, write and ACLs; WRITE is read and write; READ is to read and to list keys. <c>users</c> is everybody.</summary>
    public bool Allows(string principal, string permission)
    {
        string[] enough = permission switch
        {
            "READ" => ["READ", "WRITE", "MANAGE"],
            "WRITE" => ["WRITE", "MANAGE"],
            _ => ["MANAGE"],
        };
        return new[] { principal, "users" }.Any(who => Acls.TryGetValue(who, out var held) && enough.Contains(held));
    }
}
