using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class TimelineTests
{
    [Theory]
    [InlineData(3418, "0 0.5 1 1.5 2 2.5 3 3.5 s")]
    [InlineData(4126, "0 1 2 3 4 s")]
    [InlineData(256, "0 50 100 150 200 250 ms")]
    [InlineData(6, "0 1 2 3 4 5 6 ms")]
    [InlineData(61_000, "0 10 20 30 40 50 60 s")]
    public void Ticks_Total_AreRoundFiguresWithOneUnit(double total, string labels)
    {
        var timeline = Timeline.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, total)));

        Assert.Equal(labels, string.Join(' ', timeline.Ticks.Select(tick => tick.Label)));
    }

    [Fact]
    public void Bar_StreamedCall_IsHollowToTheFirstTokenAndSolidAfter()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000, null, ("mlflow.stream.time_to_first_token_ms", 400.0)));
        var parts = Timeline.Of(tree).Bar(tree.Rows[0]);

        Assert.Equal([BarStyle.Hollow, BarStyle.Solid], parts.Select(part => part.Style));
        Assert.Equal(0.4 / 1.04 * 100, parts[0].Width, 6);
        Assert.Equal(parts[0].Left + parts[0].Width, parts[1].Left, 6);
        Assert.Equal(100 / 1.04, parts[1].Left + parts[1].Width, 6);
    }

    [Fact]
    public void Bar_RetriedCall_ShowsFailedAttemptsAndBackOff()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000).Attempted(0, 100, 429).Attempted(350, 650, 200));

        Assert.Equal([BarStyle.FailedAttempt, BarStyle.BackOff, BarStyle.Hollow], Timeline.Of(tree).Bar(tree.Rows[0]).Select(part => part.Style));
    }

    [Fact]
    public void Bar_RunningSpan_ReachesNowAndIsOpen()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "TOOL", 0, null));
        tree.RunUntil(DateTimeOffset.FromUnixTimeMilliseconds(SomeSpan.OriginNs / 1_000_000 + 2000));
        var parts = Timeline.Of(tree).Bar(tree.Rows[0]);

        Assert.Equal([BarStyle.Solid, BarStyle.Open], parts.Select(part => part.Style));
        Assert.Equal(100 / 1.04, parts[0].Width, 6);
    }

    [Theory]
    [InlineData("truncated", BarStyle.Broken)]
    [InlineData("abandoned", BarStyle.Stopped)]
    [InlineData("cancelled", BarStyle.Stopped)]
    public void Bar_StreamThatDidNotEndByItself_HasItsPost(string end, BarStyle post)
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 10, null, ("mlflow.stream.end", end)));

        Assert.Contains(Timeline.Of(tree).Bar(tree.Rows[0]), part => part.Style == post);
    }

    [Fact]
    public void CriticalPath_ParallelTools_TakesTheOneThatEndedLast()
    {
        var tree = SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 3418), SomeSpan.Of(2, 1, "CHAT_MODEL", 6, 1046), SomeSpan.Of(3, 1, "TOOL", 1050, 1462),
            SomeSpan.Of(4, 1, "TOOL", 1051, 1986), SomeSpan.Of(5, 1, "CHAT_MODEL", 1990, 3412));

        Assert.Equal([2, 4, 5], CriticalPath.Of(tree).Nodes.Select(node => node.Number).Order());
    }

    [Fact]
    public void TimeSplit_Agent_AddsUpToTheTotal()
    {
        var tree = SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 3418),
            SomeSpan.Of(2, 1, "CHAT_MODEL", 6, 1046).Attempted(0, 112, 429).Attempted(362, 678, 200),
            SomeSpan.Of(3, 1, "TOOL", 1050, 1986), SomeSpan.Of(4, 3, "UNKNOWN", 1058, 1590),
            SomeSpan.Of(5, 1, "CHAT_MODEL", 1990, 3412, null, ("mlflow.stream.time_to_first_token_ms", 604.0)));
        var split = TimeSplit.Of(tree).ToDictionary(part => part.Kind, part => part.Milliseconds);

        Assert.Equal(3418, split.Values.Sum(), 6);
        Assert.Equal(362, split[SplitKind.Retries], 6);
        Assert.Equal(678 + 604, split[SplitKind.Waiting], 6);
        Assert.Equal(818, split[SplitKind.Streaming], 6);
        Assert.Equal(936, split[SplitKind.Tools], 6);
    }

    [Fact]
    public void TimeSplit_StreamThatWasTakenUpAgain_IsNoRetry()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 5000, null, ("mlflow.stream.time_to_first_token_ms", 300.0))
            .Attempted(0, 1000, 200, ("exception.type", "HttpIOException"), ("exception.message", "ended early"))
            .Attempted(4000, 1000, 200, ("reconnect", true), ("last_event_id", "7")));
        var split = TimeSplit.Of(tree).ToDictionary(part => part.Kind, part => part.Milliseconds);

        Assert.Equal(300, split[SplitKind.Waiting], 6);
        Assert.Equal(4700, split[SplitKind.Streaming], 6);
        Assert.Equal(["200, broken off", "200"], tree.Roots.Single().Span.Attempts.Select(attempt => attempt.Outcome));
    }
}
