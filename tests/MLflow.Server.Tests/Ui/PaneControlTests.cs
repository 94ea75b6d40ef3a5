using Bunit;
using MLflow.Server.Ui;
using MLflow.Server.Ui.Flow;
using MLflow.Server.Ui.Prompts;
using MLflow.Server.Ui.Reading;
using MLflow.Server.Ui.Spans;
using MLflow.Server.Ui.Streaming;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>The controls of the trace page that read one step or all of them, without a browser.</summary>
public sealed class PaneControlTests : BunitContext
{
    private static readonly TraceUrl Url = new("tr-1");

    private static SpanView Streamed => View(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000).Streamed((400, "It is"), (410, " 31\n"), (600, "°C")));

    [Fact]
    public void StreamTab_Stream_HasFiguresChartScrubberAndChunks()
    {
        var span = Streamed;
        var tab = Render<StreamTab>(parameters => parameters.Add(p => p.Stream, StreamView.Of(span)!).Add(p => p.Url, Url));

        Assert.Equal(["First token", "Rate", "Chunks", "Longest stall", "Ended"], tab.FindAll(".figs h3").Select(head => head.TextContent));
        Assert.Equal("190 ms", Plain(tab.Find(".figs .warnc").TextContent));
        Assert.Equal("1000", tab.Find(".scr input[type=range]").GetAttribute("max"));
        Assert.Equal(["1", "0.5", "0.25"], tab.FindAll(".speed button").Select(button => button.GetAttribute("data-speed")));
        Assert.Equal(["It·is", "·31↵", "°C"], tab.FindAll(".chunks tbody tr td:nth-child(4)").Select(cell => cell.TextContent));
        Assert.Contains("warnc", tab.FindAll(".chunks tbody tr td:nth-child(3)")[2].ClassName!, StringComparison.Ordinal);
    }

    [Fact]
    public void ChunkTable_MoreThanAThousand_ShowsThemWhenAsked()
    {
        var stream = StreamView.Of(View(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 5000).Streamed([.. Enumerable.Range(0, 1200).Select(i => ((double)i, "x"))])))!;

        var some = Render<ChunkTable>(parameters => parameters.Add(p => p.Stream, stream).Add(p => p.Url, Url));
        Assert.Equal(1000, some.FindAll("tbody tr").Count);
        Assert.StartsWith("200 more", some.Find("p").TextContent, StringComparison.Ordinal);
        Assert.Contains("whole=1", some.Find("p a").GetAttribute("href"), StringComparison.Ordinal);

        var all = Render<ChunkTable>(parameters => parameters.Add(p => p.Stream, stream).Add(p => p.Url, Url with { Whole = true }));
        Assert.Equal((1200, 0), (all.FindAll("tbody tr").Count, all.FindAll("p").Count));
    }

    [Fact]
    public void Ribbon_BrokenStream_SaysItInWordsAndHasItsPost()
    {
        var stream = StreamView.Of(View(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000).Streamed((400, "a"), (600, "b")).Failed("HttpIOException", "ended")))!;
        var ribbon = Render<Ribbon>(parameters => parameters.Add(p => p.Stream, stream));

        Assert.StartsWith("First token after 400 ms, 2 chunks until 1,000 ms", Plain(ribbon.Find("[role=img]").GetAttribute("aria-label")!), StringComparison.Ordinal);
        Assert.Equal("broke ", ribbon.Find("rect.broke").ClassName);
        Assert.Equal("failed 1,000 ms", Plain(ribbon.Find(".end.err").TextContent));
    }

    [Fact]
    public void HttpTab_AttemptsAndNoBody_AreATableWithoutCode()
    {
        var span = View(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000, null, ("http.url", "https://api.openai.com/v1/chat/completions"))
            .Attempted(0, 112, 429, ("openai.request_id", "req_1"), ("retry_after_ms", 250.0), ("x-new-header", "<b>")).Attempted(362, 600, 200));
        var tab = Render<HttpTab>(parameters => parameters.Add(p => p.Span, span));

        Assert.Equal(["1", "2"], tab.FindAll("tbody tr td:first-child").Select(cell => cell.TextContent));
        Assert.Contains("err", tab.FindAll("tbody tr td:nth-child(2)")[0].ClassName!, StringComparison.Ordinal);
        Assert.Equal("asked to wait 250 ms", Plain(tab.FindAll("tbody tr td:nth-child(6) div")[0].TextContent));
        Assert.Equal("x-new-header: <b>", tab.Find("tbody .mut").TextContent);
        Assert.Empty(tab.FindAll("details.cp"));
    }

    [Fact]
    public void HttpTab_RequestThatIsKnown_CanBeCopiedInEachForm()
    {
        var span = View(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1000, null, ("mlflow.spanInputs", new { model = "gpt-4o", messages = new[] { new { role = "user", content = "Hello" } } })));
        var tab = Render<HttpTab>(parameters => parameters.Add(p => p.Span, span));

        Assert.Equal(["C#, OpenAI", "C#, Microsoft.Extensions.AI", "curl", ".http"], tab.FindAll("summary").Select(head => head.TextContent));
        Assert.All(tab.FindAll("pre, code"), code => Assert.DoesNotContain("sk-", code.TextContent, StringComparison.Ordinal));
    }

    [Fact]
    public void EventsTab_ExceptionAndNone_AreSaid()
    {
        var failed = Render<EventsTab>(parameters => parameters.Add(p => p.Span, View(SomeSpan.Of(1, 0, "TOOL", 0, 12).Failed("System.ArgumentException", "zip", "   at A.B()\n   at C.D()"))).Add(p => p.Url, Url));
        Assert.Equal(("exception", "2 lines"), (failed.Find("td.err").TextContent, failed.Find("summary").TextContent));

        var silent = Render<EventsTab>(parameters => parameters.Add(p => p.Span, View(SomeSpan.Of(1, 0, "TOOL", 0, 12))).Add(p => p.Url, Url));
        Assert.Equal("This span recorded no events.", silent.Find("p").TextContent);
    }

    [Fact]
    public void ExceptionBlock_FramesOfTheProgramAndOthers_ShowsItsOwnFirst()
    {
        const string stack = "   at System.Net.Http.HttpConnection.FillAsync(Boolean async)\n   at KiteAgent.AnswerAsync(String question) in Agents/KiteAgent.cs:line 88";
        var block = Render<ExceptionBlock>(parameters => parameters.Add(p => p.Error, new SpanError("System.IO.IOException", "<i>ended</i>", stack, 1)));

        Assert.Equal("System.IO.IOException", block.Find("b").TextContent);
        Assert.Equal("<i>ended</i>", block.Find("div > div").TextContent);
        Assert.True(block.Markup.IndexOf("KiteAgent.cs", StringComparison.Ordinal) < block.Markup.IndexOf("2 frames", StringComparison.Ordinal));
    }

    [Fact]
    public void LogAndGraph_OfAnAgent_LeadToTheirSteps()
    {
        var tree = SomeSpan.Tree(
            SomeSpan.Of(1, 0, "AGENT", 0, 100, "run"), SomeSpan.Of(2, 1, "CHAT_MODEL", 1, 30, "Completions"), SomeSpan.Of(3, 1, "TOOL", 31, 40, "look"), SomeSpan.Of(4, 1, "TOOL", 41, 50, "look").Failed("E", "no"));
        var log = Render<LogFace>(parameters => parameters.Add(p => p.Rows, SurfaceRows.Of(tree, new SurfaceFilter(Url, new HashSet<SpanNode>()))).Add(p => p.Selected, tree.Rows[2]).Add(p => p.Url, Url));
        Assert.Equal(4, log.FindAll(".at").Count);
        Assert.Contains(SomeSpan.Id(3), log.Find("[aria-current], [aria-selected=true]").OuterHtml, StringComparison.Ordinal);

        var graph = Render<GraphFace>(parameters => parameters.Add(p => p.Tree, tree).Add(p => p.Selected, tree.Rows[2]).Add(p => p.Url, Url));
        var look = Assert.Single(graph.FindAll("a.fn2"), box => box.QuerySelector(".el")!.TextContent == "look");
        Assert.Equal(("true", "2× 18 ms · 1 error"), (look.GetAttribute("aria-current"), Plain(look.QuerySelector("small")!.TextContent)));
        Assert.Contains("The way from step to step:", graph.Find("svg").GetAttribute("aria-label"), StringComparison.Ordinal);

        var empty = Render<GraphFace>(parameters => parameters.Add(p => p.Tree, SomeSpan.Tree()).Add(p => p.Selected, null).Add(p => p.Url, Url));
        Assert.Equal("No step of this trace has arrived.", empty.Find("p").TextContent);
    }

    [Fact]
    public void PromptMap_TwoCalls_ShareOneScaleAndSayTheirParts()
    {
        object[] prompt = [new { role = "system", content = new string('s', 400) }, new { role = "user", content = "Hello" }];
        SpanRecordOf(out var first, 1, prompt, 100);
        SpanRecordOf(out var second, 2, [.. prompt, new { role = "assistant", content = "Hi" }, new { role = "user", content = "Bye" }], 200);
        var map = Render<PromptMapView>(parameters => parameters.Add(p => p.Tree, SomeSpan.Tree(first, second)).Add(p => p.Url, Url));

        Assert.Equal(["call 1", "call 2"], map.FindAll(".pm > a").Select(link => link.TextContent));
        Assert.Equal(["width:50%", "width:100%"], map.FindAll(".pbar").Select(bar => bar.GetAttribute("style")));
        Assert.All(map.FindAll(".pbar"), bar => Assert.StartsWith("system ", bar.GetAttribute("aria-label")!, StringComparison.Ordinal));

        Assert.Equal("", Render<PromptMapView>(parameters => parameters.Add(p => p.Tree, SomeSpan.Tree(SomeSpan.Of(1, 0, "TOOL", 0, 1))).Add(p => p.Url, Url)).Markup.Trim());

        static void SpanRecordOf(out MLflow.Server.Traces.SpanRecord span, int number, object[] messages, int tokens) => span = SomeSpan.Of(
            number, 0, "CHAT_MODEL", number, number + 1, null, ("mlflow.spanInputs", new { messages }), ("mlflow.chat.tokenUsage", new { input_tokens = tokens, output_tokens = 1 }));
    }

    private static SpanView View(MLflow.Server.Traces.SpanRecord record) => new(record, SomeSpan.OriginNs);

    private static string Plain(string text) => string.Join(' ', text.Split((char[])[' ', '\u00A0', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
