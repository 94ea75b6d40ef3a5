using System.Globalization;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Ui.Formatting;

namespace MLflow.Server.Ui.Overview;

/// <summary>What the overview page says and draws.</summary>
public sealed class OverviewView
{
    private const int AxisLabels = 7;

    private readonly Traces.Analysis.Overview _overview;
    private readonly IReadOnlyList<OverviewFigures> _buckets;

    public OverviewView(Traces.Analysis.Overview overview, OverviewRange range)
    {
        _overview = overview;
        Range = range;
        _buckets = [.. Enumerable.Range(0, range.Buckets).Select(i => overview.Buckets.GetValueOrDefault(i) ?? OverviewFigures.None)];
        Lanes = [Traces(), Latency(), FirstToken(), Tokens(), Cost()];
    }

    public OverviewRange Range { get; }

    public long StartMs => _overview.Query.StartMs;

    public OverviewFigures Total => _overview.Total;

    public IReadOnlyList<ModelFigures> Models => _overview.Models;

    public IReadOnlyList<ToolFigures> Tools => _overview.Tools;

    public FailureCluster? Worst => _overview.Worst;

    public IReadOnlyList<OverviewLane> Lanes { get; }

    /// <summary>The piece at which the cross-hair rests: the worst, else the newest that has traces.</summary>
    public int Rest => Worst?.Bucket ?? Math.Max(0, _buckets.ToList().FindLastIndex(bucket => bucket.Traces > 0));

    /// <summary>Labels from the left edge to the right one.</summary>
    public IReadOnlyList<string> Axis => [.. Enumerable.Range(0, AxisLabels).Select(i => AxisLabel(_overview.Query.StartMs + ((_overview.Query.EndMs - _overview.Query.StartMs) * i / (AxisLabels - 1)), i is 0 or AxisLabels - 1))];

    /// <summary>Start of each piece, as the cross-hair reads it.</summary>
    public IReadOnlyList<string> Times => [.. Enumerable.Range(0, Range.Buckets).Select(Time)];

    /// <summary>"16 of them at 18:30, most with TimeoutException of gpt-4o", or null where no failure stands out.</summary>
    public string? WorstWords
    {
        get
        {
            if (Worst is not { Failed: > 1 } worst)
            {
                return null;
            }

            var type = Share(worst.OfType) is { } ofType ? $" {ofType}with {ShortType(worst.ErrorType!)}" : "";
            var model = Share(worst.OfModel) is { } ofModel ? $" {ofModel}of {worst.Model}" : "";
            return $"{(worst.Failed == Total.Failed ? "all" : Figures.Count(worst.Failed))} of them at {Time(worst.Bucket)}{(type.Length + model.Length > 0 ? "," : "")}{type}{model}";

            string? Share(long count) => count == worst.Failed ? "" : count * 2 > worst.Failed ? "most " : null;
        }
    }

    /// <summary>The filter of the list that shows the traces of the whole time.</summary>
    public string Filter() => Between(_overview.Query.StartMs, _overview.Query.EndMs);

    public string FailedFilter() => $"status = 'ERROR' AND {Filter()}";

    public string WorstFilter() => $"status = 'ERROR' AND {BucketFilter(Rest)}";

    public string BucketFilter(int bucket) => Between(_overview.Query.StartMs + (bucket * Range.BucketMs), _overview.Query.StartMs + ((bucket + 1) * Range.BucketMs));

    /// <summary>Null where no quotes are left for the name.</summary>
    public string? ModelFilter(string model) => Quoted(model) is { } value ? $"span.attributes.`{AttributeNames.Model}` = {value} AND {Filter()}" : null;

    public string? ToolFilter(string tool) => Quoted(tool) is { } value ? $"span.type = 'TOOL' AND span.name = {value} AND {Filter()}" : null;

    /// <summary>How far the longest of the models' bars goes, and each of them beside it.</summary>
    public double Share(double? ms) => Models.Max(model => model.DurationP50) is > 0 and var most && ms is { } value ? Math.Clamp(value / most * 100, 0, 100) : 0;

    private static string Between(long startMs, long endMs) => string.Create(CultureInfo.InvariantCulture, $"timestamp_ms >= {startMs} AND timestamp_ms < {endMs}");

    private static string? Quoted(string text) => !text.Contains('\'', StringComparison.Ordinal) ? $"'{text}'" : !text.Contains('"', StringComparison.Ordinal) ? $"\"{text}\"" : null;

    private static string ShortType(string type) => type[(type.LastIndexOf('.') + 1)..];

    private string Time(int bucket)
    {
        var start = DateTimeOffset.FromUnixTimeMilliseconds(_overview.Query.StartMs + (bucket * Range.BucketMs));
        return start.ToString(Range.BucketMs * Range.Buckets > 26 * 3_600_000L ? "ddd d HH:mm" : "HH:mm", CultureInfo.InvariantCulture);
    }

