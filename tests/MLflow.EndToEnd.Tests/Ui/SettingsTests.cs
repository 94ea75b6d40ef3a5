using Microsoft.Playwright;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class SettingsTests(UiFixture ui)
{
    private const string Password = "correct horse battery staple";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Prices_Searched_AreThoseInForce()
    {
        await using var opened = await ui.OpenAsync("");
        var page = opened.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "Settings" }).ClickAsync();

        await page.GetByRole(AriaRole.Searchbox).FillAsync("openai gpt-4o-mini");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("tbody tr").First).ToContainTextAsync("$0.15");
        await Expect(page.Locator("tbody tr").First).ToBeInViewportAsync();
        Assert.Contains("q=openai", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prices_SetOnThePage_PriceWhatComesNext()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = folder.StoreUri }, Token);
        await using var opened = await ui.OpenAsync(server.BaseAddress, "settings/prices?q=ours-1");
        await opened.HasCircuitAsync();
        var page = opened.Page;
        var field = page.GetByLabel("Prices that go before all others");

        await field.FillAsync("""{"version": "ours", "models": [{"provider": "openai", "model": "ours-1", "prices": [{"kind": "input", "usd": -2}]}]}""");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("The price table is wrong: 'input' of 'ours-1' has no 'usd' that is a number from 0 to 1000000.");
        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(0);

        await field.FillAsync("""{"version": "ours", "models": [{"provider": "openai", "model": "ours-1", "prices": [{"kind": "input", "usd": 2}, {"kind": "output", "usd": 8}]}]}""");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("Saved; in force now.");
        await Expect(page.Locator("tbody tr")).ToContainTextAsync("$8.00");
        await ShareTests.AssertAccessibleAsync(opened);

        // A million tokens in and one out.
        var scene = new SceneTrace(7100, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
        scene.Add(1, 0, "Completions", "CHAT_MODEL", 0, 100).Chat("ours-1", [new { role = "user", content = "How dear?" }], new { role = "assistant", content = "So." }).Usage(1_000_000, 1_000_000);
        await UiFixture.SendAsync(server.BaseAddress, scene, 0);
        await page.GotoAsync("experiments/0");
        await Expect(page.Locator(".lrow[data-id] .c-ct")).ToHaveTextAsync("$10.00");

        await page.GotoAsync("settings/prices?q=ours-1");
        await opened.HasCircuitAsync();
        await Expect(field).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("ours-1"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Take away" }).ClickAsync();
        await Expect(page.Locator("tbody tr")).ToHaveCountAsync(0);
        await Expect(field).ToHaveValueAsync("");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Redaction_PastedText_ShowsWhatIsLeftAndTheSameInCode()
    {
        await using var opened = await ui.OpenAsync("settings/redaction");
        var page = opened.Page;
        await page.GetByLabel("Text or JSON").FillAsync("""{"email": "mika@contoso", "note": "<b>card</b> 1234-5678"}""");
        await page.GetByLabel("Keys to take out").FillAsync("email");
        await page.GetByLabel("Patterns").FillAsync("[0-9]{4}-[0-9]{4}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show what is left" }).ClickAsync();

        await Expect(page.Locator(".left-over")).ToHaveTextAsync("""{"email": "[REDACTED]", "note": "<b>card</b> [REDACTED]"}""");
        await Expect(page.Locator(".cb pre")).ToContainTextAsync("options.Privacy.RedactedKeys.Add(@\"email\");");

        await page.GetByLabel("Patterns").FillAsync("(");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show what is left" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("is not a regular expression");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Users_ByTheirAdministrator_AreMadeChangedAndDeleted()
    {
        using var folder = new TemporaryFolder();
        await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, RequireAuthentication = true, BackendStoreUri = folder.StoreUri }, Token);
        await using var opened = await ui.OpenAsync(server.BaseAddress, server.SetupAddress!.PathAndQuery[1..]);
        var page = opened.Page;
        await SignInAsync("ada", "Create");

        await page.GotoAsync("settings/users");
        await opened.HasCircuitAsync();
        await page.GetByLabel("User name").FillAsync("bo");
        await page.GetByLabel("Password").FillAsync("short but no");
        await page.Locator("form").GetByLabel("By default").SelectOptionAsync("Edit");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "bo" });
        await Expect(row.GetByRole(AriaRole.Combobox)).ToHaveValueAsync("Edit");
        await row.GetByRole(AriaRole.Combobox).SelectOptionAsync("None");
        await page.ReloadAsync();
        await opened.HasCircuitAsync();
        await Expect(row.GetByRole(AriaRole.Combobox)).ToHaveValueAsync("None");
        await ShareTests.AssertAccessibleAsync(opened);

        // Who is no administrator sees none of it.
        await page.GotoAsync("account");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GetByLabel("User name").FillAsync("bo");
        await page.GetByLabel("Password").FillAsync("short but no");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page).Not.ToHaveURLAsync(new System.Text.RegularExpressions.Regex("login"));
        await page.GotoAsync("settings/users");
        await Expect(page.Locator("main")).ToContainTextAsync("Administrators manage users.");
        await Expect(page.Locator("table")).ToHaveCountAsync(0);
        await page.GotoAsync("settings/about");
        await Expect(page.Locator("main")).Not.ToContainTextAsync(folder.Path);

        await page.GotoAsync("account");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await SignInAsync("ada", "Sign in");
        await page.GotoAsync("settings/users");
        await opened.HasCircuitAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete bo" }).ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(row).ToHaveCountAsync(0);

        async Task SignInAsync(string name, string button)
        {
            await page.GetByLabel("User name").FillAsync(name);
            await page.GetByLabel("Password").FillAsync(Password);
            await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
            await Expect(page).Not.ToHaveURLAsync(new System.Text.RegularExpressions.Regex("setup|login"));
        }
    }

    [Theory]
    [InlineData("prices", ColorScheme.Light, 1440)]
    [InlineData("prices", ColorScheme.Dark, 390)]
    [InlineData("users", ColorScheme.Light, 390)]
    [InlineData("retention", ColorScheme.Light, 1440)]
    [InlineData("retention", ColorScheme.Dark, 390)]
    [InlineData("redaction", ColorScheme.Dark, 1440)]
    [InlineData("redaction", ColorScheme.Light, 390)]
    [InlineData("about", ColorScheme.Light, 1440)]
    [InlineData("about", ColorScheme.Dark, 390)]
    public async Task Page_AnyThemeAndWidth_IsAccessibleAndQuiet(string name, ColorScheme scheme, int width)
    {
        await using var opened = await ui.OpenAsync("settings/" + name, width, scheme: scheme);

        await ShareTests.AssertAccessibleAsync(opened);
    }

    [Fact]
    public async Task Retention_OfAnExperiment_IsSetCheckedAndGivenBack()
    {
        await ui.CreateExperimentAsync("kept for long");
        await using var opened = await ui.OpenAsync("settings/retention");
        var page = opened.Page;
        var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "kept for long" });
        await Expect(row).ToContainTextAsync("the server");

        await row.GetByLabel("Days for kept for long").FillAsync("soon");
        await row.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("soon");

        await row.GetByLabel("Days for kept for long").FillAsync("30");
        await row.GetByLabel("Then, for kept for long").SelectOptionAsync("delete");
        await row.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(row).ToContainTextAsync("the experiment");
        await page.GetByRole(AriaRole.Button, new() { Name = "Count what would go now" }).ClickAsync();
        await Expect(row.GetByRole(AriaRole.Cell).Nth(4)).ToHaveTextAsync("0");

        await row.GetByRole(AriaRole.Button, new() { Name = "As the server" }).ClickAsync();
        await Expect(row).ToContainTextAsync("the server");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task About_OnAnOpenServer_SaysWhatItIs()
    {
        await using var opened = await ui.OpenAsync("settings/about");

        await Expect(opened.Page.Locator("main")).ToContainTextAsync("SQLite");
        await Expect(opened.Page.Locator("main")).ToContainTextAsync("--max-body-bytes");
        await Expect(opened.Page.Locator("main")).ToContainTextAsync("BSD-3-Clause");
    }
}
