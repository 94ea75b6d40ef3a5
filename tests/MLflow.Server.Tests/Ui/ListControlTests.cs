using Bunit;
using MLflow.Server.Traces;
using MLflow.Server.Ui.List;
using MLflow.Server.Views;
using Xunit;

namespace MLflow.Server.Tests.Ui;

/// <summary>The controls of the list, without a browser.</summary>
public sealed class ListControlTests : BunitContext
{
    private static readonly TraceListUrl Url = new(7) { Filter = "trace.status = 'OK'" };

    [Fact]
    public void ColumnChooser_DraggedOntoAnother_TakesItsPlace()
    {
        var chosen = new List<string>();
        var chooser = Render<ColumnChooser>(parameters => parameters.Add(p => p.Columns, ListColumns.Of("time,request,cost,latency")).Add(p => p.OnChange, columns => chosen.Add(columns.ToString())));

        chooser.FindAll("[draggable=true]")[3].DragStart();
        chooser.FindAll("[draggable=true]")[0].Drop();
        chooser.FindAll("[draggable=true]")[2].DragStart();
        chooser.FindAll("[draggable=true]")[2].Drop();

        Assert.Equal(["latency,time,request,cost"], chosen);
    }

    [Fact]
    public void ColumnChooser_ArrowsBoxesAndReset_ChangeOneThing()
    {
        var chosen = new List<string>();
        var known = new KnownValues([new TraceInfo { TraceId = "tr-1", ExperimentId = 7, RequestTimeMs = 1, State = TraceState.Ok, Tags = new Dictionary<string, string> { ["env"] = "prod" } }]);
        var chooser = Render<ColumnChooser>(parameters => parameters.Add(p => p.Columns, ListColumns.Of("time,request,cost")).Add(p => p.Known, known).Add(p => p.OnChange, columns => chosen.Add(columns.ToString())));

        Assert.True(chooser.Find("[aria-label='Time, user up']").HasAttribute("disabled"));
        Assert.True(chooser.Find("[aria-label='Cost down']").HasAttribute("disabled"));
        chooser.Find("[aria-label='Cost up']").Click();
        chooser.FindAll("[draggable=true] input")[0].Change(false);
        chooser.FindAll("label").Single(label => label.TextContent.Trim() == "tag env").QuerySelector("input")!.Change(true);
        chooser.FindAll("button").Single(button => button.TextContent == "Reset").Click();

        Assert.Equal(["time,cost,request", "request,cost", "time,request,cost,tag.env", ListColumns.Default.ToString()], chosen);
        Assert.True(chooser.FindAll("[draggable=true] input")[1].HasAttribute("disabled"));
    }

    [Fact]
    public void SelectionBar_Delete_AsksFirst()
    {
        var deleted = 0;
        var bar = Render<SelectionBar>(parameters => parameters.Add(p => p.ExperimentId, 7).Add(p => p.Ids, ["a", "b"]).Add(p => p.Matching, 5).Add(p => p.MayEdit, true).Add(p => p.OnDelete, () => deleted++));

        Assert.Contains("Select all 5 that match", bar.Markup, StringComparison.Ordinal);
        Assert.Equal("compare?traces=a%2Cb", bar.Find("a").GetAttribute("href"));
        Button("Delete").Click();
        Assert.Equal(0, deleted);
        Button("Keep them").Click();
        Assert.DoesNotContain("They cannot be had back", bar.Markup, StringComparison.Ordinal);
        Button("Delete").Click();
        Button("Delete 2").Click();
        Assert.Equal(1, deleted);

        AngleSharp.Dom.IElement Button(string text) => bar.FindAll("button").Single(button => button.TextContent == text);
    }

