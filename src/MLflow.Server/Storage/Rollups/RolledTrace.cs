namespace MLflow.Server.Storage.Rollups;

/// <summary>What a trace adds to the figures of its time.</summary>
internal readonly record struct RolledTrace
{
    public long RequestTimeMs { get; init; }

    public bool HasFailed { get; init; }

    public long? DurationMs { get; init; }

    public long? FirstTokenMs { get; init; }

    public long? InputTokens { get; init; }

    public long? CachedInputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? InputCost { get; init; }

    public long? OutputCost { get; init; }

    public long UnpricedCalls { get; init; }

    public string? Session { get; init; }

    public string? User { get; init; }
}
