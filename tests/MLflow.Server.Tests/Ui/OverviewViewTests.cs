using MLflow.Server.Pricing;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.Overview;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class OverviewViewTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 3, 14, 7, TimeSpan.Zero);

    [Theory]
    [InlineData("1h", "2026-11-23 02:15", "2026-11-23 03:15")]
    [InlineData("24h", "2026-11-22 03:15", "2026-11-23 03:15")]
    [InlineData("7d", "2026-11-16 04:00", "2026-11-23 04:00")]
    [InlineData("30d", "2026-10-24 08:00", "2026-11-23 08:00")]
    [InlineData("nonsense", "2026-11-22 03:15", "2026-11-23 03:15")]
    public void Range_EndsWithThePieceThatGoesOn(string key, string start, string end)
    {
        var query = OverviewRange.Of(key).Query(1, Now);
        Assert.Equal((start, end), (Text(query.StartMs), Text(query.EndMs)));
    }

    [Fact]
    public void Lanes_QuietDay_HaveNoBarAndNoNumber()
    {
        var view = View();
        Assert.Equal(5, view.Lanes.Count);
        Assert.All(view.Lanes, lane => Assert.All(lane.Shapes, shape => Assert.Equal("", shape.Path)));
        Assert.All(view.Lanes, lane => Assert.Equal(96, lane.Readings.Count));
        Assert.Equal(0, view.Rest);
    }

    [Fact]
    public void Lanes_OnePieceWithTraces_ReadIt()
    {
        var figures = new OverviewFigures { Traces = 27, Failed = 9, LatencyP50 = 2740, LatencyP95 = 12_600, FirstTokenP50 = 968, InputTokens = 60_000, CachedTokens = 33_000, OutputTokens = 5_800, Cost = new CallCost(60_000_000_000, 6_000_000_000) };
        var view = View(new() { [61] = figures });

        Assert.Equal(61, view.Rest);
        Assert.Equal(
            [new("27", "9 failed", true), new("2.74\u00A0s", "p95 12.6\u00A0s"), new("968\u00A0ms"), new("65,800", "55\u00A0% cached"), new("$0.06600")],
            view.Lanes.Select(lane => lane.Readings[61]));
        Assert.Equal(["30", "15 s", "1 s", "80 k", "$0.08"], view.Lanes.Select(lane => lane.Top));

        // Failures stand on the base line, the others on them.
        Assert.Equal(["M636 43.4h8.9v-37.2h-8.9z", "M636 62h8.9v-18.6h-8.9z"], view.Lanes[0].Shapes.Select(shape => shape.Path));
        Assert.Equal("M640.6 50.7h2", view.Lanes[1].Shapes[2].Path);
    }

    [Fact]
    public void Line_WithAGap_IsBrokenThere()
    {
        Assert.Equal("M100 62L300 31M900 0h2", LanePath.Line([0, 5, null, null, 10], 10));
        Assert.Equal("M100 0L300 0L300 62L100 62z", LanePath.Band([0, 0, null], [10, 10, null], 10).Replace("166.7", "100", StringComparison.Ordinal).Replace("500", "300", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(9, 9, 9, "16 failed, 9 of them at 18:30, with TimeoutException of gpt-4o")]
    [InlineData(9, 6, 2, "16 failed, 9 of them at 18:30, most with TimeoutException")]
    [InlineData(9, 2, 5, "16 failed, 9 of them at 18:30, most of gpt-4o")]
    [InlineData(9, 2, 2, "16 failed, 9 of them at 18:30")]
    [InlineData(16, 9, 9, "16 failed, all of them at 18:30, most with TimeoutException most of gpt-4o")]
    [InlineData(1, 1, 1, "16 failed")]
    public void Worst_IsSaidWithWhatMostShare(long failed, long ofType, long ofModel, string words)
    {
        var view = View(new() { [61] = new OverviewFigures { Traces = 20, Failed = failed } }, new FailureCluster(61, failed, "System.TimeoutException", ofType, "gpt-4o", ofModel), 16);
        Assert.Equal(words, $"{view.Total.Failed} failed" + (view.WorstWords is { } worst ? $", {worst}" : ""));
    }

    [Theory]
    [InlineData("gpt-4o", true)]
    [InlineData("it's", true)]
    [InlineData("it's \"new\"", false)]
    public void Filters_OfAName_AreOnesThatTheListTakes(string name, bool isPossible)
    {
        var view = View();
        foreach (var filter in (string?[])[view.ModelFilter(name), view.ToolFilter(name)])
        {
            Assert.Equal(isPossible, filter is not null);
            TraceFilter.Parse(filter);
        }

        TraceFilter.Parse(view.FailedFilter());
        TraceFilter.Parse(view.WorstFilter());
    }

    private static OverviewView View(Dictionary<int, OverviewFigures>? buckets = null, FailureCluster? worst = null, long failed = 0)
    {
        var range = OverviewRange.Of("24h");
        return new OverviewView(
            new Overview { Query = range.Query(1, Now), Total = new OverviewFigures { Failed = failed }, Buckets = buckets ?? [], Models = [], Tools = [], Worst = worst }, range);
    }

    private static string Text(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);
}
