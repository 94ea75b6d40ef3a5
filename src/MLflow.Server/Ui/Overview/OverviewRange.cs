using MLflow.Server.Traces.Analysis;
using static MLflow.Server.Ui.Formatting.Words;

namespace MLflow.Server.Ui.Overview;

/// <summary>A time that an overview can show, and how it is cut.</summary>
/// <param name="Key">In the address, and on the button.</param>
/// <param name="BucketMs">Length of a piece.</param>
/// <param name="Buckets">How many.</param>
public sealed record OverviewRange(string Key, long BucketMs, int Buckets)
{
    private const long Minute = 60_000;

    public static readonly IReadOnlyList<OverviewRange> All =
    [
        new("1h", Minute, 60),
        new("24h", 15 * Minute, 96),
        new("7d", 120 * Minute, 84),
        new("30d", 480 * Minute, 90),
    ];

    public static OverviewRange Of(string? key) => All.FirstOrDefault(range => range.Key == key) ?? All[1];

    /// <summary>In a sentence: "in …".</summary>
    public string Words => Key switch
    {
        "1h" => T("an hour"),
        "24h" => T("24 hours"),
        "7d" => T("7 days"),
        _ => T("30 days"),
    };

    public string Button => Key.Insert(Key.Length - 1, " ");

    /// <summary>Up to now: the last piece is the one that goes on, and pieces begin at full minutes and hours of UTC, so that they stay the same pieces as time goes by.</summary>
    public OverviewQuery Query(long experimentId, DateTimeOffset now)
    {
        var last = now.ToUnixTimeMilliseconds() / BucketMs * BucketMs;
        return new OverviewQuery(experimentId, last - (BucketMs * (Buckets - 1)), BucketMs, Buckets);
    }
}