    private string AxisLabel(long ms, bool isEnd)
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds(ms);
        var days = (_overview.Query.EndMs - _overview.Query.StartMs) / 86_400_000;
        return time.ToString(days > 7 ? "MMM d" : days > 1 ? "ddd d" : isEnd && days == 1 ? "ddd HH:mm" : "HH:mm", CultureInfo.InvariantCulture);
    }

    private OverviewLane Traces()
    {
        var top = Top(_buckets.Max(bucket => bucket.Traces), 4);
        double[] failed = [.. _buckets.Select(bucket => (double)bucket.Failed)];
        return new OverviewLane
        {
            Title = "Traces",
            Note = "failed in red",
            Top = Short(top),
            Shapes = [new(LanePath.Bars([.. _buckets.Select(bucket => (double)(bucket.Traces - bucket.Failed))], top, failed), "c-plain"), new(LanePath.Bars(failed, top), "c-err")],
            Readings = [.. _buckets.Select(bucket => new OverviewReading(Figures.Count(bucket.Traces), bucket.Traces == 0 ? "" : bucket.Failed == 0 ? "none failed" : $"{Figures.Count(bucket.Failed)} failed", bucket.Failed > 0))],
        };
    }

    private OverviewLane Latency()
    {
        var top = Top(_buckets.Max(bucket => bucket.LatencyP95) ?? 0, 100);
        double?[] half = [.. _buckets.Select(bucket => bucket.LatencyP50)];
        double?[] most = [.. _buckets.Select(bucket => bucket.LatencyP95)];
        return new OverviewLane
        {
            Title = "Latency",
            Note = "p50, band to p95",
            Top = Duration(top),
            Shapes = [new(LanePath.Band(half, most, top), "c-band"), new(LanePath.Line(most, top), "c-thin"), new(LanePath.Line(half, top), "c-ink")],
            Readings = [.. _buckets.Select(bucket => bucket.LatencyP50 is { } p50 ? new OverviewReading(Figures.Duration(p50), $"p95 {Figures.Duration(bucket.LatencyP95!.Value)}") : new OverviewReading(""))],
        };
    }

    private OverviewLane FirstToken()
    {
        var top = Top(_buckets.Max(bucket => bucket.FirstTokenP50) ?? 0, 100);
        return new OverviewLane
        {
            Title = "First token",
            Note = "p50, streamed answers",
            Top = Duration(top),
            Shapes = [new(LanePath.Line([.. _buckets.Select(bucket => bucket.FirstTokenP50)], top), "c-model")],
            Readings = [.. _buckets.Select(bucket => new OverviewReading(bucket.FirstTokenP50 is { } p50 ? Figures.Duration(p50) : ""))],
        };
    }

    private OverviewLane Tokens()
    {
        var top = Top(_buckets.Max(bucket => bucket.InputTokens + bucket.OutputTokens), 10);
        double[] cached = [.. _buckets.Select(bucket => (double)Math.Min(bucket.CachedTokens, bucket.InputTokens))];
        double[] input = [.. _buckets.Select(bucket => (double)bucket.InputTokens)];
        return new OverviewLane
        {
            Title = "Tokens",
            Note = "cached, fresh, output",
            Top = Short(top),
            Shapes =
            [
                new(LanePath.Bars(cached, top), "c-cached"),
                new(LanePath.Bars([.. input.Zip(cached, (all, part) => all - part)], top, cached), "c-fresh"),
                new(LanePath.Bars([.. _buckets.Select(bucket => (double)bucket.OutputTokens)], top, input), "c-out"),
            ],
            Readings = [.. _buckets.Select(bucket => bucket.InputTokens + bucket.OutputTokens == 0 ? new OverviewReading("")
                : new OverviewReading(Figures.Count(bucket.InputTokens + bucket.OutputTokens), bucket.CachedTokens == 0 ? "none cached" : $"{Figures.Percent((double)bucket.CachedTokens / Math.Max(1, bucket.InputTokens))} cached"))],
        };
    }

    private OverviewLane Cost()
    {
        var top = Top((double)(_buckets.Max(bucket => bucket.Cost?.Usd) ?? 0), 0.0001);
        return new OverviewLane
        {
            Title = "Cost",
            Note = Total.UnpricedCalls == 0 ? "US dollars" : $"US dollars; {Figures.Plural(Total.UnpricedCalls, "call")} of unknown price",
            Top = "$" + top.ToString("0.####", CultureInfo.InvariantCulture),
            Shapes = [new(LanePath.Bars([.. _buckets.Select(bucket => (double)(bucket.Cost?.Usd ?? 0))], top), "c-plain")],
            Readings = [.. _buckets.Select(bucket => new OverviewReading(bucket.Cost is { } cost ? Figures.Usd(cost.Usd) : "", bucket.UnpricedCalls > 0 ? $"{Figures.Plural(bucket.UnpricedCalls, "call")} unpriced" : ""))],
        };
    }

    /// <summary>A round figure at or above the largest value.</summary>
    private static double Top(double largest, double least)
    {
        var value = Math.Max(largest, least);
        var unit = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return ((double[])[1, 1.5, 2, 3, 4, 5, 6, 8, 10]).Select(step => step * unit).First(step => step >= value * 0.9999);
    }

    private static string Duration(double ms) => ms >= 1000 ? string.Create(CultureInfo.InvariantCulture, $"{ms / 1000:#,0.#} s") : string.Create(CultureInfo.InvariantCulture, $"{ms:0} ms");

    private static string Short(double value) => value >= 1_000_000 ? string.Create(CultureInfo.InvariantCulture, $"{value / 1_000_000:0.#} M")
        : value >= 10_000 ? string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.#} k") : value.ToString("#,0", CultureInfo.InvariantCulture);
}
