using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>The left side of the trace page: tree, timeline, its other faces, filter and search; and the way from trace to trace.</summary>
[Collection(UiTests.Name)]
public sealed class TraceSurfaceTests(UiFixture ui)
{
    private string Weather => $"traces/{ui.Scenes.Single(scene => scene.User == "mika@contoso" && scene.Session is not null).Id}";

    private string Broken => $"traces/{ui.Scenes.Single(scene => scene.User == "jules@contoso").Id}";

    [Fact]
    public async Task Arrows_LeftAndRight_FoldAndUnfoldWithSums()
    {
        await using var opened = await ui.OpenAsync($"{Weather}?span={SceneTrace.SpanIdOf(4)}");
        var page = opened.Page;
        var rows = page.Locator(".srow:not(.h)");

        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(rows).ToHaveCountAsync(5);
        await Expect(page.Locator(".srow[aria-selected=true]")).ToHaveAttributeAsync("aria-expanded", "false");
        await Expect(page.Locator(".srow[aria-selected=true]")).ToContainTextAsync("+1 step");
        Assert.Contains("fold=", page.Url, StringComparison.Ordinal);

        // Folded already: the way goes up, to the agent.
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("RunToolAgentAsync");
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows).ToContainTextAsync("∑ 2,943 →110");
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(rows).ToHaveCountAsync(5);
    }

    [Fact]
    public async Task Filter_ToolsAndErrors_KeepTheWayToThem()
    {
        await using var opened = await ui.OpenAsync(Broken);
        var page = opened.Page;

        await page.Locator(".flt summary").ClickAsync();
        await page.Locator(".flt").GetByRole(AriaRole.Link, new() { Name = "tools" }).ClickAsync();
        await Expect(page.Locator(".srow:not(.h)")).ToHaveCountAsync(3);
        await page.Locator(".flt").GetByRole(AriaRole.Link, new() { Name = "failed only" }).ClickAsync();
        await Expect(page.Locator(".srow:not(.h)")).ToHaveCountAsync(2);
        await Expect(page.Locator(".hits")).ToContainTextAsync("1 of 6 steps");
        Assert.Contains("types=tool", page.Url, StringComparison.Ordinal);
        Assert.Contains("errors=1", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task E_Twice_GoesThroughTheErrors()
    {
        await using var opened = await ui.OpenAsync($"{Broken}?span={SceneTrace.SpanIdOf(1)}");
        var page = opened.Page;

        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator(".ph")).ToContainTextAsync("step 4");
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator(".ph")).ToContainTextAsync("step 6");
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator(".ph")).ToContainTextAsync("step 4");
    }

    [Fact]
    public async Task Ruler_DragWheelAndKeys_Zoom()
    {
        await using var opened = await ui.OpenAsync(Weather);
        var page = opened.Page;
        var ruler = page.Locator(".srow.h .tm");
        var box = (await ruler.BoundingBoxAsync())!;

        await page.Mouse.MoveAsync(box.X + box.Width * 0.3f, box.Y + 10);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + box.Width * 0.6f, box.Y + 10);
        await page.Mouse.UpAsync();
        await Expect(page.GetByText("Show the whole time")).ToBeVisibleAsync();
        Assert.Matches("zoom=10[0-9.]+-21[0-9.]+", page.Url);

        await page.Keyboard.PressAsync("0");
        await Expect(page.GetByText("Show the whole time")).ToHaveCountAsync(0);

        await page.Mouse.WheelAsync(0, -120);
        await Expect(page.GetByText("Show the whole time")).ToBeVisibleAsync();
        await page.Mouse.WheelAsync(0, 400);
        await Expect(page.GetByText("Show the whole time")).ToHaveCountAsync(0);

        await page.Keyboard.PressAsync("+");
        await Expect(page.GetByText("Show the whole time")).ToBeVisibleAsync();
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Search_TextAndEnter_StepsThroughHitsAndMarksThem()
    {
        await using var opened = await ui.OpenAsync(Weather);
        var page = opened.Page;

        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("light rain");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".hits")).ToContainTextAsync("Hit 1 of");
        await Expect(page.Locator(".ph")).ToContainTextAsync("step 1");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".hits")).ToContainTextAsync("Hit 2 of");
        await Expect(page.Locator(".ph")).ToContainTextAsync("step 3");
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("p");
        await Expect(page.Locator(".hits")).ToContainTextAsync("Hit 1 of");
        await page.WaitForFunctionAsync("CSS.highlights.get('hit-now')?.size === 1");

        // Another reader sees the same hit.
        await using var shared = await ui.OpenAsync(page.Url);
        await Expect(shared.Page.Locator(".hits")).ToContainTextAsync("Hit 1 of");
        await Expect(shared.Page.Locator(".find")).ToHaveValueAsync("light rain");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Faces_LogAndGraph_AreInTheAddressAndOpenSteps()
    {
        await using var opened = await ui.OpenAsync(Weather);
        var page = opened.Page;

        await page.GetByRole(AriaRole.Link, new() { Name = "Log", Exact = true }).ClickAsync();
        await Expect(page.Locator(".le")).ToHaveCountAsync(6);
        await Expect(page.Locator(".le").Nth(2)).ToContainTextAsync("light rain");
        Assert.Contains("face=log", page.Url, StringComparison.Ordinal);

        await page.GetByRole(AriaRole.Link, new() { Name = "Graph", Exact = true }).ClickAsync();
        await Expect(page.Locator(".fn2")).ToHaveCountAsync(2);
        await page.Locator(".fn2", new() { HasText = "get_weather" }).ClickAsync();
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("get_weather");
        Assert.Contains("face=graph", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task J_TraceOfAList_GoesToTheNextOfThatList()
    {
        var from = Uri.EscapeDataString("q=" + Uri.EscapeDataString("trace.status = 'ERROR'"));
        await using var opened = await ui.OpenAsync($"{Broken}?from={from}");
        var page = opened.Page;

        await Expect(page.Locator(".step")).ToContainTextAsync("1 of 2");
        await Expect(page.Locator(".crumbs a").Last).ToHaveAttributeAsync("href", $"experiments/{ui.ExperimentId}?q=trace.status%20%3D%20%27ERROR%27");
        await page.Keyboard.PressAsync("j");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Hello, how are you?");
        await Expect(page.Locator(".step")).ToContainTextAsync("2 of 2");
        await page.Keyboard.PressAsync("k");
        await Expect(page.Locator("h1")).ToContainTextAsync("Where is my order");
    }

    [Fact]
    public async Task J_ListByDuration_FollowsItsOrder()
    {
        var from = Uri.EscapeDataString("sort=" + Uri.EscapeDataString("execution_time_ms DESC"));
        await using var opened = await ui.OpenAsync($"{Broken}?from={from}");

        await Expect(opened.Page.Locator(".step")).ToContainTextAsync("2 of 14");
        await opened.Page.Keyboard.PressAsync("j");
        await Expect(opened.Page.Locator("h1")).ToContainTextAsync("Is it hotter in Paris");
    }

    [Fact]
    public async Task From_WrongFilter_ShowsTheTraceWithoutNeighbours()
    {
        await using var opened = await ui.OpenAsync($"{Broken}?from=q%3Dnonsense");

        await Expect(opened.Page.Locator("h1")).ToContainTextAsync("Where is my order");
        await Expect(opened.Page.Locator(".step")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Grip_ArrowKeys_MoveItAndItIsRemembered()
    {
        await using var opened = await ui.OpenAsync(Weather);
        var page = opened.Page;
        var before = (await page.Locator(".left").BoundingBoxAsync())!.Width;

        await page.GetByRole(AriaRole.Separator).FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await page.ReloadAsync();
        await opened.HasCircuitAsync();

        await Expect(page.GetByRole(AriaRole.Separator)).ToHaveAttributeAsync("aria-valuenow", ((int)Math.Round(before) - 24).ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(before - 24, (await page.Locator(".left").BoundingBoxAsync())!.Width, 1.5);
    }
}
