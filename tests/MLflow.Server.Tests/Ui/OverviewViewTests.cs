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
        Assert.Equal(6, view.Chart.Lanes.Count);
        Assert.All(view.Chart.Lanes, lane => Assert.All(lane.Shapes, shape => Assert.Equal("", shape.Path)));
        Assert.All(view.Chart.Lanes, lane => Assert.Equal(96, lane.Readings.Count));
        Assert.Equal(95, view.Rest);
    }

    [Fact]
    public void Lanes_OnePieceWithTraces_ReadIt()
    {
        var figures = new OverviewFigures { Traces = 27, Failed = 9, LatencyP50 = 2740, LatencyP95 = 12_600, FirstTokenP50 = 968, InputTokens = 60_000, CachedTokens = 33_000, OutputTokens = 5_800, Cost = new CallCost(60_000_000_000, 6_000_000_000), Users = 3, Sessions = 1 };
        var view = View(new() { [61] = figures });

        Assert.Equal(61, view.Rest);
        Assert.Equal(
            [new("27", "9 failed", true), new("2.74\u00A0s", "p95 12.6\u00A0s"), new("968\u00A0ms"), new("65,800", "55\u00A0% cached"), new("$0.06600"), new("3", "1 session")],
            view.Chart.Lanes.Select(lane => lane.Readings[61]));
        Assert.Equal(["30", "15 s", "1 s", "80 k", "$0.08", "4"], view.Chart.Lanes.Select(lane => lane.Top));

        // Failures stand on the base line, the others on them.
        Assert.Equal(["M636 43.4h8.9v-37.2h-8.9z", "M636 62h8.9v-18.6h-8.9z"], view.Chart.Lanes[0].Shapes.Select(shape => shape.Path));
        Assert.Equal("M640.6 50.7h2", view.Chart.Lanes[1].Shapes[2].Path);
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

    [Fact]
    public void Sentence_OfADay_SaysWhatItWasAndLeadsThere()
    {
        var view = View(
            new() { [61] = new OverviewFigures { Traces = 20, Failed = 16 } }, new FailureCluster(61, 16, "System.TimeoutException", 16, null, 0), 16,
            new OverviewFigures { Traces = 1284, Failed = 16, Users = 1, LatencyP50 = 1800, LatencyP95 = 6400, Cost = new CallCost(3_000_000_000_000, 120_000_000_000) });

        Assert.Equal("In 24 hours 1,284 traces of 1 user for $3.120; half in under 1.80\u00A0s, 95 % under 6.40\u00A0s. 16 failed, all of them at 18:30, with TimeoutException.", string.Concat(view.Sentence.Select(phrase => phrase.Text)));
        Assert.All(view.Sentence.Where(phrase => phrase.Filter is not null), phrase => TraceFilter.Parse(phrase.Filter));
        Assert.Equal(["1,284 traces", "1 user", "16 failed", "all of them at 18:30, with TimeoutException"], view.Sentence.Where(phrase => phrase.Filter is not null).Select(phrase => phrase.Text));
    }

    [Fact]
    public void Shapes_OfAModel_HaveItsFailedCallsBelowTheOthers()
    {
        var range = OverviewRange.Of("1h");
        var view = new OverviewView(
            new Overview { Query = range.Query(1, Now), Total = OverviewFigures.None, Buckets = new Dictionary<int, OverviewFigures>(), Models = [], Tools = [], ModelCalls = [new("gpt-4o", 0, 4, 1), new("other", 1, 9, 0)] }, range);

        Assert.Equal(["M0.6 46.5h15.2v-46.5h-15.2z", "M0.6 62h15.2v-15.5h-15.2z"], view.ModelShapes("gpt-4o").Select(shape => shape.Path));
        Assert.All(view.ToolShapes("gpt-4o"), shape => Assert.Equal("", shape.Path));
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

        TraceFilter.Parse(view.FailedModelFilter(name));
        TraceFilter.Parse(view.FailedToolFilter(name));
        TraceFilter.Parse(view.UserFilter());
        TraceFilter.Parse(view.FailedFilter());
        TraceFilter.Parse(view.WorstFilter());
    }

    private static OverviewView View(Dictionary<int, OverviewFigures>? buckets = null, FailureCluster? worst = null, long failed = 0, OverviewFigures? total = null)
    {
        var range = OverviewRange.Of("24h");
        return new OverviewView(
            new Overview { Query = range.Query(1, Now), Total = total ?? new OverviewFigures { Failed = failed }, Buckets = buckets ?? [], Models = [], Tools = [], Worst = worst }, range);
    }

    private static string Text(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("yyyy-MM-dd HH:mm", System.Globalization.CultureInfo.InvariantCulture);
}
