using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Feedback and expectations, given in a browser.</summary>
[Collection(UiTests.Name)]
public sealed class AssessmentTests(UiFixture ui)
{
    private const string Password = "correct horse battery staple";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Feedback_GivenChangedAndTakenBack_KeepsItsHistory()
    {
        var scene = await SendAsync("feedback on a trace", 201);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}");
        var (page, panel) = (opened.Page, opened.Page.Locator(".asm"));

        // F opens the form, and the first field has the focus.
        await page.Keyboard.PressAsync("f");
        await Expect(page.GetByLabel("Name")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("helpful");
        await panel.GetByLabel("no", new() { Exact = true }).CheckAsync();
        await panel.GetByLabel("Why").FillAsync("<b>wrong</b> city");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(panel.Locator(".as")).ToHaveTextAsync("helpful no");

        await panel.Locator(".as").ClickAsync();
        await Expect(panel.Locator(".why")).ToHaveTextAsync("<b>wrong</b> city");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await panel.GetByLabel("yes", new() { Exact = true }).CheckAsync();
        await panel.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(panel.Locator(".as")).ToHaveTextAsync("helpful yes");

        // The next reader sees both.
        await page.ReloadAsync();
        await opened.HasCircuitAsync();
        await panel.Locator(".as").ClickAsync();
        await Expect(panel.Locator("li")).ToContainTextAsync("no");

        await panel.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(panel.Locator(".asbox")).ToContainTextAsync("The one before it counts again.");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(panel.Locator(".as")).ToHaveTextAsync("helpful no");
        await panel.Locator(".as").ClickAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(panel.Locator(".asbox")).ToHaveCountAsync(0);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Expectation_OnAStep_OffersTheNamesThatAreUsed()
    {
        var experiment = await ui.CreateExperimentAsync("expectations");
        var scene = Scenes.Broken(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), 202);
        await ui.SendAsync(scene, experiment);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}?span={SceneTrace.SpanIdOf(4)}");
        var (page, panel) = (opened.Page, opened.Page.Locator(".asm"));

        await GiveAsync("city", "Paris");
        await Expect(panel.Locator(".as")).ToHaveTextAsync("city Paris step 4");

        // The name that is known now asks for its kind of value, and offers those that it has had.
        await panel.GetByRole(AriaRole.Button, new() { Name = "Add feedback" }).ClickAsync();
        Assert.Equal(["city"], await page.Locator("#as-names option").EvaluateAllAsync<string[]>("options => options.map(option => option.value)"));
        await panel.GetByLabel("Name").FillAsync("city");
        await panel.GetByLabel("Name").PressAsync("Tab");
        await Expect(panel.GetByLabel("Value is")).ToHaveValueAsync("Category");
        Assert.Equal(["Paris"], await page.Locator("#as-values option").EvaluateAllAsync<string[]>("options => options.map(option => option.value)"));

