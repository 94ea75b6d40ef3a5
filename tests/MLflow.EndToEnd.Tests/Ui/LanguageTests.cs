using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class LanguageTests(UiFixture ui)
{
    private const string Japanese = "ja-JP";

    [Fact]
    public async Task Page_OfAJapaneseBrowser_StaysJapaneseInTheCircuit()
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}/sessions", locale: Japanese);
        var page = opened.Page;
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "ja");
        await Expect(page.Locator(".srw.h")).ToContainTextAsync("最初の質問");

        // What follows is rendered by the circuit, not by a request.
        var requests = opened.Requests.Count;
        await page.Locator(".nav a").First.ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("24 時間のトレース");
        await page.Locator(".seg a").Filter(new() { HasText = "7 d" }).ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("7 日間のトレース");
        await Expect(page.Locator("#at")).ToContainTextAsync("日(");

        Assert.DoesNotContain(opened.Requests.Skip(requests), request => request.AbsolutePath.StartsWith("/experiments/", StringComparison.Ordinal));
        Assert.Empty(opened.Complaints);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Choice_InTheTopBar_KeepsThePageAndIsKept(bool script)
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}/overview?range=7d", script: script);
        var page = opened.Page;
        var address = page.Url;
        await Expect(page.Locator("h1")).ToContainTextAsync("In 7 days");

        await page.GetByRole(AriaRole.Link, new() { Name = "日本語" }).ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("7 日間のトレース");
        await Expect(page.Locator("html")).ToHaveAttributeAsync("lang", "ja");
        Assert.Equal(address, page.Url);

        await page.GotoAsync("");
        await Expect(page.Locator("h1")).ToHaveTextAsync("実験");
        await page.GetByRole(AriaRole.Link, new() { Name = "English" }).ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("Experiments");
    }

    [Fact]
    public async Task Choice_ThatLeadsElsewhere_StaysOnThisServer()
    {
        await using var opened = await ui.OpenAsync("", script: false);

        await opened.Page.GotoAsync("language/ja?return=//example.com/");

        Assert.Equal(ui.BaseAddress.ToString(), opened.Page.Url);
        await Expect(opened.Page.Locator("h1")).ToHaveTextAsync("実験");
    }

    [Theory]
    [InlineData("overview", ColorScheme.Light)]
    [InlineData("overview", ColorScheme.Dark)]
    [InlineData("sessions", ColorScheme.Light)]
    [InlineData("session?id=s-4f21", ColorScheme.Light)]
    public async Task Page_InJapanese_HasNothingThatHindersReading(string name, ColorScheme scheme)
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}/{name}", scheme: scheme, locale: Japanese);

        var result = await opened.Page.RunAxe();

        Assert.Empty(result.Violations.Select(violation => $"{violation.Id}: {string.Join("; ", violation.Nodes.Select(node => node.Html))}"));
        Assert.False(await opened.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth > document.documentElement.clientWidth"));
    }
}
