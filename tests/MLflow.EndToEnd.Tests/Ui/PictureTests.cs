using Microsoft.Playwright;
using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Takes the pictures of docs/ui when MLFLOW_UI_PICTURES names a folder; they are looked at by people.</summary>
[Collection(UiTests.Name)]
public sealed class PictureTests(UiFixture ui)
{
    [Fact]
    public async Task Pictures_FolderGiven_AreTaken()
    {
        var folder = Environment.GetEnvironmentVariable("MLFLOW_UI_PICTURES");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "MLFLOW_UI_PICTURES names no folder for pictures.");
        var weather = $"traces/{ui.Scenes.Single(scene => scene.User == "mika@contoso" && scene.Session is not null).Id}";
        var broken = $"traces/{ui.Scenes.Single(scene => scene.User == "jules@contoso").Id}";
        var japanese = $"traces/{ui.Scenes.Single(scene => scene.User == "sato@contoso").Id}";
        var list = $"experiments/{ui.ExperimentId}";
        var running = $"traces/{ui.Scenes.Single(scene => scene.User == "ana@contoso" && scene.IsRunning).Id}";
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 60_000;
        var experiment = await ui.CreateExperimentAsync("pictures");
        var conversation = await SendAsync(Scenes.Long(150, now), experiment);
        var media = await SendAsync(Scenes.Media(151, now), experiment);
        var large = await SendAsync(Scenes.Large(152, now - 600_000, 5000), experiment);
        (string Name, string Path)[] pages =
        [
            ("experiments", ""), ("list", list), ("trace", weather), ("error", broken), ("stream", weather + "?tab=stream"), ("events", broken + "?tab=events"),
            ("http", broken + "?tab=http"), ("attributes", weather + "?tab=attrs"), ("io", weather + "?tab=io"), ("raw", weather + "?tab=raw"), ("whole", weather + "?whole=1"),
            ("japanese", japanese), ("trace-search", weather + "?find=New%20York&hit=2"), ("trace-log", weather + "?face=log"), ("trace-graph", broken + "?face=graph"), ("trace-zoom", weather + "?zoom=900-2100"),
            ("trace-filter", broken + "?types=tool"), ("trace-fold", weather + "?fold=all"), ("trace-from", weather + "?from=range%3D24h"), ("trace-copy", weather + "?tab=http"),
            ("trace-fifty", conversation + "?whole=1"), ("trace-parts", media), ("trace-large", large + "?span=" + SceneTrace.SpanIdOf(2500)), ("trace-running", running), ("trace-ja", japanese + "?tab=stream"), ("overview", list + "/overview"), ("sessions", list + "/sessions"), ("session", list + "/session?id=s-4f21"), ("empty", $"experiments/{ui.EmptyExperimentId}"), ("filter", list + "?q=nonsense"),
        ];
        foreach (var (name, scene) in ((string, SceneTrace)[])[("trace-cache", PaneScenes.BrokenCache(153, now)), ("trace-choices", PaneScenes.Choices(154, now)), ("trace-structure", PaneScenes.BrokenStructure(155, now)),
            ("trace-no-content", PaneScenes.NoContent(156, now)), ("trace-gen-ai", PaneScenes.GenAiParts(157, now)), ("trace-idle", PaneScenes.Idle(158, now - 3_700_000))])
        {
            await TakeAsync(folder!, $"{name}-light", await SendAsync(scene, experiment), 1440, ColorScheme.Light);
        }

        foreach (var (name, path) in pages)
        {
            await TakeAsync(folder!, $"{name}-light", path, 1440, ColorScheme.Light);
        }

        foreach (var (name, path) in pages.Where(page => page.Name is "experiments" or "overview" or "sessions" or "session" or "list" or "trace" or "error" or "stream" or "empty"))
        {
            await TakeAsync(folder!, $"{name}-dark", path, 1440, ColorScheme.Dark);
            await TakeAsync(folder!, $"{name}-1024-light", path, 1024, ColorScheme.Light);
            await TakeAsync(folder!, $"{name}-390-light", path, 390, ColorScheme.Light);
        }

        await TakeAsync(folder!, "read-390-light", weather + "?v=read", 390, ColorScheme.Light);
        await TakeAsync(folder!, "error-390-dark", broken + "?v=read", 390, ColorScheme.Dark);

        // The replay, halfway.
        await using var opened = await ui.OpenAsync(weather + "?tab=stream");
        await opened.Page.Locator(".stm input[type=range]").FillAsync("930");
        await opened.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder!, "trace-scrub-light.png") });
    }

    [Fact]
    public async Task ListPictures_FolderGiven_AreTaken()
    {
        var folder = Environment.GetEnvironmentVariable("MLFLOW_UI_PICTURES");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "MLFLOW_UI_PICTURES names no folder for pictures.");
        var list = $"experiments/{ui.ExperimentId}";
        var japanese = ui.Scenes.Single(scene => scene.User == "sato@contoso").Id;
        await TakeAsync(folder!, "list-light", list, 1440, ColorScheme.Light);
        await TakeAsync(folder!, "list-dark", list, 1440, ColorScheme.Dark);
        await TakeAsync(folder!, "list-1024-dark", list, 1024, ColorScheme.Dark);
        await TakeAsync(folder!, "list-390-light", list, 390, ColorScheme.Light);
        await TakeAsync(folder!, "filter-light", list + "?q=" + Uri.EscapeDataString("trace.status = 'ERROR' AND trace.latncy > 2000"), 1440, ColorScheme.Light);
        await TakeAsync(folder!, "peek-light", $"{list}?peek={japanese}&pin=1", 1440, ColorScheme.Light);
        await TakeAsync(folder!, "peek-dark", $"{list}?peek={japanese}&pin=1", 1440, ColorScheme.Dark);
        await TakeAsync(folder!, "peek-390-dark", $"{list}?peek={japanese}", 390, ColorScheme.Dark);
        await TakeAsync(folder!, "experiments-light", "", 1440, ColorScheme.Light);
        await using (var hovered = await ui.OpenAsync(list))
        {
            await hovered.Page.Locator(".lrow[data-id]").Filter(new() { HasText = "Is it hotter" }).Locator("a.rq").HoverAsync();
            await hovered.Page.Locator(".peek.float .body").WaitForAsync();
            await hovered.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder!, "peek-hover-light.png") });
        }

        await using var opened = await ui.OpenAsync(list);
        var page = opened.Page;
        foreach (var key in (string[])["j", "x", "j", "j", "Shift+X", "c"])
        {
            await page.Keyboard.PressAsync(key);
        }

        await page.GetByText("3 selected").WaitForAsync();
        await page.GetByText("Found in these traces").WaitForAsync();
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder!, "list-bulk-light.png") });
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("kite");
        await page.Locator(".goto li").First.WaitForAsync();
        await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder!, "goto-light.png") });
    }

    private async Task<string> SendAsync(SceneTrace scene, long experiment)
    {
        await ui.SendAsync(scene, experiment);
        return $"traces/{scene.Id}";
    }

    private async Task TakeAsync(string folder, string name, string path, int width, ColorScheme scheme)
    {
        await using var page = await ui.OpenAsync(path, width, width < 500 ? 844 : width < 1200 ? 768 : 900, scheme);
        await page.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png"), FullPage = width < 500 });
    }
}
