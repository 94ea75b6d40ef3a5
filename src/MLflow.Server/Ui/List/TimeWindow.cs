using System.Globalization;
using MLflow.Server.Traces.Filters;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.List;

/// <summary>The time of which a list shows traces: the last while, from one instant to another, or all.</summary>
/// <param name="Key">In the address: <c>24h</c>; null for all, and for a time of the reader's own.</param>
/// <param name="StartMs">Milliseconds since 1970; null for the first trace.</param>
/// <param name="EndMs">Itself not in it; null for now.</param>
public sealed record TimeWindow(string? Key, long? StartMs, long? EndMs)
{
    private const long Minute = 60_000;

    // From there, sums are still far from the ends of a long.
    private const long Far = 1L << 52;

    // Bars of a histogram; more are thinner than the space between them.
    private const int MostBuckets = 100;

    private static readonly (string Key, long Ms)[] Lasts =
        [("15m", 15 * Minute), ("1h", 60 * Minute), ("6h", 360 * Minute), ("24h", 1440 * Minute), ("7d", 7 * 1440 * Minute), ("30d", 30 * 1440 * Minute)];

    private static readonly long[] Buckets =
    [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, Minute, 2 * Minute, 5 * Minute, 15 * Minute, 30 * Minute, 60 * Minute, 120 * Minute, 240 * Minute, 480 * Minute,
        1440 * Minute, 2 * 1440 * Minute, 7 * 1440 * Minute, 30 * 1440 * Minute, 365 * 1440 * Minute,
    ];

    public static IEnumerable<string> Keys => Lasts.Select(last => last.Key);

    /// <summary>As an address says it; what it does not say well is passed over.</summary>
    public static TimeWindow Of(string? key, string? from, string? to, DateTimeOffset now)
    {
        if (Array.Find(Lasts, last => last.Key == key) is { Key: not null } found)
        {
            return new TimeWindow(found.Key, now.ToUnixTimeMilliseconds() - found.Ms, null);
        }

        var (start, end) = (Number(from), Number(to));
        return start >= end ? new TimeWindow(null, end, start) : new TimeWindow(null, start, end);
    }

    /// <summary>Whether new traces come into it.</summary>
    public bool IsOpen => EndMs is null;

    public bool IsAll => StartMs is null && EndMs is null;

    /// <summary>A filter, held to this time.</summary>
    public string? Filter(string? filter)
    {
        var conditions = new[] { StartMs is { } start ? string.Create(CultureInfo.InvariantCulture, $"timestamp_ms >= {start}") : null, EndMs is { } end ? string.Create(CultureInfo.InvariantCulture, $"timestamp_ms < {end}") : null }.OfType<string>();
        return IsAll ? filter : FilterText.And(filter, string.Join(" AND ", conditions));
    }

    /// <summary>How a histogram cuts it.</summary>
    /// <param name="firstMs">When the first trace began, for a time without a start.</param>
    /// <param name="now">For a time without an end.</param>
    public (long StartMs, long BucketMs, int Count) Cut(long firstMs, DateTimeOffset now)
    {
        var start = StartMs ?? firstMs;
        var end = Math.Max(start + 1, EndMs ?? (now.ToUnixTimeMilliseconds() + 1));
        var bucket = Array.Find(Buckets, ms => (end - start) / ms < MostBuckets - 1);
        bucket = bucket == 0 ? (end - start) / (MostBuckets - 1) : bucket;

        // From full minutes and hours, so that the bars stay the same as time goes by.
        var floor = (long)Math.Floor((double)start / bucket) * bucket;
        return (floor, bucket, (int)((end - 1 - floor) / bucket) + 1);
    }

    /// <summary>"last 24 hours".</summary>
    public static string Words(string key) => key switch
    {
        "15m" => T("last 15 minutes"),
        "1h" => T("last hour"),
        "6h" => T("last 6 hours"),
        "24h" => T("last 24 hours"),
        "7d" => T("last 7 days"),
        _ => T("last 30 days"),
    };

    /// <summary><c>15 min</c>, <c>1 h</c>, <c>7 d</c>: on its button.</summary>
    public static string Button(string key) => key.Insert(key.Length - 1, " ").Replace("m", "min", StringComparison.Ordinal);

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number is > -Far and < Far ? number : null;
}
