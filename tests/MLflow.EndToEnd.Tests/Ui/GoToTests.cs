using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Ways to a page: Ctrl-K, MLflow's own links, the list of experiments, a restart of the server.</summary>
[Collection(UiTests.Name)]
public sealed class GoToTests(UiFixture ui)
{
    /// <summary>Of a step whose id no other trace has, however large.</summary>
    private const int Step = 4_711_000;

    private string Weather => ui.Scenes.Single(scene => scene.User == "mika@contoso" && scene.Session is not null).Id;

    [Fact]
    public async Task CtrlK_Name_GoesToExperimentsPagesAndViews()
    {
        await using var opened = await ui.OpenAsync("");
        var page = opened.Page;

        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("kite");
        await Expect(page.Locator(".goto li")).ToHaveTextAsync(["kite-productionexperiment"]);
        Assert.Empty((await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => violation.Id + violation.Nodes[0].Html));
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".lrow[data-id]").First).ToBeVisibleAsync();

        await page.Locator(".toplace").ClickAsync();
        await page.Keyboard.TypeAsync("overv");
        await Expect(page.Locator(".goto li").First).ToContainTextAsync("kite-production: Overview");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".nav [aria-current]")).ToHaveTextAsync("Overview");

        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("playg");
        await Expect(page.Locator(".goto li")).ToHaveTextAsync(["Playgroundpage"]);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Playground");

        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("nothing has this name");
        await Expect(page.Locator(".goto .none")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".goto")).ToBeHiddenAsync();
        Assert.Empty(opened.Complaints);
    }

    [Theory]
    [InlineData("trace")]
    [InlineData("otel")]
    [InlineData("span")]
    [InlineData("request")]
    [InlineData("client")]
    public async Task CtrlK_PastedId_OpensItsTrace(string kind)
    {
        var scene = new SceneTrace(7000, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()) { ClientRequestId = "order-4711.77" };
        scene.Add(Step, 0, "Completions", "CHAT_MODEL", 0, 100).Set("mlflow.spanInputs", "Which id is mine?").Set("openai.request_id", "req_4711f0c8b2");
        await ui.SendAsync(scene, await ui.CreateExperimentAsync($"ids-{kind}"));
        var id = kind switch { "trace" => scene.Id, "otel" => scene.Id["tr-".Length..], "span" => SceneTrace.SpanIdOf(Step), "client" => "order-4711.77", _ => "req_4711f0c8b2" };
        await using var opened = await ui.OpenAsync("");

        await opened.Page.Keyboard.PressAsync("Control+k");
        await opened.Page.Locator(".goto input").FillAsync($" {id} ");
        await opened.Page.Keyboard.PressAsync("Enter");

        await Expect(opened.Page.Locator("h1")).ToHaveTextAsync("Which id is mine?");
        Assert.Contains($"/traces/{scene.Id}", opened.Page.Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#/experiments/{e}/traces?selectedEvaluationId={t}", "traces/{t}")]
    [InlineData("#/experiments/{e}/traces", "experiments/{e}")]
    [InlineData("#/experiments/{e}?compareRunsMode=TRACES&selectedEvaluationId={t}", "traces/{t}")]
    [InlineData("#/experiments/{e}/chat-sessions/s-4f21", "experiments/{e}/session?id=s-4f21")]
    [InlineData("#/experiments/{e}/overview", "experiments/{e}/overview")]
    [InlineData("#/experiments", "")]
    public async Task MlflowsLinks_Hash_LeadToThePageHere(string link, string expected)
    {
        string Text(string text) => text.Replace("{e}", $"{ui.ExperimentId}", StringComparison.Ordinal).Replace("{t}", Weather, StringComparison.Ordinal);
        await using var opened = await ui.OpenAsync(ui.BaseAddress, Text(link));

        await Expect(opened.Page).ToHaveURLAsync(new Uri(ui.BaseAddress, Text(expected)).ToString());
        await Expect(opened.Page.Locator(".top")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Home_Experiments_AreFoundMadeRenamedAndDeleted()
    {
        await using var opened = await ui.OpenAsync("");
        var page = opened.Page;
        await page.GetByLabel("Name of the new experiment").FillAsync("home <made>");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "home <made>" })).ToBeVisibleAsync();
        await page.GetByLabel("Name of the new experiment").FillAsync("home <made>");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("already exists");

        await page.GotoAsync("?q=MADE");
        await opened.HasCircuitAsync();
        await Expect(page.Locator(".exp:not(.h)")).ToHaveCountAsync(1);
        await page.GetByLabel("Rename home <made>").ClickAsync();
        await page.GetByLabel("Name of home <made>").FillAsync("home renamed, made again");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "home renamed, made again" })).ToBeVisibleAsync();

        await page.GetByLabel("Delete home renamed, made again").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep" }).ClickAsync();
        await page.GetByLabel("Delete home renamed, made again").ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.Locator("main")).ToContainTextAsync("No experiment has this in its name.");
        Assert.Empty((await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => violation.Id + violation.Nodes[0].Html));
    }

    [Fact]
    public async Task OpenPage_ServerRestarts_IsHadAgainAsItWas()
    {
        using var folder = new TemporaryFolder();
        var options = new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + Path.Combine(folder.Path, "mlflow.db") };
        var server = await MlflowServer.StartAsync(options, TestContext.Current.CancellationToken);
        try
        {
            await using var opened = await ui.OpenAsync(server.BaseAddress, "experiments/0?q=name%20%3D%20'x'&range=7d");
            var page = opened.Page;
            await opened.HasCircuitAsync();
            await page.EvaluateAsync("() => { window.isOld = true; }");

            var port = server.BaseAddress.Port;
            await server.DisposeAsync();
            server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = port, OtlpGrpcPort = null, BackendStoreUri = options.BackendStoreUri }, TestContext.Current.CancellationToken);

            await page.WaitForFunctionAsync("() => !window.isOld && document.querySelector('#circuit')", null, new PageWaitForFunctionOptions { Timeout = 90_000 });
            await Expect(page.Locator(".qf input")).ToHaveValueAsync("name = 'x'");
            await Expect(page.GetByRole(AriaRole.Link, new() { Name = "7 d" })).ToHaveAttributeAsync("aria-current", "true");
            await page.GetByRole(AriaRole.Link, new() { Name = "30 d" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Link, new() { Name = "30 d" })).ToHaveAttributeAsync("aria-current", "true");
        }
        finally
        {
            await server.DisposeAsync();
        }
    }
}