        async Task GiveAsync(string name, string value)
        {
            await panel.GetByRole(AriaRole.Button, new() { Name = "Add feedback" }).ClickAsync();
            await panel.GetByRole(AriaRole.Button, new() { Name = "Expectation" }).ClickAsync();
            await panel.GetByLabel("step 4").CheckAsync();
            await panel.GetByLabel("Name").FillAsync(name);
            await panel.GetByLabel("Value is").SelectOptionAsync("Text");
            await panel.GetByLabel("Value", new() { Exact = true }).FillAsync(value);
            await panel.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        }
    }

    [Fact]
    public async Task Review_ByKeysAlone_JudgesTheWholeList()
    {
        var experiment = await ui.CreateExperimentAsync("review");
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < 3; i++)
        {
            await ui.SendAsync(Scenes.Short(210 + i, now - (i * 60_000), "mika@contoso", $"Question {i}", $"Answer {i}", 1000, 10, 5, 300), experiment);
        }

        await using var opened = await ui.OpenAsync($"experiments/{experiment}/traces?q={Uri.EscapeDataString("status = 'OK'")}");
        var (page, keys) = (opened.Page, opened.Page.Keyboard);
        await keys.PressAsync("r");
        await Expect(page.Locator(".rvh")).ToContainTextAsync("status = 'OK'");
        await Expect(page.Locator("h1")).ToHaveTextAsync("3 left to judge");
        await Expect(page.Locator(".turn .u")).ToHaveTextAsync("Question 0");

        await keys.PressAsync("1");
        await Expect(page.Locator("h1")).ToHaveTextAsync("2 left to judge");
        await Expect(page.Locator(".turn .u")).ToHaveTextAsync("Question 1");

        await keys.PressAsync("u");
        await Expect(page.Locator("h1")).ToHaveTextAsync("3 left to judge");
        await Expect(page.Locator(".turn .u")).ToHaveTextAsync("Question 0");
        await keys.PressAsync("+");
        await Expect(page.Locator("h1")).ToHaveTextAsync("2 left to judge");

        await keys.PressAsync("j");
        await Expect(page.Locator(".turn .u")).ToHaveTextAsync("Question 2");
        await keys.PressAsync("c");
        await keys.TypeAsync("says nothing of 1 and 2");
        await keys.PressAsync("Escape");
        await keys.PressAsync("-");
        await Expect(page.Locator("h1")).ToHaveTextAsync("1 left to judge");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go through what is left" }).ClickAsync();
        await Expect(page.Locator(".turn .u")).ToHaveTextAsync("Question 1");
        await keys.PressAsync("2");
        await Expect(page.Locator("main")).ToContainTextAsync("You have gone through those that were read.");

        await page.GotoAsync($"experiments/{experiment}/traces?q={Uri.EscapeDataString("feedback.helpful = 'false'")}");
        await Expect(page.Locator(".lrow:not(.h)")).ToHaveCountAsync(2);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Controls_OfWhoMayOnlyRead_AreNotThere()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, RequireAuthentication = true, BackendStoreUri = folder.StoreUri }, Token);
        await using var opened = await ui.OpenAsync(server.BaseAddress, server.SetupAddress!.PathAndQuery[1..]);
        var page = opened.Page;
        await SignInAsync("ada", "Create");

        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"ada:{Password}")));
        var traceId = Guid.NewGuid().ToString("n");
        using var stored = await client.PostAsJsonAsync(
            new Uri("v1/traces", UriKind.Relative),
            new { resourceSpans = new[] { new { scopeSpans = new[] { new { spans = new[] { new { traceId, spanId = "0000000000000001", name = "closed", startTimeUnixNano = "1700000000000000000", endTimeUnixNano = "1700000001000000000" } } } } } } },
            Token);
        stored.EnsureSuccessStatusCode();
        using var made = await client.PostAsJsonAsync(new Uri("api/2.0/mlflow/users/create", UriKind.Relative), new { username = "reader", password = Password }, Token);
        made.EnsureSuccessStatusCode();

        await page.GotoAsync($"traces/tr-{traceId}");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Add feedback" })).ToBeVisibleAsync();

        // What she gives has her name.
        await opened.HasCircuitAsync();
        await page.Keyboard.PressAsync("f");
        await page.GetByLabel("Name").FillAsync("helpful");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await page.Locator(".as").ClickAsync();
        await Expect(page.Locator(".asbox")).ToContainTextAsync("ada");

        await page.GotoAsync("account");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await SignInAsync("reader", "Sign in");
        await page.GotoAsync($"traces/tr-{traceId}");
        await opened.HasCircuitAsync();
        await page.Locator(".as").ClickAsync();
        await Expect(page.Locator(".asbox")).ToContainTextAsync("ada");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Edit" })).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Add feedback" })).ToHaveCountAsync(0);
        await page.GotoAsync("experiments/0/review?name=other");
        await opened.HasCircuitAsync();
        await Expect(page.Locator(".rvt")).ToContainTextAsync("You may read this experiment, and not change it.");
        await Expect(page.Locator("[data-key='1 +']")).ToHaveCountAsync(0);

        async Task SignInAsync(string name, string button)
        {
            await page.GetByLabel("User name").FillAsync(name);
            await page.GetByLabel("Password").FillAsync(Password);
            await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
            await Expect(page).Not.ToHaveURLAsync(new System.Text.RegularExpressions.Regex("setup|login"));
        }
    }

    [Theory]
    [InlineData("form", ColorScheme.Light, 1440)]
    [InlineData("form", ColorScheme.Dark, 390)]
    [InlineData("review", ColorScheme.Light, 1440)]
    [InlineData("review", ColorScheme.Dark, 390)]
    public async Task Page_OfFeedback_HasNothingThatHindersReading(string name, ColorScheme scheme, int width)
    {
        await using var opened = await ui.OpenAsync(name == "review" ? $"experiments/{ui.ExperimentId}/review?name=tone" : $"traces/{ui.Scenes[0].Id}", width, scheme: scheme);
        if (name == "form")
        {
            await opened.Page.GetByRole(AriaRole.Button, new() { Name = "Add feedback" }).ClickAsync();
            await Expect(opened.Page.Locator(".asbox")).ToBeVisibleAsync();
        }

        var result = await opened.Page.RunAxe();

        Assert.Empty(result.Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => $"{violation.Id}: {string.Join("; ", violation.Nodes.Select(node => node.Html))}"));
        Assert.True(await opened.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0);
        Assert.Empty(opened.Complaints);
    }

    private async Task<SceneTrace> SendAsync(string experiment, int number)
    {
        var id = await ui.CreateExperimentAsync(experiment);
        var scene = Scenes.Short(number, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), "mika@contoso", "Where?", "There.", 1000, 10, 5, 300);
        await ui.SendAsync(scene, id);
        return scene;
    }
}
