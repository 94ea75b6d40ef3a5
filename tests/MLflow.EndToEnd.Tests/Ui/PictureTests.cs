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
        (string Name, string Path)[] pages =
        [
            ("experiments", ""), ("list", list), ("trace", weather), ("error", broken), ("stream", weather + "?tab=stream"), ("events", broken + "?tab=events"),
            ("http", broken + "?tab=http"), ("attributes", weather + "?tab=attrs"), ("io", weather + "?tab=io"), ("raw", weather + "?tab=raw"), ("whole", weather + "?whole=1"),
            ("japanese", japanese), ("overview", list + "/overview"), ("sessions", list + "/sessions"), ("session", list + "/session?id=s-4f21"), ("empty", $"experiments/{ui.EmptyExperimentId}"), ("filter", list + "?q=nonsense"),
        ];
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
    }

    private async Task TakeAsync(string folder, string name, string path, int width, ColorScheme scheme)
    {
        await using var page = await ui.OpenAsync(path, width, width < 500 ? 844 : width < 1200 ? 768 : 900, scheme);
        await page.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png"), FullPage = width < 500 });
    }
}
