namespace MLflow.Server.Storage.Rollups;

/// <summary>What a span adds to the figures of its model or its tool.</summary>
internal readonly record struct RolledSpan
{
    private const double NanosecondsOfAMillisecond = 1e6;
    private const double NanosecondsOfASecond = 1e9;
    private const double MillisecondsOfASecond = 1e3;

    /// <summary>When its trace began.</summary>
    public long RequestTimeMs { get; init; }

    public bool IsTool { get; init; }

    /// <summary>The tool's, or the model's.</summary>
    public string Name { get; init; }

    public bool HasFailed { get; init; }

    public long StartNs { get; init; }

    public long? EndNs { get; init; }

    public long? FirstTokenMs { get; init; }

    public long? InputTokens { get; init; }

    public long? CachedInputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? InputCost { get; init; }

    public long? OutputCost { get; init; }

    // The difference is beyond 64 bits where clocks are far off.
    public double? DurationMs => EndNs is { } end ? (double)((Int128)end - StartNs) / NanosecondsOfAMillisecond : null;

    /// <summary>Seconds from the first token on; null where the call was not streamed.</summary>
    public double? StreamedSeconds => EndNs is { } end && FirstTokenMs is { } first && OutputTokens is not null && DurationMs > first
        ? ((double)((Int128)end - StartNs) / NanosecondsOfASecond) - (first / MillisecondsOfASecond)
        : null;
}
