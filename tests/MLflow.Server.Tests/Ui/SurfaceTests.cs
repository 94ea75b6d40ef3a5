using MLflow.Server.Ui;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class SurfaceTests
{
    private static readonly TraceUrl Url = new("tr-1");

    // 1 agent (2 tool (3 other), 4 agent (5 call, 6 failed tool))
    private static SpanTree Tree() => SomeSpan.Tree(
        SomeSpan.Of(1, 0, "AGENT", 0, 100),
        SomeSpan.Of(2, 1, "TOOL", 1, 20),
        SomeSpan.Of(3, 2, "UNKNOWN", 2, 10),
        SomeSpan.Of(4, 1, "AGENT", 30, 90),
        SomeSpan.Of(5, 4, "CHAT_MODEL", 31, 50, null, ("mlflow.chat.tokenUsage", new { input_tokens = 7, output_tokens = 2 }), ("mlflow.llm.cost", new { input_cost = 0.5, output_cost = 0.25, total_cost = 0.75 })),
        SomeSpan.Of(6, 4, "TOOL", 60, 80).Failed("A.B", "no"));

    [Theory]
    [InlineData(null, "1 2 3 4 5 6")]
    [InlineData("0000000000000004", "1 2 3 4")]
    [InlineData("all", "1 2 4")]
    [InlineData("all.0000000000000004", "1 2 4 5 6")]
    [InlineData("no such step", "1 2 3 4 5 6")]
    public void Rows_Folded_HideWhatIsBelow(string? fold, string numbers) => Assert.Equal(numbers, Numbers(Url with { Fold = fold }));

    [Fact]
    public void Fold_ToggledTwice_IsAsBefore()
    {
        var node = Tree().Rows[3];
        var once = FoldState.All.Toggle(node);

        Assert.False(once.IsFolded(node));
        Assert.Equal("all", once.Toggle(node).ToString());
        Assert.Null(FoldState.None.Toggle(node).Toggle(node).ToString());
    }

    [Theory]
    [InlineData("tool", false, null, "1 2 4 6", 2)]
    [InlineData("tool,model", false, null, "1 2 4 5 6", 3)]
    [InlineData("spaceship", false, null, "1 2 3 4 5 6", 6)]
    [InlineData(null, true, null, "1 4 6", 1)]
    [InlineData(null, false, 2, "1 2 4", 3)]
    [InlineData("tool", false, 2, "1 2", 1)]
    public void Rows_Filtered_KeepTheWayToWhatIsChosen(string? types, bool errors, int? level, string numbers, int chosen)
    {
        var url = Url with { Types = types, OnlyErrors = errors, Level = level };

        Assert.Equal(numbers, Numbers(url));
        Assert.Equal(chosen, Rows(url).Chosen);
    }

    [Fact]
    public void Sums_OfASubtree_AreThoseBelow()
    {
        var tree = Tree();

        Assert.Equal((3, 1, 7L, 2L), (tree.Rows[3].Sums.Steps, tree.Rows[3].Sums.Errors, tree.Rows[3].Sums.InputTokens, tree.Rows[3].Sums.OutputTokens));
        Assert.Equal(0.75m, tree.Rows[0].Sums.Cost!.Value.Usd);
        Assert.Null(tree.Rows[1].Sums.Cost);
        Assert.Equal(tree.InputTokens, tree.Rows[0].Sums.InputTokens);
    }

    [Fact]
    public void Window_FewRows_IsAllOfThem() => Assert.Equal(new SurfaceWindow(0, 6), SurfaceWindow.Around(Rows(Url), 5));

    [Theory]
    [InlineData("0,800,32,18", 0)]
    [InlineData("32000,800,32,18", 953)]
    [InlineData("99999999,800,32,18", 4880)]
    public void Window_PlaceOnTheScreen_HasItInTheMiddle(string place, int first)
    {
        var rows = SurfaceRows.Of(SomeSpan.Tree([.. Enumerable.Range(1, 5000).Select(i => SomeSpan.Of(i, i == 1 ? 0 : 1, "TOOL", i, i + 1))]), new SurfaceFilter(Url, new HashSet<SpanNode>()));

        Assert.Equal(new SurfaceWindow(first, SurfaceWindow.Size), SurfaceWindow.At(rows, place));
    }

    [Fact]
    public void Window_RowsWithErrorLines_CountThem()
    {
        var rows = SurfaceRows.Of(SomeSpan.Tree([.. Enumerable.Range(1, 1000).Select(i => SomeSpan.Of(i, 0, "TOOL", i, i + 1).Failed("A", "b"))]), new SurfaceFilter(Url, new HashSet<SpanNode>()));

        // Each row is 50 high: the middle of what is seen, 20,400, is row 408.
        Assert.Equal(408 - SurfaceWindow.Size / 2, SurfaceWindow.At(rows, "20000,800,32,18")!.Value.First);
        Assert.Equal("padding-top:calc(var(--rh) * 300 + var(--eh) * 300);padding-bottom:calc(var(--rh) * 540 + var(--eh) * 540)", new SurfaceWindow(300, 160).Room(rows));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("1,2,3")]
    [InlineData("-1,2,3,4")]
    [InlineData("1,2,0,4")]
    [InlineData("NaN,2,3,4")]
    [InlineData("1e999,2,3,4")]
    public void Window_NoPlace_IsNone(string? place) => Assert.Null(SurfaceWindow.At(Rows(Url), place));

    [Fact]
    public void Scale_LongIdleTime_IsSqueezedAndHasNoTicks()
    {
        var scale = TimeScale.Of(0, 1000, [(0, 100), (50, 120), (900, 1000)]);

        Assert.Equal([(0, 120, false), (120, 900, true), (900, 1000, false)], scale.Segments.Select(s => ((int)s.FromMs, (int)s.ToMs, s.IsIdle)));
        Assert.Equal(5, scale.Left(900) - scale.Left(120), 6);
        Assert.Equal(100, scale.Left(1000), 6);
        Assert.Equal(100, scale.Left(5000), 6);
        Assert.DoesNotContain(Ruler.Ticks(scale), tick => tick.Left > scale.Left(120) + 0.001 && tick.Left < scale.Left(900) - 0.001);
    }

    [Fact]
    public void Timeline_AnHourOfWaiting_LeavesTheStepsTheirRoom()
    {
        const double Hour = 3_600_000;
        var timeline = Timeline.Of(SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, Hour + 2000), SomeSpan.Of(2, 1, "TOOL", 0, 1000), SomeSpan.Of(3, 1, "TOOL", Hour + 1000, Hour + 2000)));

        Assert.Single(timeline.Scale.Idle);
        Assert.InRange(timeline.Left(1000) - timeline.Left(0), 40, 50);
        Assert.InRange(timeline.Left(Hour + 2000) - timeline.Left(Hour + 1000), 40, 50);
    }

    [Fact]
    public void Timeline_ToolWithAChild_WorksAllItsTime()
    {
        var tree = SomeSpan.Tree(SomeSpan.Of(1, 0, "AGENT", 0, 1000), SomeSpan.Of(2, 1, "TOOL", 0, 600), SomeSpan.Of(3, 2, "UNKNOWN", 0, 50), SomeSpan.Of(4, 1, "TOOL", 950, 1000));

        Assert.Equal([(600, 950)], Timeline.Of(tree).Scale.Idle.Select(gap => ((int)gap.FromMs, (int)gap.ToMs)));
    }

    [Fact]
    public void Scale_GapOfAFifth_StaysAsItIs() => Assert.Empty(TimeScale.Of(0, 1000, [(0, 400), (600, 1000)]).Idle);

    [Theory]
    [InlineData("10-20", 10.0, 20.0)]
    [InlineData("0-0.5", 0.0, 0.5)]
    public void Zoom_FromAndTo_AreRead(string zoom, double from, double to) => Assert.Equal((from, to), TimeScale.Parse(zoom));

    [Theory]
    [InlineData(null)]
    [InlineData("20-10")]
    [InlineData("10")]
    [InlineData("-5-10")]
    [InlineData("a-b")]
    [InlineData("0-99999999999999")]
    public void Zoom_Nonsense_IsNone(string? zoom) => Assert.Null(TimeScale.Parse(zoom));

    [Fact]
    public void Timeline_Zoomed_LeavesOutWhatIsOutside()
    {
        var tree = Tree();
        var timeline = Timeline.Of(tree).Zoomed("55-85");

        Assert.True(timeline.IsZoomed);
        Assert.Empty(timeline.Bar(tree.Rows[1]));
        var bar = timeline.Bar(tree.Rows[5])[0];
        Assert.Equal(5 / 30.0 * 100, bar.Left, 6);
        Assert.Equal(20 / 30.0 * 100, bar.Width, 6);
        Assert.Null(timeline.ZoomOut() is { } wider ? timeline.Zoomed(wider).ZoomOut() : null);
    }

    [Fact]
    public void Timeline_ZoomedIn_KeepsTheStepInTheMiddle()
    {
        var tree = Tree();
        var timeline = Timeline.Of(tree);

        var zoom = TimeScale.Parse(timeline.ZoomIn(tree.Rows[5]))!.Value;

        Assert.Equal(70, (zoom.FromMs + zoom.ToMs) / 2, 3);
        Assert.Equal(52, zoom.ToMs - zoom.FromMs, 3);
    }

    private static SurfaceRows Rows(TraceUrl url) => SurfaceRows.Of(Tree(), new SurfaceFilter(url, new HashSet<SpanNode>()));

    private static string Numbers(TraceUrl url) => string.Join(' ', Rows(url).Rows.Select(node => node.Number));
}
