namespace MLflow;

/// <summary>Tokens whose end is told as a time of somebody else's clock.</summary>
internal static class ExpiringTokens
{
    /// <summary>
    /// How long it is good. Null where it would have ended already though it has just come: the clocks differ, and it is used until it is refused.
    /// </summary>
    public static TimeSpan? Lifetime(DateTimeOffset end, TimeProvider timeProvider)
    {
        var left = end - timeProvider.GetUtcNow();
        return left > TokenCache.Margin ? left : null;
    }
}
