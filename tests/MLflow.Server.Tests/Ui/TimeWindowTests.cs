using MLflow.Server.Traces.Analysis;
using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.List;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class TimeWindowTests
{
    private const long NowMs = 1_795_399_326_000;
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(NowMs);

    [Theory]
    [InlineData("1h", null, null, NowMs - 3_600_000, null)]
    [InlineData(null, null, null, null, null)]
    [InlineData("nonsense", "5", "9", 5L, 9L)]
    [InlineData(null, "9", "5", 5L, 9L)]
    [InlineData(null, "x", "99999999999999999999", null, null)]
    [InlineData(null, "9223372036854775807", "-9223372036854775808", null, null)]
    public void Of_Address_IsReadWithCare(string? key, string? from, string? to, long? start, long? end)
    {
        var window = TimeWindow.Of(key, from, to, Now);

        Assert.Equal((start, end), (window.StartMs, window.EndMs));
        TraceFilter.Parse(window.Filter("name = 'a' OR name = 'b'"));
    }

    [Fact]
    public void Filter_OrInIt_IsHeldTogether() => Assert.Equal("(name = 'a' OR name = 'b') AND timestamp_ms >= 5 AND timestamp_ms < 9", TimeWindow.Of(null, "5", "9", Now).Filter("name = 'a' OR name = 'b'"));

    [Theory]
    [InlineData("15m", 10_000)]
    [InlineData("1h", 60_000)]
    [InlineData("6h", 300_000)]
    [InlineData("24h", 900_000)]
    [InlineData("7d", 7_200_000)]
    [InlineData("30d", 28_800_000)]
    public void Cut_Lasts_AreFullPiecesOfWhichTheLastGoesOn(string key, long bucket)
    {
        var (start, bucketMs, count) = TimeWindow.Of(key, null, null, Now).Cut(0, Now);

        Assert.Equal(bucket, bucketMs);
        Assert.Equal(0, start % bucket);
        Assert.InRange(count, 50, 100);
        Assert.InRange(NowMs, start + (bucket * (count - 1)), start + (bucket * count) - 1);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(NowMs, NowMs)]
    [InlineData(NowMs - 1, NowMs)]
    [InlineData(NowMs - 100_000_000_000, NowMs)]
    [InlineData(-4_000_000_000_000, 4_000_000_000_000)]
    [InlineData(NowMs + 1000, NowMs)]
    public void Cut_AnyTime_HasFewPieces(long first, long end)
    {
        var (start, bucket, count) = new TimeWindow(null, null, end).Cut(first, Now);

        Assert.InRange(count, 1, 100);
        Assert.True(start <= first && bucket > 0);
        Assert.NotEmpty(new HistogramView(new HistogramQuery(1, null, start, bucket, count), new TraceHistogram(new Dictionary<int, HistogramBucket> { [0] = new(3, 1) }, null)).Labels);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(97)]
    [InlineData(1)]
    public void Histogram_Labels_LeaveRoomForTheLast(int count)
    {
        var view = new HistogramView(new HistogramQuery(1, null, 0, 10_000, count), new TraceHistogram(new Dictionary<int, HistogramBucket>(), null));

        Assert.InRange(view.Labels.Count, 1, 6);
        Assert.All(view.Labels, label => Assert.InRange(label.Left, 0, 90));
    }

    [Fact]
    public void Histogram_Failures_StandOnTheBaseLineAndTheWorstIsNamed()
    {
        var query = new HistogramQuery(1, null, 1_795_392_000_000, 900_000, 96);
        var view = new HistogramView(query, new TraceHistogram(new Dictionary<int, HistogramBucket> { [2] = new(100, 25), [5] = new(50, 0) }, new FailureCluster(2, 25, "System.TimeoutException", 20, "gpt-4o", 24)));

        Assert.Equal([(2, 39.0, 13.0), (5, 26.0, 0.0)], view.Bars.Select(bar => (bar.Bucket, bar.Height, bar.Failed)));
        Assert.Contains("100 traces, 25 failed", view.Bars[0].Title, StringComparison.Ordinal);
        Assert.StartsWith("25 errors at ", view.Worst, StringComparison.Ordinal);
        Assert.EndsWith(", TimeoutException from gpt-4o", view.Worst, StringComparison.Ordinal);
        Assert.Equal("Traces in each 15 min", view.Title);
    }
}
