using MLflow.Server.Traces;
using MLflow.Server.Ui.Formatting;
using MLflow.Server.Ui.List;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class TraceRowTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_795_399_326_000);

    [Fact]
    public void Mark_Success_IsSilent() => Assert.Equal(StateMark.None, Row(Info()).Mark);

    [Theory]
    [InlineData("truncated", StateMark.Cut, "cut by the server after 42 tokens")]
    [InlineData("abandoned", StateMark.Stopped, "stopped by the app after 42 tokens")]
    [InlineData("cancelled", StateMark.Stopped, "stopped by the app after 42 tokens")]
    public void Mark_StreamEnd_TellsWhoEndedIt(string end, StateMark mark, string words)
    {
        var row = Row(Info() with { Facts = new TraceFacts { StreamEnd = end, OutputTokens = 42, SpanCount = 1 } });

        Assert.Equal(mark, row.Mark);
        Assert.Equal(words, row.Words);
    }

    [Fact]
    public void Mark_Error_PutsTheExceptionInTheResponsesPlace()
    {
        var row = Row(Info() with { State = TraceState.Error, Facts = new TraceFacts { ErrorType = "System.Net.Http.HttpIOException", ErrorMessage = "ended\nearly", SpanCount = 1 } });

        Assert.Equal(StateMark.Failed, row.Mark);
        Assert.Equal("HttpIOException: ended early", row.Error);
    }

    [Theory]
    [InlineData(false, StateMark.Running)]
    [InlineData(true, StateMark.Interrupted)]
    public void Mark_InProgress_IsInterruptedWhereTheStoreSaysSo(bool isInterrupted, StateMark mark)
    {
        var row = Row(Info() with { State = TraceState.InProgress, IsInterrupted = isInterrupted, DurationMs = null, RequestTimeMs = Now.ToUnixTimeMilliseconds() - 60_000 });

        Assert.Equal(mark, row.Mark);
        Assert.Equal(mark == StateMark.Running, row.LatencyMs is not null);
    }

    [Fact]
    public void Latency_RunningTrace_IsUpToNowWhateverItsClientSaidOfIt()
    {
        var row = Row(Info() with { State = TraceState.InProgress, DurationMs = 400, RequestTimeMs = Now.ToUnixTimeMilliseconds() - 60_000 });

        Assert.Equal(60_000, row.LatencyMs);
    }

    [Fact]
    public void Mark_SpansMissing_SaysHowMany()
    {
        var row = Row(Info() with { Facts = new TraceFacts { SpanCount = 2, AnnouncedSpanCount = 5 } });

        Assert.Equal(StateMark.Waiting, row.Mark);
        Assert.Equal("waiting for 3 spans", row.Words);
    }

    [Fact]
    public void Scale_OneSlowTraceInTen_DoesNotFlattenTheOthers()
    {
        var rows = Enumerable.Range(1, 10).Select(i => Row(Info() with { DurationMs = i == 10 ? 90_000 : i * 500 })).ToList();
        var scale = LatencyScale.For(rows);

        Assert.Equal(6000, scale.MaxMs);
        Assert.True(scale.IsOver(90_000));
        Assert.Equal(["0", "2", "4", "6 s"], scale.Ticks.Select(tick => tick.Label));
    }

    [Fact]
    public void Scale_LongLabels_LeaveOneOutBeforeTheyCollide()
    {
        var scale = LatencyScale.For([Row(Info() with { DurationMs = 500 })]);

        Assert.Equal(["0", "200", "", "600 ms"], scale.Ticks.Select(tick => tick.Label));
    }

    [Fact]
    public void Words_InJapanese_HaveNoEnglishAmongThem()
    {
        Words.PageLanguage = Words.Japanese;
        var facts = new TraceFacts { SpanCount = 2, OutputTokens = 42, UnpricedCalls = 2 };
        List<TraceRow> rows =
        [
            Row(Info() with { State = TraceState.InProgress }), Row(Info() with { State = TraceState.InProgress, IsInterrupted = true }), Row(Info() with { State = TraceState.Error }),
            Row(Info() with { Facts = facts with { StreamEnd = "truncated" } }), Row(Info() with { Facts = facts with { StreamEnd = "abandoned" } }), Row(Info() with { Facts = facts with { AnnouncedSpanCount = 5 } }),
        ];

        var words = rows.SelectMany(row => (string?[])[row.Words, row.Error, row.CostTitle, LatencyScale.Title(row)]).OfType<string>().ToList();
        Assert.Equal(6 + 6 + 3, words.Count);
        Assert.DoesNotContain(words, text => text.Split([' ', '\u00A0'], StringSplitOptions.RemoveEmptyEntries).Any(word => word.Length > 2 && word.All(char.IsAsciiLetter)));
    }

    private static TraceInfo Info() => new()
    {
        TraceId = "tr-1",
        ExperimentId = 1,
        RequestTimeMs = Now.ToUnixTimeMilliseconds() - 5000,
        DurationMs = 1200,
        State = TraceState.Ok,
        Facts = new TraceFacts { SpanCount = 1 },
    };

    private static TraceRow Row(TraceInfo info) => new(info, Now);
}
