using Bunit;
using MLflow.Server.Traces;
using MLflow.Server.Ui;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Reading;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class ComponentTests : BunitContext
{
    public static TheoryData<string> GoldenCases => [.. GoldenTrace.Cases().DefaultIfEmpty("chat_plain")];

    // One bad part must never cost the page: every trace that real MLflow recorded, in every tab.
    [Theory]
    [MemberData(nameof(GoldenCases))]
    public void ReadingPane_EveryGoldenTrace_ShowsEveryTabOfEverySpan(string name)
    {
        var tree = SpanTree.Build(GoldenTrace.Load(name));
        Assert.NotEmpty(tree.Rows);
        foreach (var node in tree.Rows)
        {
            foreach (var tab in PaneTab.For(node.Span, chunks: 1))
            {
                var pane = Render<ReadingPane>(parameters => parameters.Add(p => p.Node, node).Add(p => p.Tree, tree).Add(p => p.Url, new TraceUrl("tr-1", node.Id, tab.Key)));
                Assert.NotEmpty(pane.Find("[role=tabpanel]").TextContent.Trim());
            }
        }
    }

    [Fact]
    public void ChatTab_ToolCalls_AreSidingsWithNumbersAndLinks()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("nested_agent"));
        var chat = Render<ChatTab>(parameters => parameters.Add(p => p.Node, tree.ModelCalls[1]).Add(p => p.Tree, tree).Add(p => p.Url, new TraceUrl("tr-1")));

        Assert.Equal(["1", "2"], chat.FindAll(".siding .from").Select(station => station.TextContent));
        Assert.Equal(["1", "2"], chat.FindAll(".siding .to").Select(station => station.TextContent));
        Assert.Equal("get_weather(city: \"Paris\", unit: \"c\")", chat.Find(".call .json").TextContent);
        Assert.Contains("step 3", chat.Find(".call .l2").TextContent, StringComparison.Ordinal);
        Assert.Contains("Unchanged since call 1: system, user", chat.Find(".fold").TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain("You are a helpful assistant.", chat.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void ChatTab_WholePrompt_ShowsWhatWasFolded()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("nested_agent"));
        var chat = Render<ChatTab>(parameters => parameters.Add(p => p.Node, tree.ModelCalls[1]).Add(p => p.Tree, tree).Add(p => p.Url, new TraceUrl("tr-1", Whole: true)));

        Assert.Contains("You are a helpful assistant.", chat.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadingPane_Failure_PutsTheExceptionFirst()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("chat_error_401"));
        var pane = Render<ReadingPane>(parameters => parameters.Add(p => p.Node, tree.Rows[0]).Add(p => p.Tree, tree).Add(p => p.Url, new TraceUrl("tr-1")));

        Assert.StartsWith("AuthenticationError", pane.Find("[role=tabpanel] > :first-child").TextContent.Trim(), StringComparison.Ordinal);
        Assert.Contains("bad", pane.Find("#tab-events").ClassList);
    }

    [Fact]
    public void ReadingPane_TabThatTheSpanHasNot_FallsBackToChat()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "TOOL", 0, 5));
        var pane = Render<ReadingPane>(parameters => parameters.Add(p => p.Node, tree.Rows[0]).Add(p => p.Tree, tree).Add(p => p.Url, new TraceUrl("tr-1", Tab: PaneTab.Stream)));

        Assert.Equal("Chat", pane.Find("[role=tab][aria-selected=true]").TextContent.Trim());
    }

    [Fact]
    public void ReadingPane_WhereTheContentIsLost_SaysSo()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "TOOL", 0, 5, null, ("mlflow.server.lostContent", "The content of this span cannot be shown: it is gone.")));
        var pane = Render<ReadingPane>(parameters => parameters.Add(p => p.Node, tree.Rows[0]).Add(p => p.Tree, tree).Add(p => p.Url, new TraceUrl("tr-1")));

        Assert.Equal("The content of this span cannot be shown: it is gone.", pane.Find("[role=alert]").TextContent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MetaLine_OfAnArchivedTrace_SaysSo(bool isArchived)
    {
        var info = new TraceInfo
        {
            TraceId = "tr-1",
            ExperimentId = 1,
            RequestTimeMs = 1_795_399_326_000,
            State = TraceState.Ok,
            Metadata = isArchived ? new Dictionary<string, string> { ["mlflow.trace.archived"] = "true" } : [],
        };
        var view = new TraceView(info, [SomeSpan.Of(1, 0, "AGENT", 0, 10)], DateTimeOffset.FromUnixTimeMilliseconds(info.RequestTimeMs));

        Assert.Equal(isArchived, Render<MetaLine>(parameters => parameters.Add(p => p.View, view)).Markup.Contains("<b>archived</b>", StringComparison.Ordinal));
    }

    [Fact]
    public void SpanSurface_OrphanAndError_SaySoUnderTheirRows()
    {
        var info = new TraceInfo { TraceId = "tr-1", ExperimentId = 1, RequestTimeMs = 1_795_399_326_000, State = TraceState.Error, Facts = new TraceFacts { SpanCount = 2, AnnouncedSpanCount = 4 } };
        var view = new TraceView(info, [SomeSpan.Of(1, 0, "AGENT", 0, 10).Failed("A.B", "no"), SomeSpan.Of(2, 9, "TOOL", 1, 2)], DateTimeOffset.FromUnixTimeMilliseconds(info.RequestTimeMs));
        var surface = Render<SpanSurface>(parameters => parameters.Add(p => p.View, view).Add(p => p.Selected, view.Default).Add(p => p.Url, new TraceUrl("tr-1")));

        Assert.Equal(["B: no", "parent 00000000… not received"], surface.FindAll(".eline").Select(line => line.TextContent.Trim()));
        Assert.Contains("Waiting for 2 spans", surface.Markup, StringComparison.Ordinal);
        Assert.Equal("true", surface.Find("[role=row][aria-level='1']").GetAttribute("aria-selected"));
    }

    [Fact]
    public void TraceTable_JapaneseRow_IsMarkedAsJapanese()
    {
        var info = new TraceInfo { TraceId = "tr-ä/1", ExperimentId = 1, RequestTimeMs = 1_795_399_326_000, DurationMs = 5, State = TraceState.Ok, RequestPreview = "明日の天気は", ResponsePreview = "Sunny" };
        var row = new TraceRow(info, DateTimeOffset.FromUnixTimeMilliseconds(info.RequestTimeMs));
        var table = Render<TraceTable>(parameters => parameters.Add(p => p.Rows, [row]).Add(p => p.Scale, LatencyScale.For([row])));

        Assert.Equal("ja", table.Find("a.rq").GetAttribute("lang"));
        Assert.Equal("traces/tr-%C3%A4%2F1", table.Find("a.rq").GetAttribute("href"));
        Assert.Empty(table.FindAll("[role=cell].stt > *"));
    }

    [Fact]
    public void TraceUrl_Everything_IsInTheAddress() =>
        Assert.Equal("traces/tr-1?span=ab&tab=stream&whole=1&v=read", new TraceUrl("tr-1", "ab", "stream", true, "read").ToString());
}
