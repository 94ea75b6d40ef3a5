using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class OverviewTests(UiFixture ui)
{
    private string Address => $"experiments/{ui.ExperimentId}/overview?range=1h";

    [Fact]
    public async Task Overview_Sentence_LeadsToTheTracesThatItCounts()
    {
        await using var opened = await ui.OpenAsync(Address);
        var page = opened.Page;

        var failed = page.Locator("h1 a").Filter(new() { HasText = "2 failed" });
        await failed.ClickAsync();

        await Expect(page.Locator(".lrow:not(.h)")).ToHaveCountAsync(2);
        await Expect(page.Locator(".nav [aria-current]")).ToHaveTextAsync("Traces");
    }

    [Fact]
    public async Task Overview_ModelAndTool_LeadToTheirTraces()
    {
        await using var opened = await ui.OpenAsync(Address);
        var page = opened.Page;

        await page.GetByRole(AriaRole.Link, new() { Name = "gpt-4.1-mini" }).ClickAsync();
        await Expect(page.Locator(".lrow:not(.h)")).ToHaveCountAsync(1);
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "get_order" }).ClickAsync();
        await Expect(page.Locator(".lrow:not(.h)")).ToContainTextAsync("Where is my order 4471");
    }

    [Fact]
    public async Task Overview_BadArgumentsAndToolsNeverCalled_LeadToTheirTraces()
    {
        var experiment = await ui.CreateExperimentAsync("habits");
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await ui.SendAsync(Scenes.Broken(now - 9000, 7100), experiment);
        await ui.SendAsync(PaneScenes.UnusedTool(7101, now - 5000), experiment);
        await using var opened = await ui.OpenAsync($"experiments/{experiment}/overview?range=1h");
        var page = opened.Page;
        var tools = page.Locator("section[aria-labelledby=tools]");

        await Expect(tools.GetByRole(AriaRole.Columnheader, new() { Name = "Bad arguments" })).ToBeVisibleAsync();
        await Expect(tools.Locator("tr").Filter(new() { HasText = "get_order" }).Locator("td").Nth(4)).ToHaveTextAsync("0");
        await tools.Locator("tr").Filter(new() { HasText = "update_address" }).Locator("td").Nth(4).GetByRole(AriaRole.Link, new() { Name = "1" }).ClickAsync();
        await Expect(page.Locator(".lrow:not(.h)")).ToHaveCountAsync(1);
        await Expect(page.Locator(".lrow:not(.h)")).ToContainTextAsync("Where is my order 4471");

        await page.GoBackAsync();
        await Expect(tools).ToContainTextAsync("in the newest 2 traces that called a model");
        await Expect(tools.Locator("tr").Filter(new() { HasText = "never called" })).ToHaveCountAsync(1);
        await tools.GetByRole(AriaRole.Link, new() { Name = "cancel_order" }).ClickAsync();
        await Expect(page.Locator(".lrow:not(.h)")).ToHaveCountAsync(1);
        await Expect(page.Locator(".lrow:not(.h)")).ToContainTextAsync("Cancel nothing");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task CrossHair_KeysAndPointer_ReadAllLanesAtOnce()
    {
        await using var opened = await ui.OpenAsync(Address);
        var page = opened.Page;
        var hair = page.GetByRole(AriaRole.Slider);
        var rest = int.Parse((await hair.GetAttributeAsync("aria-valuenow"))!, System.Globalization.CultureInfo.InvariantCulture);

        await hair.FocusAsync();
        await page.Keyboard.PressAsync("Home");
        await Expect(hair).ToHaveAttributeAsync("aria-valuenow", "0");
        await Expect(page.Locator(".now b").First).ToHaveTextAsync("0");
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(hair).ToHaveAttributeAsync("aria-valuenow", "0");
        for (var i = 0; i < rest; i++)
        {
            await page.Keyboard.PressAsync("ArrowRight");
        }

        await Expect(page.Locator(".now").First).ToContainTextAsync("failed");
        await Expect(hair).ToHaveAttributeAsync("aria-valuetext", new System.Text.RegularExpressions.Regex("^\\d\\d:\\d\\d; Traces \\d+, 1 failed; Latency "));

        var plot = (await page.Locator(".plot").First.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(plot.X + 2, plot.Y + 10);
        await Expect(hair).ToHaveAttributeAsync("aria-valuenow", "0");

        // Enter opens the traces of that time.
        await hair.FocusAsync();
        await page.Keyboard.PressAsync("End");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".qf input")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("^timestamp_ms >= \\d+ AND timestamp_ms < \\d+$"));
    }

    [Fact]
    public async Task Overview_NoTraces_SaysSo()
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.EmptyExperimentId}/overview");

        await Expect(opened.Page.Locator("h1")).ToContainTextAsync("No trace began in 24 hours.");
    }
}
