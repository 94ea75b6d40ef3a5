using System.Collections.Concurrent;
using System.Text;
using Microsoft.Playwright;
using MLflow.EndToEnd.Tests.Cli;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Endpoints, keys, budgets and usage on the pages, with a real model behind the gateway.</summary>
[Collection(UiTests.Name)]
public sealed class GatewayPageTests(UiFixture ui)
{
    private const string Pages = "settings/gateway";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, ColorScheme, int> Walk
    {
        get
        {
            var data = new TheoryData<string, ColorScheme, int>();
            foreach (var page in (string[])["", "?endpoint=chat", "?new=1", "?edit=chat", "/keys", "/keys?new=1", "/keys?edit=openai", "/budgets", "/usage"])
            {
                data.Add(Pages + page, ColorScheme.Light, 1440);
                data.Add(Pages + page, ColorScheme.Dark, 390);
            }

            data.Add(Pages, ColorScheme.Light, 1024);
            data.Add("playground", ColorScheme.Light, 1440);
            data.Add("playground", ColorScheme.Dark, 1024);
            data.Add("playground", ColorScheme.Dark, 390);
            return data;
        }
    }

    [Fact]
    public async Task Endpoint_MadeOnThePage_IsCalledCountedChangedAndDeleted()
    {
        await using var scene = await GatewayScene.StartAsync();
        await using var opened = await ui.OpenAsync(scene.BaseAddress, Pages);
        await opened.HasCircuitAsync();
        var page = opened.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "Begin with a key" }).ClickAsync();
        await AddKeyAsync(page, "openai", scene.Upstream.Base);
        await page.GetByRole(AriaRole.Link, new() { Name = "Endpoints" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "New endpoint" }).ClickAsync();

        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("chat");
        await page.GetByLabel("Other names").FillAsync("gpt-4o, o3");
        await Model(page, 1).GetByLabel("API key").SelectOptionAsync(new SelectOptionValue { Label = "openai (openai)" });
        await Model(page, 1).GetByLabel("Model", new() { Exact = true }).FillAsync("gpt-4o-mini");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a model" }).ClickAsync();
        await Model(page, 2).GetByLabel("API key").SelectOptionAsync(new SelectOptionValue { Label = "openai (openai)" });
        await Model(page, 2).GetByLabel("Model", new() { Exact = true }).FillAsync("gpt-4.1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a limit" }).ClickAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "Limit 1" }).GetByLabel("Calls").FillAsync("100");
        await page.GetByLabel("with what was asked and answered").CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();

        var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "gpt-4o, o3" });
        await Expect(row).ToContainTextAsync("OpenAI, gpt-4o-mini");
        await Expect(row).ToContainTextAsync("OpenAI, gpt-4.1");
        await Expect(row).ToContainTextAsync("100 a minute");
        await Expect(page.Locator(".cb pre").First).ToContainTextAsync($"new ChatClient(\"chat\", new ApiKeyCredential(\"none\"),");
        await Expect(page.Locator(".cb pre").First).ToContainTextAsync($"new Uri(\"{scene.BaseAddress}gateway/openai/v1\")");
        await Expect(page.Locator(".cb pre").Nth(1)).ToContainTextAsync($"curl {scene.BaseAddress}gateway/openai/v1/chat/completions");

        // By its other name, and the model gets its own.
        await scene.CallAsync("o3");
        Assert.Contains("\"model\":\"gpt-4o-mini\"", Assert.Single(scene.Upstream.Requests).Text.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        var calls = row.GetByRole(AriaRole.Link, new() { Name = "1", Exact = true });
        await ReloadUntilAsync(opened, calls);
        await Expect(row).ToContainTextAsync("1,000 → 500");
        await Expect(page.Locator("main .sub")).ToContainTextAsync("In 24 hours the gateway passed 1 call for $0.00045.");
        await calls.ClickAsync();
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(1);
        await Expect(page.Locator(".lrow[data-id]")).ToContainTextAsync("What is the capital of France?");

        await page.GotoAsync(Pages);
        await opened.HasCircuitAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Edit chat" }).ClickAsync();
        await Expect(Model(page, 2).GetByLabel("Model", new() { Exact = true })).ToHaveValueAsync("gpt-4.1");
        await Model(page, 2).GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(row).Not.ToContainTextAsync("gpt-4.1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete gpt-4.1" }).ClickAsync();
        await Expect(page.Locator("main")).Not.ToContainTextAsync("Models of no endpoint");

        await page.GetByRole(AriaRole.Button, new() { Name = "Delete chat" }).ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.Locator("main")).ToContainTextAsync("No endpoint yet");
        using var gone = await scene.TryAsync();
        Assert.Equal(404, (int)gone.StatusCode);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Endpoint_AgainstTheRules_SaysSoAtItsFieldAndIsNotMade()
    {
        await using var scene = await GatewayScene.StartAsync();
        await scene.AddAsync(more: ""","aliases":["taken"]""");
        await using var opened = await ui.OpenAsync(scene.BaseAddress, Pages + "?new=1");
        await opened.HasCircuitAsync();
        var page = opened.Page;
        var save = page.GetByRole(AriaRole.Button, new() { Name = "Save" });

        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("no spaces");
        await save.ClickAsync();
        await Expect(page.Locator("#p-name")).ToContainTextAsync("Invalid endpoint name 'no spaces'");
        await Expect(page.GetByLabel("Name", new() { Exact = true })).ToHaveAttributeAsync("aria-invalid", "true");

        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("other");
        await save.ClickAsync();
        await Expect(page.Locator("#p-models")).ToContainTextAsync("choose one");
        await Model(page, 1).GetByLabel("API key").SelectOptionAsync(new SelectOptionValue { Label = "openai (openai)" });
        await save.ClickAsync();
        await Expect(page.Locator("#p-models")).ToContainTextAsync("1 to 255 characters");
        await Model(page, 1).GetByLabel("Model", new() { Exact = true }).FillAsync("gpt-4o");
        await Model(page, 1).GetByLabel("Weight").FillAsync("much");
        await save.ClickAsync();
        await Expect(page.Locator("#p-models")).ToContainTextAsync("'much' is none");
        await Model(page, 1).GetByLabel("Weight").FillAsync("0");
        await save.ClickAsync();
        await Expect(page.Locator("#p-models")).ToContainTextAsync("weight above 0");
        await Model(page, 1).GetByLabel("Weight").FillAsync("2");
        await page.GetByLabel("Other names").FillAsync("taken");
        await page.GetByLabel("Further tries of one model").FillAsync("9");
        await save.ClickAsync();
        await Expect(page.Locator("#p-retries")).ToContainTextAsync("0 to 5");
        await page.GetByLabel("Further tries of one model").FillAsync("1");
        await save.ClickAsync();
        await Expect(page.Locator("#p-aliases")).ToContainTextAsync("'taken' already exists");
        Assert.Single((await scene.GetAsync("endpoints/list")).GetProperty("endpoints").EnumerateArray());
        Assert.Single((await scene.GetAsync("model-definitions/list")).GetProperty("model_definitions").EnumerateArray());

        await page.GetByLabel("Other names").FillAsync("");
        await save.ClickAsync();
        await Expect(page.Locator("#call")).ToContainTextAsync("To call other");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Key_IsNeverSentToTheBrowserAndIsForOneAddress()
    {
        await using var scene = await GatewayScene.StartAsync();
        await using var opened = await ui.OpenAsync(scene.BaseAddress, "");
        var page = opened.Page;
        var received = new ConcurrentQueue<string>();
        page.WebSocket += (_, socket) => socket.FrameReceived += (_, frame) => received.Enqueue(frame.Text ?? Encoding.Latin1.GetString(frame.Binary ?? []));
        await page.GotoAsync(Pages + "/keys?new=1");
        await opened.HasCircuitAsync();
        Assert.Equal("off", await page.GetByLabel("Key", new() { Exact = true }).GetAttributeAsync("autocomplete"));

        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("#p-key")).ToHaveTextAsync("Give the key.");
        await page.GetByLabel("Key", new() { Exact = true }).FillAsync(GatewayScene.Key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("#p-name")).ToContainTextAsync("1 to 255 characters");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("openai");
        await page.Locator("input[type=url]").FillAsync("http://10.0.0.1/v1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("#p-address")).ToContainTextAsync("MLFLOW_GATEWAY_ALLOWED_HOSTS");
        await page.Locator("input[type=url]").FillAsync(scene.Upstream.Base);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "sk-...wxyz" });
        await Expect(row).ToContainTextAsync(scene.Upstream.Base);

        // Used by an endpoint, it stays.
        await scene.AddAsync();
        await page.ReloadAsync();
        await opened.HasCircuitAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete openai" }).ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("in use by endpoint 'chat'");

        // Another address asks for it again.
        await row.GetByRole(AriaRole.Link, new() { Name = "Replace openai" }).ClickAsync();
        var key = page.Locator("input[type=password]");
        await Expect(key).ToHaveValueAsync("");
        await page.Locator("input[type=url]").FillAsync("https://elsewhere.example/v1");
        await Expect(page.Locator(".gw-form")).ToContainTextAsync("give the key again");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("#p-key")).ToContainTextAsync("give its values again");
        await scene.CallAsync();
        Assert.Equal("Bearer " + GatewayScene.Key, scene.Upstream.Requests[^1].Headers["authorization"].Single());
        await page.Locator("input[type=url]").FillAsync(scene.Upstream.Base);
        await key.FillAsync("sk-another-key-of-some-length-abcd");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("tbody")).ToContainTextAsync("sk-...abcd");
        await scene.CallAsync();
        Assert.Equal("Bearer sk-another-key-of-some-length-abcd", scene.Upstream.Requests[^1].Headers["authorization"].Single());

        Assert.NotEmpty(received);
        Assert.All(received, frame => Assert.DoesNotContain(GatewayScene.Key[8..], frame, StringComparison.Ordinal));
        Assert.DoesNotContain(GatewayScene.Key[8..], await page.ContentAsync(), StringComparison.Ordinal);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Keys_OfTheEnvironment_AreImportedWhenChosen()
    {
        using var folder = new TemporaryFolder();
        await using var server = CliProcess.Mlflow(
            folder.Path, ["server", "--port", "0", "--otlp-grpc-port", "none"], ("OPENAI_API_KEY", GatewayScene.Key), ("AZURE_OPENAI_API_KEY", "x"), ("ANTHROPIC_API_KEY", ""), ("OPENAI_BASE_URL", ""), ("AZURE_OPENAI_ENDPOINT", ""), ("DATABRICKS_TOKEN", ""));
        await using var opened = await ui.OpenAsync(await server.ServerAsync(Token), Pages + "/keys");
        await opened.HasCircuitAsync();
        var page = opened.Page;

        await Expect(page.Locator(".gw-imp")).ToContainTextAsync("its address is missing: set AZURE_OPENAI_ENDPOINT");
        await Expect(page.GetByLabel("ANTHROPIC_API_KEY")).ToBeDisabledAsync();
        await page.GetByLabel("OPENAI_API_KEY", new() { Exact = false }).First.CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Import" }).ClickAsync();

        await Expect(page.Locator("tbody tr")).ToContainTextAsync("sk-...wxyz");
        await Expect(page.Locator("tbody tr")).ToContainTextAsync("https://api.openai.com/v1");
        await Expect(page.Locator(".gw-imp")).ToContainTextAsync("there is a key openai already");
        Assert.DoesNotContain(GatewayScene.Key[8..], await page.ContentAsync(), StringComparison.Ordinal);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Budgets_MadeOnThePage_TellWhatIsSpentAndRefuse()
    {
        await using var scene = await GatewayScene.StartAsync();
        await scene.AddAsync(more: ""","rate_limits":[{"calls":5,"key":"endpoint","renewal_period":"day"}]""");
        await using var opened = await ui.OpenAsync(scene.BaseAddress, Pages + "/budgets");
        await opened.HasCircuitAsync();
        var page = opened.Page;
        await page.GetByLabel("US dollars").FillAsync("no");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("#p-amount")).ToContainTextAsync("'no' is none");
        await page.GetByLabel("US dollars").FillAsync("0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("#p-amount")).ToContainTextAsync("more than 0");
        await page.GetByLabel("US dollars").FillAsync("0.0004");
        await page.Locator(".gw-form select").Nth(1).SelectOptionAsync("ENDPOINT");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("#p-target")).ToContainTextAsync("ENDPOINT with the endpoint's id");
        await page.Locator(".gw-form select").Nth(2).SelectOptionAsync("chat");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "refused, 429" });
        await Expect(row).ToContainTextAsync("$0");

        await scene.CallAsync();
        await ReloadUntilAsync(opened, row.GetByText("$0.00045"));
        await Expect(page.Locator(".factst")).ToContainTextAsync("1 used of 5");
        using var refused = await scene.TryAsync();
        Assert.Equal(429, (int)refused.StatusCode);

        await row.GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await Expect(page.GetByLabel("US dollars")).ToHaveValueAsync("0.0004");
        await page.GetByLabel("US dollars").FillAsync("10");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(row).ToContainTextAsync("$10.00");
        await scene.CallAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.Locator("main")).ToContainTextAsync("No budget yet");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Usage_OverTime_IsTheCallsByEndpointAndUser()
    {
        await using var scene = await GatewayScene.StartAsync();
        await scene.AddAsync();
        await scene.AddAsync("other");
        await scene.CallAsync();
        await scene.CallAsync();
        await scene.CallAsync("other");
        await using var opened = await ui.OpenAsync(scene.BaseAddress, Pages + "/usage");
        await opened.HasCircuitAsync();
        var page = opened.Page;
        await ReloadUntilAsync(opened, page.Locator("h1").Filter(new() { HasText = "In 24 hours the gateway passed 3 calls for $0.00135." }));

        await Expect(page.Locator("[aria-labelledby=by-user] tbody tr")).ToContainTextAsync("nobody who signed in");
        await Expect(page.Locator(".lane").First.Locator(".now b")).ToHaveTextAsync("3");
        await page.GetByRole(AriaRole.Link, new() { Name = "chat" }).ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("2 calls");
        await page.GetByRole(AriaRole.Link, new() { Name = "7 d" }).ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("In 7 days the gateway passed 2 calls");
        await page.Locator("main").GetByRole(AriaRole.Link, new() { Name = "Everything" }).ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("3 calls");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task WhoIsNoAdministrator_SeesWhatTheyMayCallAndNothingElse()
    {
        await using var scene = await GatewayScene.StartAsync(options => options.RequireAuthentication = true);
        await using var opened = await ui.OpenAsync(scene.BaseAddress, scene.SetupAddress.PathAndQuery[1..]);
        var page = opened.Page;
        await GatewayScene.SignInAsync(page, "ada", "Create");
        await page.GotoAsync(Pages + "/keys?new=1");
        await opened.HasCircuitAsync();
        await AddKeyAsync(page, "openai", scene.Upstream.Base);
        await page.GetByRole(AriaRole.Link, new() { Name = "Endpoints" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "New endpoint" }).ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("chat");
        await Model(page, 1).GetByLabel("API key").SelectOptionAsync(new SelectOptionValue { Label = "openai (openai)" });
        await Model(page, 1).GetByLabel("Model", new() { Exact = true }).FillAsync("gpt-4o-mini");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator(".cb pre").First).ToContainTextAsync("Environment.GetEnvironmentVariable(\"MLFLOW_TRACKING_TOKEN\")");
        await AddUserAsync(opened, "reader", "Read");
        await AddUserAsync(opened, "writer", "Edit");

        await SwitchToAsync(page, "reader");
        foreach (var (path, sentence) in ((string, string)[])[("", "There is no endpoint that you may call."), ("?new=1", "There is no endpoint that you may call."), ("/keys", "Administrators manage the gateway."), ("/budgets", "Administrators manage the gateway."), ("/usage", "Administrators manage the gateway.")])
        {
            await page.GotoAsync(Pages + path);
            await Expect(page.Locator("main")).ToContainTextAsync(sentence);
            await Expect(page.Locator("main form, main table")).ToHaveCountAsync(0);
            await Expect(page.Locator("main")).Not.ToContainTextAsync("openai");
        }

        await page.GotoAsync("playground");
        await Expect(page.Locator("main .sub")).ToContainTextAsync("There is no endpoint that you may call.");
        await Expect(page.Locator("main form")).ToHaveCountAsync(0);

        await SwitchToAsync(page, "writer");
        await page.GotoAsync(Pages);
        await opened.HasCircuitAsync();
        await Expect(page.Locator("tbody tr")).ToHaveTextAsync(["chatTry"]);
        await page.GetByRole(AriaRole.Link, new() { Name = "Try chat" }).ClickAsync();
        await page.GetByLabel("Text of message 2").FillAsync("Hello");
        await page.GetByLabel("streamed").UncheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await Expect(page.Locator(".pg-out")).ToHaveTextAsync("Paris.");
        Assert.DoesNotContain(opened.Complaints, complaint => complaint.Contains("Content Security", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Walk))]
    public async Task Page_AnyThemeAndWidth_IsAccessibleAndQuiet(string path, ColorScheme scheme, int width)
    {
        await using var scene = await GatewayScene.StartAsync();
        await scene.AddAsync(more: ""","rate_limits":[{"calls":5,"key":"user","renewal_period":"day"}],"aliases":["gpt-4o"]""");
        await scene.PostAsync("budgets/create", """{"budget_amount":0.0001,"duration":{"unit":"MONTHS","value":1}}""");
        await using var opened = await ui.OpenAsync(scene.BaseAddress, path, width, scheme: scheme);
        await opened.HasCircuitAsync();

        await ShareTests.AssertAccessibleAsync(opened);
    }

    private static ILocator Model(IPage page, int number) => page.GetByRole(AriaRole.Group, new() { Name = $"Model {number}" });

    private static async Task AddKeyAsync(IPage page, string name, string address)
    {
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync(name);
        await page.GetByLabel("Key", new() { Exact = true }).FillAsync(GatewayScene.Key);
        await page.Locator("input[type=url]").FillAsync(address);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator("tbody")).ToContainTextAsync("sk-...wxyz");
    }

    private static async Task AddUserAsync(BrowserPage opened, string name, string permission)
    {
        var page = opened.Page;
        await page.GotoAsync("settings/users");
        await opened.HasCircuitAsync();
        await page.GetByLabel("User name").FillAsync(name);
        await page.GetByLabel("Password").FillAsync(GatewayScene.Password);
        await page.Locator("form").GetByLabel("By default").SelectOptionAsync(permission);
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = name })).ToBeVisibleAsync();
    }

    private static async Task SwitchToAsync(IPage page, string name)
    {
        await page.GotoAsync("account");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await GatewayScene.SignInAsync(page, name, "Sign in");
    }

    // Calls are counted in the background, after their answer.
    private static async Task ReloadUntilAsync(BrowserPage opened, ILocator there)
    {
        while (await there.CountAsync() == 0)
        {
            Token.ThrowIfCancellationRequested();
            await opened.Page.ReloadAsync();
            await opened.HasCircuitAsync();
        }
    }
}
