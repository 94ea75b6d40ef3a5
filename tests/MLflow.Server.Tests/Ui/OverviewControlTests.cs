using System.Text.Json;
using Bunit;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using MLflow.Server.Ui.Compare;
using MLflow.Server.Ui.Endpoints;
using MLflow.Server.Ui.List;
using MLflow.Server.Ui.Overview;
using MLflow.Server.Ui.Settings;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>The controls of overview, list and settings that only draw, without a browser.</summary>
public sealed class OverviewControlTests : BunitContext
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 3, 14, 7, TimeSpan.Zero);

    private static readonly OverviewRange Range = OverviewRange.Of("24h");

    [Fact]
    public void Lanes_AnyChart_HaveTheirReadingsAtTheCrossHairAndForTheScript()
    {
        var view = new OverviewView(Overview(new OverviewFigures { Traces = 3, Failed = 1 }), Range);
        var lanes = Render<OverviewLanes>(parameters => parameters.Add(p => p.Chart, view.Chart).Add(p => p.List, "experiments/1"));

        var hair = lanes.Find("[role=slider]");
        Assert.Equal(("40", "95"), (hair.GetAttribute("aria-valuenow"), hair.GetAttribute("aria-valuemax")));
        Assert.Equal(("3", "1 failed"), (lanes.Find(".now b").TextContent, lanes.Find(".now span").TextContent));
        Assert.Equal("err", lanes.Find(".now span").ClassName);
        Assert.Equal(96, JsonSerializer.Deserialize<JsonElement[]>(lanes.Find(".now").GetAttribute("data-readings")!)!.Length);
        Assert.Equal(6, lanes.FindAll("section.lane").Count);
    }

    [Fact]
    public void Lanes_WithoutData_RestAtTheNewestPiece()
    {
        var usage = new UsageView([], UsageView.Ranges[0], Now);
        var lanes = Render<OverviewLanes>(parameters => parameters.Add(p => p.Chart, usage.Chart));

        Assert.Equal("23", lanes.Find("[role=slider]").GetAttribute("aria-valuenow"));
        Assert.Equal("--f:0.9792", lanes.Find("[role=slider]").GetAttribute("style"));
    }

    [Fact]
    public void Tables_ModelsAndTools_LeadToTheirTracesAndTellWhatIsMissing()
    {
        var overview = Overview(OverviewFigures.None) with { Models = [new ModelFigures { Model = "gpt-4o", Calls = 20, Failed = 1, DurationP50 = 1000, FirstTokenP50 = 250 }], Tools = [new ToolFigures("look", 4, 2, 10, 20)] };
        var tables = Render<OverviewTables>(parameters => parameters.Add(p => p.View, new OverviewView(overview, Range)).Add(p => p.List, "experiments/1/traces"));

        Assert.Equal(["gpt-4o", "5 %", "look", "2"], tables.FindAll("td a").Select(link => link.TextContent.Replace('\u00A0', ' ')));
        Assert.All(tables.FindAll("td a"), link => Assert.StartsWith("experiments/1/traces?q=", link.GetAttribute("href")!, StringComparison.Ordinal));
        Assert.Equal(["left:0;width:25%", "left:25%;width:75%"], tables.FindAll(".bx i").Select(part => part.GetAttribute("style")));
        Assert.DoesNotContain("Bad arguments", tables.Markup, StringComparison.Ordinal);

        var none = Render<OverviewTables>(parameters => parameters.Add(p => p.View, new OverviewView(Overview(OverviewFigures.None), Range)).Add(p => p.List, "l"));
        Assert.Equal(["No call of a model in this time.", "No tool ran in this time."], none.FindAll("p").Select(line => line.TextContent));
    }

    [Fact]
    public void Histogram_BarsAndWorst_AreSaidInWords()
    {
        var query = new HistogramQuery(1, null, Now.ToUnixTimeMilliseconds(), 60_000, 10);
        var view = new HistogramView(query, new TraceHistogram(new Dictionary<int, HistogramBucket> { [2] = new(4, 2), [9] = new(1, 0) }, new FailureCluster(2, 2, "System.TimeoutException", 2, "gpt-4o", 2)));
        var histogram = Render<TimeHistogram>(parameters => parameters.Add(p => p.View, view).Add(p => p.List, "experiments/1"));

        Assert.Equal("Traces in each 1 min: 2 errors at 03:16, TimeoutException from gpt-4o", histogram.Find("[role=img]").GetAttribute("aria-label"));
        Assert.Equal(["03:16: 4 traces, 2 failed", "03:23: 1 trace"], histogram.FindAll("title").Select(title => title.TextContent));
        Assert.Equal((2, 1), (histogram.FindAll("rect.fine").Count, histogram.FindAll("rect.failed").Count));
    }

    [Theory]
    [InlineData(TraceState.Ok, null, "w,s min", "")]
    [InlineData(TraceState.Error, null, "w,s min,post", "Failed")]
    [InlineData(TraceState.Ok, "abandoned", "w,s min,post stop", "Stopped by the app")]
    [InlineData(TraceState.Ok, "truncated", "w,s min,post", "Cut by the server")]
    [InlineData(TraceState.InProgress, null, "w,s min,open", "Running")]
    public void LatencyBarAndSign_EachState_IsDrawnAndNamed(TraceState state, string? end, string parts, string sign)
    {
        var info = new TraceInfo { TraceId = "tr-1", ExperimentId = 1, RequestTimeMs = Now.ToUnixTimeMilliseconds() - 2000, DurationMs = state == TraceState.InProgress ? null : 2000, State = state, Facts = new TraceFacts { FirstTokenMs = 500, StreamEnd = end, SpanCount = 1 } };
        var row = new TraceRow(info, Now);
        var bar = Render<LatencyBar>(parameters => parameters.Add(p => p.Row, row).Add(p => p.Scale, LatencyScale.For([row])));

        Assert.Equal(parts, string.Join(',', bar.FindAll(".bx i").Select(part => part.ClassName)));
        Assert.Equal("2.00\u00A0s", bar.Find(".r").TextContent);
        Assert.Equal(sign, Render<StateSign>(parameters => parameters.Add(p => p.Mark, row.Mark)).FindAll("[role=img]").SingleOrDefault()?.GetAttribute("aria-label") ?? "");
    }

    [Fact]
    public void Navigation_OfGatewayAndSettings_MarksThePageAndHidesWhatIsForAdministrators()
    {
        var mine = Render<GatewayNav>(parameters => parameters.Add(p => p.Current, GatewayNav.Playground).Add(p => p.IsAdministrator, false));
        var all = Render<GatewayNav>(parameters => parameters.Add(p => p.Current, GatewayNav.Usage).Add(p => p.IsAdministrator, true));

        Assert.Equal(["Endpoints", "Playground"], mine.FindAll("a").Select(link => link.TextContent));
        Assert.Equal(("Playground", "Usage", 5), (mine.Find("[aria-current]").TextContent, all.Find("[aria-current]").TextContent, all.FindAll("a").Count));
        Assert.Equal("Prices", Render<SettingsNav>(parameters => parameters.Add(p => p.Current, "prices")).Find("[aria-current=page]").TextContent);
    }

    [Fact]
    public void EndpointForm_ModelsAndLimits_AreAddedMovedAndRemoved()
    {
        var (draft, saved) = (new EndpointDraft(), 0);
        var form = Render<EndpointForm>(parameters => parameters.Add(p => p.Draft, draft).Add(p => p.Secrets, [("s-1", "openai", "openai")]).Add(p => p.Experiments, []).Add(p => p.Back, "back").Add(p => p.OnSave, () => saved++));

        Assert.True(form.Find("[aria-label='Remove model 1']").HasAttribute("disabled"));
        form.Find("[placeholder='gpt-4o-mini']").Change("gpt-4o");
        Button("Add a model").Click();
        Assert.Equal("fallback 1", form.Find(".gw-order").TextContent);
        form.FindAll("[placeholder='gpt-4o-mini']")[1].Change("gpt-4o-mini");
        form.Find("[aria-label='Model 2 up']").Click();
        Assert.Equal(["gpt-4o-mini", "gpt-4o"], draft.Models.Select(model => model.ModelName));
        form.Find("[aria-label='Remove model 1']").Click();
        Button("Add a limit").Click();
        form.Find("[aria-label='Limit 1'] input").Change("5");
        draft.Problems["name"] = "A name is needed.";
        form.Find("form").Submit();

        Assert.Equal(("gpt-4o", "5", 1), (Assert.Single(draft.Models).ModelName, Assert.Single(draft.Limits).Calls, saved));
        Assert.Equal("A name is needed.", form.Find("#p-name[role=alert]").TextContent);
        Assert.Equal("true", form.Find("[aria-describedby=p-name]").GetAttribute("aria-invalid"));

        AngleSharp.Dom.IElement Button(string text) => form.FindAll("button").Single(button => button.TextContent == text);
    }

    [Fact]
    public void DiffText_Pieces_AreMarkedAndStayText()
    {
        var diff = Render<DiffText>(parameters => parameters.Add(p => p.Pieces, WordDiff.Of("It is <b>22</b> here", "It is <b>31</b> here")));

        Assert.NotEmpty(diff.FindAll("del"));
        Assert.NotEmpty(diff.FindAll("ins"));
        Assert.Empty(diff.FindAll("b"));
    }

    private static Overview Overview(OverviewFigures figures) => new()
    {
        Query = Range.Query(1, Now),
        Total = figures,
        Buckets = figures.Traces == 0 ? [] : new Dictionary<int, OverviewFigures> { [40] = figures },
        Models = [],
        Tools = [],
    };
}
