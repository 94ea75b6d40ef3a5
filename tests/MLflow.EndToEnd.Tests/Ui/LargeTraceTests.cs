using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class LargeTraceTests(UiFixture ui)
{
    [Fact]
    public async Task Trace_ThreeThousandSteps_OpensAndFollowsKeys()
    {
        var scene = await SendAsync(120, 3000);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}?span={SceneTrace.SpanIdOf(1)}");
        var page = opened.Page;
        Assert.InRange(await page.Locator(".srow:not(.h)").CountAsync(), 100, 300);
        await Expect(page.GetByRole(AriaRole.Treegrid)).ToHaveAttributeAsync("aria-rowcount", "3001");

        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("step_2");
        await page.Keyboard.PressAsync("ArrowDown");

        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("step_3");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Trace_FiftyThousandSteps_DrawsAWindowThatFollowsTheScroll()
    {
        var scene = await SendAsync(121, 50_000);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}");
        var page = opened.Page;
        await Expect(page.GetByText("LargeRun").First).ToBeVisibleAsync();

        // The room is that of all rows, so the bar of the scroll tells the truth.
        Assert.Equal(50_000 * 32, await page.EvaluateAsync<int>("document.querySelector('.vw').offsetHeight"));
        await page.EvaluateAsync("document.querySelector('.left').scrollTop = 25000 * 32");
        await Expect(page.Locator(".srow", new() { HasText = "step_25005" })).ToBeInViewportAsync();
        Assert.InRange(await page.Locator(".srow:not(.h)").CountAsync(), 100, 300);

        // What stands beside the name comes from the step's contents, which are read when it is drawn.
        await Expect(page.Locator(".srow", new() { HasText = "step_25005" }).Locator(".nm small")).ToHaveTextAsync("25005");
        await page.GetByText("step_25005", new() { Exact = true }).ClickAsync();
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("step_25005");
        await Expect(page.Locator(".pane .body")).ToContainTextAsync("25005");
        await Expect(page.Locator(".srow[aria-selected=true]")).ToBeInViewportAsync();
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Address_StepFarBelow_IsScrolledTo()
    {
        var scene = await SendAsync(122, 5000);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}?span={SceneTrace.SpanIdOf(4000)}");

        await Expect(opened.Page.Locator(".srow[aria-selected=true]")).ToBeInViewportAsync();
        await Expect(opened.Page.Locator(".srow[aria-selected=true] .nm")).ToContainTextAsync("step_4000");
    }

    [Fact]
    public async Task Search_LargeTrace_FindsWhatNoRowShows()
    {
        var scene = await SendAsync(123, 5000);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}");
        var page = opened.Page;

        await page.GetByRole(AriaRole.Searchbox).FillAsync("\"i\":4321");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator(".hits")).ToContainTextAsync("Hit 1 of 1");
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("step_4321");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Log_LargeTrace_HasWhatTheStepsWereGiven()
    {
        var scene = await SendAsync(124, 5000);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}?face=log");

        await Expect(opened.Page.Locator(".le").Nth(400).Locator(".io")).ToContainTextAsync("401");
        Assert.Empty(opened.Complaints);
    }

    private async Task<SceneTrace> SendAsync(int number, int steps)
    {
        var experiment = await ui.CreateExperimentAsync($"large-trace-{number}");
        var scene = Scenes.Large(number, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 600_000, steps);
        await ui.SendAsync(scene, experiment);
        return scene;
    }
}
