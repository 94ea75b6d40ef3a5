using MLflow.Server.Traces.Retention;

namespace MLflow.Server.Storage.Postgres;

/// <summary>
/// The bucket of a trace: the day on which it is expected to expire, by which its spans are partitioned, so that what has expired is dropped and not deleted row by row.
/// A trace gets it when it is first heard of, and keeps it until the day is over. It expires by retention alone (<see cref="PostgresRetentionStore"/>), not by its bucket.
/// </summary>
internal static class TraceBucket
{
    /// <summary>Added to the month in which a trace came that never expires: a day that nobody waits for, and a partition for each month all the same.</summary>
    private const int Eternity = 4000;

    /// <param name="seen">When the trace was first heard of.</param>
    /// <param name="retentionDays">For how many days it is kept, 1 to <see cref="RetentionPolicy.MaxDays"/>; null for ever.</param>
    /// <exception cref="ArgumentOutOfRangeException">The retention is none.</exception>
    public static DateOnly For(DateTimeOffset seen, int? retentionDays)
    {
        var day = DateOnly.FromDateTime(seen.UtcDateTime);
        if (retentionDays is not { } days)
        {
            return new DateOnly(day.Year + Eternity, day.Month, 1);
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(days, 1, nameof(retentionDays));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(days, RetentionPolicy.MaxDays, nameof(retentionDays));
        return day.AddDays(days);
    }

    public static bool IsEternal(DateOnly bucket) => bucket.Year >= Eternity;

    /// <summary>Whether the day is over. What is left of the bucket then is kept longer than was expected, and has to leave it.</summary>
    public static bool IsOver(DateOnly bucket, DateTimeOffset now) => bucket < DateOnly.FromDateTime(now.UtcDateTime);
}
