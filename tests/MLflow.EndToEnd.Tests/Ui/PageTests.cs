using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>What holds for every page.</summary>
[Collection(UiTests.Name)]
public sealed class PageTests(UiFixture ui)
{
    public static TheoryData<string, ColorScheme, int> Pages
    {
        get
        {
            var data = new TheoryData<string, ColorScheme, int>();
            foreach (var page in (string[])["experiments", "list", "wrong filter", "empty", "trace", "error", "stream", "events", "inputs", "attributes", "http", "raw", "tool", "running", "unknown", "search", "log", "graph", "zoom", "filtered", "overview", "sessions", "session"])
            {
                data.Add(page, ColorScheme.Light, 1440);
            }

            foreach (var page in (string[])["overview", "sessions", "session", "list", "empty", "whole prompt", "error", "stream", "events", "inputs", "tool", "running", "search", "log", "graph"])
            {
                data.Add(page, ColorScheme.Dark, 1440);
            }

            foreach (var page in (string[])["experiments", "list", "empty", "trace", "error", "stream", "events", "inputs", "japanese", "search", "log", "graph", "overview", "sessions", "session"])
            {
                data.Add(page, ColorScheme.Light, 390);
            }

            foreach (var page in (string[])["experiments", "list", "wrong filter", "empty", "trace", "error", "stream", "inputs", "running", "search", "log", "graph", "overview", "sessions", "session"])
            {
                data.Add(page, ColorScheme.Light, 1024);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Page_AnyThemeAndWidth_IsAccessibleQuietAndLocal(string name, ColorScheme scheme, int width)
    {
        await using var opened = await ui.OpenAsync(Path(name), width, 900, scheme);

        var result = await opened.Page.RunAxe();
        var serious = result.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{violation.Id}: {string.Join("; ", violation.Nodes.Take(3).Select(node => node.Html))}");
        Assert.Empty(serious);

        var overflow = await opened.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        Assert.True(overflow <= 0, $"the page is {overflow} px wider than the window");
        Assert.All(opened.Requests, request => Assert.Equal(ui.BaseAddress.Authority, request.Authority));

        // The browser says so itself when the address of a page is not found; nothing else may be said.
        Assert.DoesNotContain(opened.Complaints, complaint => name != "unknown" || !complaint.Contains("404", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("experiments", "kite-production")]
    [InlineData("list", "Is it hotter in Paris or New York right now")]
    [InlineData("trace", "sunscreen will serve you better there")]
    [InlineData("error", "The response ended prematurely. (ResponseEnded)")]
    [InlineData("stream", "Gap before each chunk")]
    [InlineData("japanese", "東京へお出かけなら傘をお持ちください")]
    [InlineData("empty", "Mlflow.OpenAI.Autolog();")]
    [InlineData("overview", "failed")]
    [InlineData("sessions", "Is it hotter in Paris or New York right now")]
    [InlineData("session", "Pack an umbrella for Paris")]
    public async Task Page_WithoutScript_IsComplete(string name, string text)
    {
        await using var opened = await ui.OpenAsync(Path(name), script: false);

        await Expect(opened.Page.Locator("body")).ToContainTextAsync(text);
    }

    [Fact]
    public async Task Links_WithoutScript_LeadFromExperimentsToAStep()
    {
        await using var opened = await ui.OpenAsync("", script: false);
        var page = opened.Page;

        await page.GetByRole(AriaRole.Link, new() { Name = "kite-production" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Where is my order 4471" }).ClickAsync();
        await page.Locator(".ans").GetByRole(AriaRole.Link, new() { Name = "step 4" }).ClickAsync();

        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("update_address");
        await Expect(page.Locator(".exc")).ToContainTextAsync("zip is a number, the schema says string");
    }

    [Fact]
    public async Task Address_SharedLink_ShowsTheSameStepAndTab()
    {
        await using var opened = await ui.OpenAsync(Path("error"));
        await opened.Page.Locator(".srow .nm a").Filter(new() { HasText = "get_order" }).ClickAsync();

        // Until the step is shown, the tabs are those of the step before.
        await Expect(opened.Page.Locator(".ph h2")).ToHaveTextAsync("get_order");
        await opened.Page.GetByRole(AriaRole.Tab, new() { Name = "Inputs / Outputs" }).ClickAsync();
        await Expect(opened.Page.GetByRole(AriaRole.Tab, new() { Name = "Inputs / Outputs" })).ToHaveAttributeAsync("aria-selected", "true");

        await using var shared = await ui.OpenAsync(opened.Page.Url);

        await Expect(shared.Page.Locator(".ph h2")).ToHaveTextAsync("get_order");
        await Expect(shared.Page.GetByRole(AriaRole.Tabpanel)).ToContainTextAsync("shipped");
    }

    [Fact]
    public async Task Address_OnAPhone_OpensThePaneThatItNames()
    {
        await using var opened = await ui.OpenAsync(Path("trace") + "?tab=stream", width: 390);
        var page = opened.Page;

        await Expect(page.Locator(".stm")).ToBeVisibleAsync();
        await Expect(page.Locator(".surf")).ToBeHiddenAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Reading" })).ToHaveAttributeAsync("aria-current", "true");

        await page.GetByRole(AriaRole.Link, new() { Name = "Timeline" }).ClickAsync();
        await Expect(page.Locator(".surf")).ToBeVisibleAsync();
        await Expect(page.Locator(".stm")).ToBeHiddenAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Reading" }).ClickAsync();
        await Expect(page.Locator(".stm")).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData("list")]
    [InlineData("overview")]
    [InlineData("sessions")]
    public async Task Experiment_OnAPhone_HasItsNameAndTheWayToEveryPage(string name)
    {
        await using var opened = await ui.OpenAsync(Path(name), 390, 844);
        var top = opened.Page.Locator("header.top");

        await Expect(top.GetByText("kite-production")).ToBeInViewportAsync();
        foreach (var page in (string[])["Overview", "Traces", "Sessions", "Review", "Settings"])
        {
            await Expect(top.GetByRole(AriaRole.Link, new() { Name = page })).ToBeInViewportAsync(new() { Ratio = 1 });
        }
    }

    [Theory]
    [InlineData("en-GB", ColorScheme.Light, 1440, "No such page")]
    [InlineData("en-GB", ColorScheme.Dark, 390, "No such page")]
    [InlineData("ja-JP", ColorScheme.Light, 390, "ページがありません")]
    public async Task Address_OfNoPage_IsAPageThatLeadsToTheOthers(string locale, ColorScheme scheme, int width, string title)
    {
        var address = "/experiments/" + new string('x', 120) + "/<b>";
        await using var opened = await ui.OpenAsync(ui.BaseAddress, address, width, scheme: scheme, locale: locale);
        var page = opened.Page;

        await Expect(page.Locator("h1")).ToHaveTextAsync(title);
        await Expect(page.Locator("main .mono")).ToHaveTextAsync(address);
        Assert.Empty((await page.RunAxe()).Violations.Select(violation => violation.Id + violation.Nodes[0].Html));
        Assert.False(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth > document.documentElement.clientWidth"));
        Assert.DoesNotContain(opened.Complaints, complaint => !complaint.Contains("404", StringComparison.Ordinal));
        await page.Locator("main a").ClickAsync();
        await Expect(page).ToHaveURLAsync(ui.BaseAddress.ToString());
    }

    [Fact]
    public async Task Content_FromModels_DoesNotRun()
    {
        var scene = Scenes.Short(90, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), "mallory@contoso", "<img src=x onerror=alert(1)>", "<script>document.title='taken'</script> [x](javascript:alert(1))", 100, 1, 1, 50);
        var experiment = await ui.CreateExperimentAsync("<b>injected</b>");
        await ui.SendAsync(scene, experiment);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}");

        Assert.Equal(0, await opened.Page.Locator("main img").CountAsync());
        Assert.Equal(0, await opened.Page.Locator("main a[href^=javascript]").CountAsync());
        Assert.Empty(opened.Complaints);
    }

    private string Path(string name)
    {
        string Trace(string user) => $"traces/{ui.Scenes.First(scene => scene.User == user && (scene.Session is not null || scene.IsRunning)).Id}";
        return name switch
        {
            "experiments" => "",
            "list" => $"experiments/{ui.ExperimentId}",
            "overview" => $"experiments/{ui.ExperimentId}/overview",
            "sessions" => $"experiments/{ui.ExperimentId}/sessions",
            "session" => $"experiments/{ui.ExperimentId}/session?id=s-4f21",
            "wrong filter" => $"experiments/{ui.ExperimentId}?q=nonsense",
            "empty" => $"experiments/{ui.EmptyExperimentId}",
            "trace" => Trace("mika@contoso"),
            "whole prompt" => Trace("mika@contoso") + "?whole=1",
            "stream" => Trace("mika@contoso") + "?tab=stream&v=read",
            "error" => Trace("jules@contoso"),
            "events" => Trace("jules@contoso") + "?tab=events&v=read",
            "http" => Trace("jules@contoso") + "?tab=http&v=read",
            "inputs" => Trace("mika@contoso") + "?tab=io&v=read",
            "attributes" => Trace("mika@contoso") + "?tab=attrs&v=read",
            "raw" => Trace("mika@contoso") + "?tab=raw&v=read",
            "tool" => Trace("jules@contoso") + $"?span={SceneTrace.SpanIdOf(4)}&v=read",
            "search" => Trace("mika@contoso") + "?find=New%20York&hit=2&v=map",
            "log" => Trace("mika@contoso") + "?face=log",
            "graph" => Trace("jules@contoso") + "?face=graph",
            "zoom" => Trace("mika@contoso") + "?zoom=900-2100",
            "filtered" => Trace("jules@contoso") + "?types=tool&errors=1",
            "japanese" => Trace("sato@contoso") + "?v=read",
            "running" => Trace("ana@contoso"),
            _ => "traces/tr-unknown",
        };
    }
}
