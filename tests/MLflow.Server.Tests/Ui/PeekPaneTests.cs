using Bunit;
using Microsoft.AspNetCore.Components;
using MLflow.Server.Traces;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class PeekPaneTests : BunitContext
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_795_399_400_000);

    private static readonly TraceListUrl Url = new(7) { Peek = "tr-1" };

    [Fact]
    public void Peek_OfTheAddress_ClosesAndPinsByLinks()
    {
        var pane = Render(View(3), Url);

        Assert.Equal("peek ", pane.Find("aside").ClassName);
        Assert.Equal("experiments/7", pane.Find("[data-esc]").GetAttribute("href"));
        Assert.Contains("pin=1", pane.Find("[data-key=p]").GetAttribute("href"), StringComparison.Ordinal);
        Assert.Equal("<1\u00A0ms", pane.Find(".pkf b").TextContent);
        Assert.Equal("peek pinned", Render(View(3), Url with { IsPinned = true }).Find("aside").ClassName);
    }

    [Fact]
    public void Peek_OfThePointer_ClosesByItself()
    {
        var closed = 0;
        var pane = Render(View(3), Url with { Peek = null }, EventCallback.Factory.Create(this, () => closed++));

        Assert.Equal(("peek float", "tr-1"), (pane.Find("aside").ClassName, pane.Find("aside").GetAttribute("data-of")));
        pane.Find("button[data-esc]").Click();
        Assert.Equal(1, closed);
        Assert.DoesNotContain("next, previous", pane.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void Peek_LongTraceAndNone_SaySo()
    {
        Assert.Contains("8 more steps in the trace", Render(View(20), Url).Find(".wait").TextContent, StringComparison.Ordinal);
        Assert.Equal("No trace tr-1", Render(null, Url).Find("h2").TextContent);
    }

    [Fact]
    public void Peek_RootThatSpansTheTrace_SaysItsTimeAsTheRowDoes()
    {
        var view = new TraceView(
            new TraceInfo { TraceId = "tr-1", ExperimentId = 7, RequestTimeMs = Now.ToUnixTimeMilliseconds() - 5000, DurationMs = 2, State = TraceState.Ok }, [SomeSpan.Of(1, 0, "TOOL", 0, 2.7)], Now);
        var pane = Render(view, Url);

        Assert.Equal("2.7\u00A0ms", pane.Find(".pkf b").TextContent);
        Assert.Equal("2.7\u00A0ms", pane.Find(".srow .du").TextContent);
    }

    private IRenderedComponent<PeekPane> Render(TraceView? view, TraceListUrl url, EventCallback close = default) => Render<PeekPane>(parameters => parameters
        .Add(p => p.TraceId, "tr-1").Add(p => p.View, view).Add(p => p.Url, url).Add(p => p.Now, Now).Add(p => p.OnClose, close));

    private static TraceView View(int steps) => new(
        new TraceInfo { TraceId = "tr-1", ExperimentId = 7, RequestTimeMs = Now.ToUnixTimeMilliseconds() - 5000, DurationMs = 0, State = TraceState.Ok },
        [.. Enumerable.Range(1, steps).Select(i => SomeSpan.Of(i, i == 1 ? 0 : 1, "TOOL", i, i + 1))],
        Now);
}
