namespace MLflow.Server.Access;

/// <summary>A token of a user, without its secret, which nobody but its holder knows.</summary>
public sealed record ApiToken
{
    /// <summary>The part that is no secret, by which it is found.</summary>
    public required string TokenId { get; init; }

    public required long UserId { get; init; }

    /// <summary>Given by its maker, to know it by.</summary>
    public required string Name { get; init; }

    public required byte[] SecretHash { get; init; }

    public required TokenScope Scope { get; init; }

    /// <summary>The only experiments that it is for; null for all.</summary>
    public IReadOnlyList<long>? Experiments { get; init; }

    public required long CreatedMs { get; init; }

    /// <summary>Null for never.</summary>
    public long? ExpiresMs { get; init; }

    /// <summary>Within <see cref="AccessDirectory.UseResolution"/>; null for not yet.</summary>
    public long? LastUsedMs { get; init; }

    public long? RevokedMs { get; init; }

    public bool IsValid(long nowMs) => RevokedMs is null && !(ExpiresMs <= nowMs);
}
