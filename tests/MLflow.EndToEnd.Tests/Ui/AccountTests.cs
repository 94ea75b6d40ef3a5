using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Signing in and out and tokens, in a browser.</summary>
[Collection(UiTests.Name)]
public sealed class AccountTests(UiFixture ui) : IAsyncLifetime
{
    private const string Password = "correct horse battery staple";

    private readonly TemporaryFolder _folder = new();
    private MlflowServer _server = null!;

    public static TheoryData<string, ColorScheme, int> Pages
    {
        get
        {
            var data = new TheoryData<string, ColorScheme, int>();
            foreach (var page in (string[])["setup", "setup refused", "login", "wrong password", "account", "new token"])
            {
                data.Add(page, ColorScheme.Light, 1440);
                data.Add(page, ColorScheme.Dark, 1440);
                data.Add(page, ColorScheme.Light, 390);
            }

            return data;
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await MlflowServer.StartAsync(
        new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, RequireAuthentication = true, BackendStoreUri = "sqlite:///" + Path.Combine(_folder.Path, "mlflow.db") }, Token);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Page_AnyThemeAndWidth_IsAccessibleQuietAndLocal(string name, ColorScheme scheme, int width)
    {
        await using var opened = await ui.OpenAsync(_server.BaseAddress, Setup, width, 900, scheme);
        var page = opened.Page;
        switch (name)
        {
            case "setup refused":
                await page.GotoAsync("setup?token=none");
                break;
            case "login" or "wrong password":
                await CreateUserAsync(page);
                await page.GotoAsync("account");
                await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
                await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
                if (name == "wrong password")
                {
                    await page.GetByLabel("User name").FillAsync("ada");
                    await page.GetByLabel("Password").FillAsync("guess");
                    await page.Keyboard.PressAsync("Enter");
                    await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
                }

                break;
            case "account" or "new token":
                await CreateUserAsync(page);
                await page.GotoAsync("account");
                if (name == "new token")
                {
                    await page.GetByLabel("What it is for").FillAsync("the nightly run");
                    await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
                    await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("shown once");
                }

                break;
        }

        var result = await page.RunAxe();
        Assert.Empty(result.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{violation.Id}: {string.Join("; ", violation.Nodes.Take(3).Select(node => node.Html))}"));
        var overflow = await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        Assert.True(overflow <= 0, $"the page is {overflow} px wider than the window");
        Assert.All(opened.Requests, request => Assert.Equal(_server.BaseAddress.Authority, request.Authority));

        // The browser says so itself where an answer is a refusal; nothing else may be said.
        Assert.DoesNotContain(opened.Complaints, complaint => !complaint.Contains("the server responded with a status of 4", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Account_ByKeysAlone_IsMadeUsedAndLeft(bool script)
    {
        await using var opened = await ui.OpenAsync(_server.BaseAddress, Setup, script: script);
        var (page, keys) = (opened.Page, opened.Page.Keyboard);

        // The first field has the focus.
        await Assertions.Expect(page.GetByLabel("User name")).ToBeFocusedAsync();
        await keys.TypeAsync("ada");
        await keys.PressAsync("Tab");
        await keys.TypeAsync(Password);
        await keys.PressAsync("Enter");
        await Assertions.Expect(page).Not.ToHaveURLAsync(new Regex("setup"));

        await page.GotoAsync("account");
        await TabToAsync("What it is for");
        await keys.TypeAsync("the nightly run");
        await keys.PressAsync("Tab");
        await keys.PressAsync("ArrowDown");
        await keys.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("shown once");
        var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "the nightly run" });
        await Assertions.Expect(row).ToContainTextAsync("read");

        await TabToAsync("Revoke the nightly run");
        await keys.PressAsync("Enter");
        await Assertions.Expect(row).ToContainTextAsync("revoked");

        await TabToAsync("Sign out");
        await keys.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByLabel("User name")).ToBeFocusedAsync();
        await keys.TypeAsync("ada");
        await keys.PressAsync("Tab");
        await keys.TypeAsync(Password);
        await keys.PressAsync("Enter");
        await Assertions.Expect(page).Not.ToHaveURLAsync(new Regex("login"));

        async Task TabToAsync(string name)
        {
            for (var i = 0; i < 30; i++)
            {
                await keys.PressAsync("Tab");
                if (await page.EvaluateAsync<string>("() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.closest('label')?.textContent ?? document.activeElement.textContent") is { } label && label.Trim() == name)
                {
                    return;
                }
            }

            Assert.Fail($"Tab does not reach '{name}'");
        }
    }

    [Fact]
    public async Task OpenPage_SessionEndsElsewhere_AsksToSignInAndComesBack()
    {
        await using var opened = await ui.OpenAsync(_server.BaseAddress, Setup);
        var page = opened.Page;
        await CreateUserAsync(page);
        await page.GotoAsync("experiments/0");
        await opened.HasCircuitAsync();

        var other = await page.Context.NewPageAsync();
        await other.GotoAsync("account");
        await other.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();

        // An answer that comes after the next signing in would take that one's cookie away.
        await Assertions.Expect(other.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();

        await Assertions.Expect(page).ToHaveURLAsync(new Regex("/login"));
        await page.GetByLabel("User name").FillAsync("ada");
        await page.GetByLabel("Password").FillAsync(Password);

        // Headless Chromium may drop all clicks and keys on a page that went to another address by itself: https://github.com/microsoft/playwright/issues/37476.
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).DispatchEventAsync("click");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("/experiments/0$"));
        await opened.HasCircuitAsync();
    }

    private string Setup => _server.SetupAddress!.PathAndQuery[1..];

    private static async Task CreateUserAsync(IPage page)
    {
        await page.GetByLabel("User name").FillAsync("ada");
        await page.GetByLabel("Password").FillAsync(Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Create" }).ClickAsync();
        await Assertions.Expect(page).Not.ToHaveURLAsync(new Regex("setup"));
    }
}