    [Fact]
    public void SelectionBar_TagThatFails_StaysOpenWithItsReason()
    {
        var tags = new List<(string, string)>();
        var bar = Render<SelectionBar>(parameters => parameters.Add(p => p.ExperimentId, 7).Add(p => p.Ids, ["a"]).Add(p => p.MayEdit, true).Add(p => p.Error, "no").Add(p => p.OnTag, tag => tags.Add(tag)));

        bar.FindAll("button").Single(button => button.TextContent == "Tag").Click();
        bar.Find("[aria-label='Key of the tag']").Change(" env ");
        bar.Find("[aria-label='Value of the tag']").Change("prod");
        bar.FindAll("button").Single(button => button.TextContent == "Set on 1").Click();

        Assert.Equal([("env", "prod")], tags);
        Assert.Equal("no", bar.Find("[role=alert]").TextContent);
        Assert.NotNull(bar.Find("[aria-label='Key of the tag']"));
    }

    [Fact]
    public void SelectionBar_WhoMayOnlyRead_ExportsAndNothingElse()
    {
        var bar = Render<SelectionBar>(parameters => parameters.Add(p => p.ExperimentId, 7).Add(p => p.Ids, ["a"]));

        Assert.Equal(["Clear Esc", "Export"], bar.FindAll("button").Select(button => button.TextContent));
    }

    [Fact]
    public void SavedViews_Changed_AreMarkedAndSavedUnderAName()
    {
        var saved = new List<string>();
        var deleted = new List<string>();
        var current = (Url.First with { Columns = ListColumns.Default.ToString() }).Query;
        var views = Render<SavedViews>(parameters => parameters
            .Add(p => p.Views, [View("mine", current), View("other", "q=x")]).Add(p => p.Url, Url with { View = "mine" }).Add(p => p.Columns, ListColumns.Default).Add(p => p.MayEdit, true)
            .Add(p => p.OnSave, name => saved.Add(name)).Add(p => p.OnDelete, name => deleted.Add(name)));
        Assert.Equal(["All", "mine", "other"], views.FindAll("nav > a").Select(link => link.TextContent));

        views.Render(parameters => parameters.Add(p => p.Url, Url with { View = "mine", Sort = "name DESC" }));
        Assert.Equal("mine *", views.Find("[aria-current=true]").TextContent);
        views.FindAll("button").Single(button => button.TextContent == "Save").Click();
        views.Find(".pop input").Change("  slow ones ");
        views.FindAll("button").Single(button => button.TextContent == "Save").Click();
        views.Find("[aria-label='Delete the view other']").Click();

        Assert.Equal(["slow ones"], saved);
        Assert.Equal(["other"], deleted);

        static SavedView View(string name, string query) => new() { ExperimentId = 7, Name = name, Query = query };
    }

    [Fact]
    public void FilterBar_Builder_AddsAClauseOrSaysWhatIsWrong()
    {
        var addresses = new List<string>();
        var bar = Render<FilterBar>(parameters => parameters.Add(p => p.Url, Url).Add(p => p.View, new FilterView(Url.Filter)).Add(p => p.Window, new TimeWindow(null, null, null)).Add(p => p.OnGo, address => addresses.Add(address)));

        bar.Find(".build select").Change("trace.tokens");
        bar.Find(".build input[list=known-values]").Change("many");
        bar.Find(".build .btn").Click();
        Assert.Equal("The value must be a number.", bar.Find(".build [role=alert]").TextContent);
        Assert.Empty(addresses);

        bar.Find(".build input[list=known-values]").Change("1000");
        bar.Find(".build .btn").Click();
        Assert.Equal([Url.WithFilter("trace.status = 'OK' AND trace.tokens > 1000")], addresses);
    }

    [Fact]
    public void TableHead_EveryFigure_CanBeOrderedBy()
    {
        var head = Render<TraceTableHead>(parameters => parameters.Add(p => p.Scale, LatencyScale.For([])).Add(p => p.Columns, ListColumns.Of("latency,tokens,cost,first,request")).Add(p => p.Url, Url with { Sort = "tokens DESC" }));

        Assert.Equal(["Latency", "Tokens ↓", "Cost", "First token"], head.FindAll("[role=columnheader] a").Select(link => link.TextContent));
        Assert.Contains("sort=tokens%20ASC", head.FindAll("[role=columnheader] a")[1].GetAttribute("href"), StringComparison.Ordinal);
    }
}
