namespace MLflow;

/// <summary>Tokens that a model call consumed. Null parts were not reported; they are not zero.</summary>
internal readonly record struct TokenUsage
{
    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? TotalTokens { get; init; }

    /// <summary>Part of <see cref="InputTokens"/> that came from the provider's cache.</summary>
    public long? CacheReadInputTokens { get; init; }

    /// <summary>Part of <see cref="InputTokens"/> that was written to the provider's cache.</summary>
    public long? CacheCreationInputTokens { get; init; }

    public static TokenUsage operator +(TokenUsage left, TokenUsage right) => new()
    {
        InputTokens = Add(left.InputTokens, right.InputTokens),
        OutputTokens = Add(left.OutputTokens, right.OutputTokens),
        TotalTokens = Add(left.TotalTokens, right.TotalTokens),
        CacheReadInputTokens = Add(left.CacheReadInputTokens, right.CacheReadInputTokens),
        CacheCreationInputTokens = Add(left.CacheCreationInputTokens, right.CacheCreationInputTokens),
    };

    private static long? Add(long? left, long? right) => left is null ? right : left + (right ?? 0);
}
