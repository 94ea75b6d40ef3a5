namespace MLflow;

/// <summary>Times as spans have them: nanoseconds since the Unix epoch.</summary>
internal static class UnixNano
{
    public static DateTimeOffset ToTime(long nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);

    public static long Of(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>From one time to another; zero where the clock went back.</summary>
    public static TimeSpan Between(long from, long to) => TimeSpan.FromTicks(Math.Max(0, to - from) / TimeSpan.NanosecondsPerTick);
}
