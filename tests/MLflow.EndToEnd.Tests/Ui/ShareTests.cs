using System.Net;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Comparing traces and sharing one, in a browser.</summary>
[Collection(UiTests.Name)]
public sealed class ShareTests(UiFixture ui)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private SceneTrace Weather => ui.Scenes.Single(scene => scene.User == "mika@contoso" && scene.Session is not null);

    private SceneTrace Broken => ui.Scenes.Single(scene => scene.User == "jules@contoso");

    [Fact]
    public async Task Compare_TwoTraces_ShowsFactsStepsAndWordsThatDiffer()
    {
        await using var opened = await ui.OpenAsync($"compare?traces={Weather.Id},{Broken.Id},tr-none");
        var page = opened.Page;

        await Expect(page.Locator(".cmpt thead th")).ToHaveCountAsync(2);
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("tr-none");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "State Finished Failed" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "get_order" })).ToContainTextAsync("no such step");
        await Expect(page.Locator(".cmsg").Filter(new() { HasText = "the same" })).ToHaveCountAsync(1);
        await Expect(page.Locator("del").First).ToBeVisibleAsync();
        await Expect(page.Locator("ins").First).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "step 4" }).First.ClickAsync();
        await Expect(page.Locator(".surf")).ToBeVisibleAsync();
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = $"Remove {Broken.Id}" }).ClickAsync();
        await Expect(page.Locator(".cmpt thead th")).ToHaveCountAsync(1);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Share_ByItsForm_IsOneFileThatLoadsAndRunsNothing()
    {
        await using var opened = await ui.OpenAsync($"traces/{Weather.Id}");
        var page = opened.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "Share" }).ClickAsync();
        await page.GetByLabel("Take out too").FillAsync("paris\nsunscreen");
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Download the file" }).ClickAsync());
        var html = await File.ReadAllTextAsync((await download.PathAsync())!, Token);

        Assert.Equal($"{Weather.Id}.html", download.SuggestedFilename);
        Assert.Contains("umbrella", html, StringComparison.Ordinal);
        Assert.DoesNotContain("paris", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("sunscreen", html, StringComparison.Ordinal);
        Assert.DoesNotContain("mika@contoso", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);

        await using var alone = await OpenFileAsync(html);
        await Expect(alone.Page.Locator("h1")).ToContainTextAsync("umbrella");
        await alone.Page.Locator(".steps a").First.ClickAsync();
        await Expect(alone.Page.Locator(".sstep").First).ToBeVisibleAsync();

        // What a step was given stands below its name.
        var (name, given) = (await alone.Page.Locator(".sstep h2").First.BoundingBoxAsync(), await alone.Page.Locator(".sstep h3").First.BoundingBoxAsync());
        Assert.True(given!.Y >= name!.Y + name.Height, $"{given.Y} is beside {name.Y}");
        Assert.NotEqual("none", await alone.Page.EvaluateAsync<string>("getComputedStyle(document.querySelector('.cbar i')).backgroundImage + getComputedStyle(document.querySelector('.cbar i')).display"));
        Assert.Empty(alone.Complaints);
        Assert.Single(alone.Requests);
    }

    [Fact]
    public async Task Share_WithoutContent_HasFiguresAndNoWord()
    {
        using var client = new HttpClient { BaseAddress = ui.BaseAddress };
        var html = await client.GetStringAsync(new Uri($"traces/{Broken.Id}/share.html?content=none", UriKind.Relative), Token);

        Assert.Contains("update_address", html, StringComparison.Ordinal);
        Assert.DoesNotContain("4471", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Lyon", html, StringComparison.Ordinal);
        Assert.DoesNotContain("schema says", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Share_TextOfStrangers_StaysText()
    {
        const string nasty = "<img src=x onerror=document.title='taken'></style></title><script>document.title='taken'</script>[x](javascript:alert(1)) ![y](https://example.com/y.png)";
        var experiment = await ui.CreateExperimentAsync("shared");
        var scene = Scenes.Short(230, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), "mallory@contoso", nasty, nasty, 100, 1, 1, 50, "<b>model</b>");
        scene.Add(2, 1, nasty, "TOOL", 1, 5).Set("mlflow.spanInputs", new { nasty }).Set("mlflow.spanOutputs", nasty).Fails("A.B", nasty, nasty, 4);
        await ui.SendAsync(scene, experiment);
        using var client = new HttpClient { BaseAddress = ui.BaseAddress };
        using var answer = await client.GetAsync(new Uri($"traces/{scene.Id}/share.html", UriKind.Relative), Token);
        var html = await answer.Content.ReadAsStringAsync(Token);

        Assert.Contains("sandbox", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition!.DispositionType);
        await using var alone = await OpenFileAsync(html);
        Assert.NotEqual("taken", await alone.Page.TitleAsync());
        Assert.Equal(0, await alone.Page.Locator("img, script, main a[href^=javascript], b:has-text('model')").CountAsync());
        Assert.Single(alone.Requests);
        Assert.Empty(alone.Complaints);
    }

    [Fact]
    public async Task Share_WithUploadedPictures_HasThemInside()
    {
        const string png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
        var experiment = await ui.CreateExperimentAsync("shared pictures");
        var (picture, page) = (Guid.NewGuid(), Guid.NewGuid());
        var scene = new SceneTrace(231, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()) { User = "mika@contoso" };
        object Reference(Guid id, string type) => new { type = "image_url", image_url = new { url = $"mlflow-attachment://{id}?content_type={Uri.EscapeDataString(type)}&trace_id={scene.Id}" } };
        scene.Add(1, 0, "Completions", "CHAT_MODEL", 0, 5).Chat("gpt-4o", [new { role = "user", content = new[] { Reference(picture, "image/png"), Reference(page, "text/html") } }], new { role = "assistant", content = "A dot." });
        await ui.SendAsync(scene, experiment);
        using var client = new HttpClient { BaseAddress = ui.BaseAddress };
        foreach (var (id, content) in new[] { (picture, Convert.FromBase64String(png)), (page, "<script>1</script>"u8.ToArray()) })
        {
            using var body = new ByteArrayContent(content);
            using var stored = await client.PutAsync(new Uri($"api/2.0/mlflow-artifacts/artifacts/{experiment}/traces/{scene.Id}/artifacts/attachments/{id}", UriKind.Relative), body, Token);
            stored.EnsureSuccessStatusCode();
        }

        var html = await client.GetStringAsync(new Uri($"traces/{scene.Id}/share.html", UriKind.Relative), Token);
        await using var alone = await OpenFileAsync(html);
        Assert.Equal(1, await alone.Page.Locator("img").EvaluateAsync<int>("picture => picture.naturalWidth"));
        Assert.DoesNotContain("data:text/html", html, StringComparison.Ordinal);
        Assert.Single(alone.Requests);
        Assert.Empty(alone.Complaints);
    }

    [Fact]
    public async Task Share_OfNoTrace_IsNotFound()
    {
        using var client = new HttpClient { BaseAddress = ui.BaseAddress };
        using var answer = await client.GetAsync(new Uri("traces/tr-none/share.html", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Theory]
    [InlineData("compare", ColorScheme.Light, 1440)]
    [InlineData("compare", ColorScheme.Dark, 390)]
    [InlineData("share", ColorScheme.Light, 390)]
    [InlineData("share", ColorScheme.Dark, 1440)]
    public async Task Page_AnyThemeAndWidth_IsAccessibleAndQuiet(string name, ColorScheme scheme, int width)
    {
        await using var opened = await ui.OpenAsync(name == "compare" ? $"compare?traces={Weather.Id},{Broken.Id}" : $"traces/{Weather.Id}/share", width, scheme: scheme);

        await AssertAccessibleAsync(opened);
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1440)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task SharedFile_AnyThemeAndWidth_IsAccessibleAndQuiet(ColorScheme scheme, int width)
    {
        using var client = new HttpClient { BaseAddress = ui.BaseAddress };
        await using var alone = await OpenFileAsync(await client.GetStringAsync(new Uri($"traces/{Weather.Id}/share.html", UriKind.Relative), Token), scheme, width);

        // The file allows no script, that of axe neither: it is asked in a page without the policy.
        await alone.Page.SetContentAsync(System.Text.RegularExpressions.Regex.Replace(await alone.Page.ContentAsync(), "<meta http-equiv=[^>]*>", ""));
        await AssertAccessibleAsync(alone);
    }

    internal static async Task AssertAccessibleAsync(BrowserPage opened)
    {
        var result = await opened.Page.RunAxe();
        Assert.Empty(result.Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => $"{violation.Id}: {string.Join("; ", violation.Nodes.Take(3).Select(node => node.Html))}"));
        var overflow = await opened.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        Assert.True(overflow <= 0, $"the page is {overflow} px wider than the window");
        Assert.Empty(opened.Complaints);
    }

    // As somebody opens it who was sent the file.
    private async Task<BrowserPage> OpenFileAsync(string html, ColorScheme scheme = ColorScheme.Light, int width = 1440)
    {
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".html");
        await File.WriteAllTextAsync(file, html, Token);
        try
        {
            return await ui.OpenAsync(ui.BaseAddress, new Uri(file).ToString(), width, scheme: scheme);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
