namespace MLflow.Server.Access;

/// <summary>Somebody who may use the server.</summary>
public sealed record User
{
    public required long UserId { get; init; }

    public required string Name { get; init; }

    /// <summary>Null for those who cannot sign in with a password. See <see cref="PasswordHash"/>.</summary>
    public string? PasswordHash { get; init; }

    /// <summary>Whether they may do everything, and manage users.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>For experiments without an entry in <see cref="Permissions"/>.</summary>
    internal Permission DefaultPermission { get; init; }

    internal IReadOnlyDictionary<long, Permission> Permissions { get; init; } = new Dictionary<long, Permission>();

    /// <summary>Who signs them in, and whom they are there; null for users of this server alone.</summary>
    public string? Issuer { get; init; }

    public string? Subject { get; init; }

    public required long CreatedMs { get; init; }

    internal Permission PermissionOf(long experimentId) =>
        IsAdmin ? Permission.Manage : Permissions.TryGetValue(experimentId, out var permission) ? permission : DefaultPermission;
}
