using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class KeyTests(UiFixture ui)
{
    private string Weather => $"traces/{ui.Scenes.First(scene => scene.User == "mika@contoso" && scene.Session is not null).Id}";

    [Fact]
    public async Task List_JAndEnter_OpensTheTrace()
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}");
        var page = opened.Page;

        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("k");
        await Expect(page.Locator(".lrow:has(a:focus)")).ToContainTextAsync("明日の東京と大阪");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator("h1")).ToHaveTextAsync("明日の東京と大阪、どちらが暑いですか。傘は必要でしょうか。");
        Assert.Contains("/traces/tr-", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Focus_PageLoadedThenLeft_MovesOnlyWithTheLink()
    {
        await using var opened = await ui.OpenAsync(Weather);
        var page = opened.Page;

        // The circuit has answered once, so all that it does at its start is done.
        await page.Keyboard.PressAsync("w");
        await Expect(page.Locator(".cv")).ToContainTextAsync("You are Kite");
        Assert.Equal("BODY", await page.EvaluateAsync<string>("document.activeElement.tagName"));

        await page.Locator(".crumbs a").Nth(1).ClickAsync();
        await Expect(page.Locator("h1")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task List_SlashAndText_TypesIntoTheFilter()
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}");
        var page = opened.Page;

        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("trace.status = 'ERROR'");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator(".lrow:not(.h)")).ToHaveCountAsync(2);
        await Expect(page.Locator(".livebar")).ToContainTextAsync("2 traces");
    }

    [Fact]
    public async Task Trace_Arrows_MoveThroughStepsAndKeepTheTab()
    {
        await using var opened = await ui.OpenAsync(Weather + "?tab=attrs");
        var page = opened.Page;

        await page.Keyboard.PressAsync("ArrowUp");
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("Geocode");
        await page.Keyboard.PressAsync("ArrowUp");
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("get_weather");
        await Expect(page.GetByRole(AriaRole.Tab, new() { Selected = true })).ToContainTextAsync("Attributes");
        Assert.Contains("span=", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trace_Brackets_MoveThroughModelCalls()
    {
        await using var opened = await ui.OpenAsync(Weather);
        var page = opened.Page;

        await page.Keyboard.PressAsync("[");
        await Expect(page.Locator(".ph")).ToContainTextAsync("call 1 of 2");
        await page.Keyboard.PressAsync("]");
        await Expect(page.Locator(".ph")).ToContainTextAsync("call 2 of 2");
    }

    [Fact]
    public async Task Trace_Digits_OpenTabs()
    {
        await using var opened = await ui.OpenAsync(Weather);

        await opened.Page.Keyboard.PressAsync("3");

        await Expect(opened.Page.GetByRole(AriaRole.Tab, new() { Selected = true })).ToContainTextAsync("Stream");
        await Expect(opened.Page.Locator(".stm")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Trace_W_OpensTheWholePromptAndBack()
    {
        await using var opened = await ui.OpenAsync(Weather);

        await opened.Page.Keyboard.PressAsync("w");
        await Expect(opened.Page.Locator(".cv")).ToContainTextAsync("You are Kite");
        await opened.Page.Keyboard.PressAsync("w");
        await Expect(opened.Page.Locator(".cv")).Not.ToContainTextAsync("You are Kite");
    }

    [Fact]
    public async Task Stream_CommaAndSlider_PutTheHeadBetweenChunks()
    {
        await using var opened = await ui.OpenAsync(Weather + "?tab=stream");
        var page = opened.Page;

        await page.Keyboard.PressAsync(",");
        await Expect(page.Locator("tr[aria-current]")).ToHaveCountAsync(1);
        await page.Locator(".stm input[type=range]").FillAsync("700");

        await Expect(page.Locator(".read")).ToContainTextAsync("700 ms");
        Assert.NotEqual(0, await page.Locator(".stm .f").CountAsync());
    }

    [Fact]
    public async Task T_Twice_SwitchesAndIsRemembered()
    {
        await using var opened = await ui.OpenAsync("");
        var page = opened.Page;
        var light = await BackgroundAsync(page);

        await page.Keyboard.PressAsync("t");
        var dark = await BackgroundAsync(page);
        await page.ReloadAsync();

        Assert.NotEqual(light, dark);
        Assert.Equal(dark, await BackgroundAsync(page));
    }

    [Fact]
    public async Task QuestionMark_AnyPage_ShowsTheKeys()
    {
        await using var opened = await ui.OpenAsync("");

        await opened.Page.Keyboard.PressAsync("?");

        await Expect(opened.Page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("previous, next model call");
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task QuestionMark_SmallWindow_ShowsTheKeysFromTheirBeginning(int width)
    {
        await using var opened = await ui.OpenAsync("", width, 400);

        await opened.Page.Keyboard.PressAsync("?");

        await Expect(opened.Page.GetByRole(AriaRole.Heading, new() { Name = "Keys" })).ToBeInViewportAsync();
        Assert.Equal(0, await opened.Page.EvaluateAsync<int>("() => document.querySelector('dialog.keys').scrollTop"));
    }

    private static Task<string> BackgroundAsync(IPage page) => page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");
}
