using System.Globalization;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.List;

/// <summary>How many traces began when, as bars over the width of the table. Failures stand on the base line, so that they compare.</summary>
public sealed class HistogramView
{
    /// <summary>Height of the drawing.</summary>
    public const int Height = 52;

    private const int MostLabels = 7;
    private readonly HistogramQuery _query;

    internal HistogramView(HistogramQuery query, TraceHistogram histogram)
    {
        _query = query;
        var most = histogram.Buckets.Values.Select(bucket => bucket.Traces).DefaultIfEmpty().Max();
        Bars = [.. histogram.Buckets.Where(bucket => bucket.Key >= 0 && bucket.Key < query.Buckets).OrderBy(bucket => bucket.Key).Select(bucket => Bar(bucket.Key, bucket.Value, most))];
        Worst = histogram.Worst is { Failed: > 1 } worst ? WorstWords(worst) : null;
        WorstLeft = histogram.Worst is { } place ? Math.Min(80, place.Bucket * 100.0 / query.Buckets) : 0;
        var step = Math.Max(1, (int)Math.Ceiling(query.Buckets / (double)(MostLabels - 1)));

        // One further right would be cut off.
        Labels = [.. Enumerable.Range(0, query.Buckets).Where(bucket => bucket % step == 0 && bucket * 10 <= query.Buckets * 9).Select(bucket => (bucket * 100.0 / query.Buckets, Time(bucket)))];
    }

    public IReadOnlyList<HistogramBar> Bars { get; }

    /// <summary>Percent from the left, and what time it is there.</summary>
    public IReadOnlyList<(double Left, string Text)> Labels { get; }

    /// <summary>The worst cluster in words; null where there is none.</summary>
    public string? Worst { get; }

    public double WorstLeft { get; }

    public long StartMs => _query.StartMs;

    public long BucketMs => _query.BucketMs;

    public int Buckets => _query.Buckets;

    /// <summary>"Traces in each 15 min".</summary>
    public string Title => Words.T("Traces in each {0}", Length(_query.BucketMs));

    private static string Length(long ms) => ms switch
    {
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{ms} ms"),
        < 60_000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 1000} s"),
        < 3_600_000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 60_000} min"),
        < 86_400_000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 3_600_000} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{ms / 86_400_000} d"),
    };

    private HistogramBar Bar(int bucket, HistogramBucket count, long most)
    {
        // One trace among thousands is still seen.
        var height = Math.Max(1.5, count.Traces * (double)Height / most);
        var failed = count.Failed == 0 ? 0 : Math.Max(1.5, count.Failed * (double)Height / most);
        var title = $"{Time(bucket)}: {Words.T(count.Traces == 1 ? "{0} trace" : "{0} traces", Figures.Count(count.Traces))}{(count.Failed == 0 ? "" : ", " + Words.T("{0} failed", Figures.Count(count.Failed)))}";
        return new HistogramBar(bucket, Math.Max(0, height - failed), failed, title);
    }

    private string WorstWords(FailureCluster worst)
    {
        var words = Words.T("{0} errors at {1}", Figures.Count(worst.Failed), Time(worst.Bucket));
        var type = worst.ErrorType is { } full && worst.OfType * 2 > worst.Failed ? full[(full.LastIndexOf('.') + 1)..] : null;
        var model = worst.Model is { } name && worst.OfModel * 2 > worst.Failed ? name : null;
        return (type, model) switch
        {
            (null, null) => words,
            (not null, not null) => $"{words}, {Words.T("{0} from {1}", type, model)}",
            _ => $"{words}, {type ?? model}",
        };
    }

    private string Time(int bucket)
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(_query.StartMs + (bucket * _query.BucketMs), -62_135_596_800_000, 253_402_300_799_999));
        var isLong = _query.EndMs - _query.StartMs > 36 * 3_600_000L;
        return time.ToString(_query.BucketMs >= 86_400_000 ? "yyyy-MM-dd" : isLong ? "MM-dd HH:mm" : _query.BucketMs < 60_000 ? "HH:mm:ss" : "HH:mm", CultureInfo.InvariantCulture);
    }
}
