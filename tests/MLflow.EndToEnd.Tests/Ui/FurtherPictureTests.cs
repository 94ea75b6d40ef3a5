using Microsoft.Playwright;
using MLflow.Server.Tests.Gateway;
using Xunit;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Takes the pictures of review, comparison, sharing and settings, and of pages in Japanese, when MLFLOW_UI_PICTURES names a folder; they are looked at by people.</summary>
[Collection(UiTests.Name)]
public sealed class FurtherPictureTests(UiFixture ui)
{
    [Fact]
    public async Task Pictures_FolderGiven_AreTaken()
    {
        var folder = Environment.GetEnvironmentVariable("MLFLOW_UI_PICTURES");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "MLFLOW_UI_PICTURES names no folder for pictures.");
        var weather = ui.Scenes.Single(scene => scene.User == "mika@contoso" && scene.Session is not null).Id;
        var broken = ui.Scenes.Single(scene => scene.User == "jules@contoso").Id;
        var list = $"experiments/{ui.ExperimentId}";
        (string Name, string Path)[] pages =
        [
            ("overview-hour", list + "/overview?range=1h"), ("review", list + "/review?name=tone"), ("compare", $"compare?traces={weather},{broken}"), ("share", $"traces/{weather}/share"), ("prices", "settings/prices?q=gpt-4o-mini"), ("users", "settings/users"),
            ("retention", "settings/retention"), ("redaction", "settings/redaction"), ("about", "settings/about"),
        ];
        foreach (var (name, path) in pages)
        {
            await TakeAsync(folder!, $"{name}-light", path, 1440, ColorScheme.Light);
            await TakeAsync(folder!, $"{name}-dark", path, 1440, ColorScheme.Dark);
            await TakeAsync(folder!, $"{name}-1024-light", path, 1024, ColorScheme.Light);
            await TakeAsync(folder!, $"{name}-390-light", path, 390, ColorScheme.Light);
        }

        foreach (var (name, path) in ((string, string)[])[("experiments", ""), ("overview", list + "/overview?range=1h"), ("sessions", list + "/sessions"), ("session", list + "/session?id=s-4f21"), ("compare", pages[1].Path), ("prices", "settings/prices"), ("about", "settings/about")])
        {
            await TakeAsync(folder!, $"{name}-ja", path, 1440, ColorScheme.Light, "ja-JP");
        }

        await TakeAsync(folder!, "overview-ja-390", list + "/overview", 390, ColorScheme.Light, "ja-JP");
        await TakeFeedbackAsync(folder!, $"traces/{weather}");
    }

    [Fact]
    public async Task GatewayPictures_FolderGiven_AreTaken()
    {
        var folder = Environment.GetEnvironmentVariable("MLFLOW_UI_PICTURES");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "MLFLOW_UI_PICTURES names no folder for pictures.");
        await using var scene = await GatewayScene.StartAsync();
        scene.Upstream.Answer = request => request.SendAsync(SomeUpstream.Ok(GatewayScene.Answer("The capital of Japan is Tokyo. It has been since 1868.")));
        await scene.AddAsync(more: ""","aliases":["gpt-4o"],"record_content":true,"rate_limits":[{"calls":500,"key":"endpoint","renewal_period":"minute"},{"calls":20,"key":"user","renewal_period":"minute"}]""");
        await scene.AddAsync("batch", key: "openai-batch");
        await scene.AddFallbackAsync("chat-large");
        await scene.PostAsync("budgets/create", """{"budget_amount":100,"duration":{"unit":"MONTHS","value":1},"budget_action":"ALERT"}""");
        await scene.PostAsync("budgets/create", """{"budget_amount":0.008,"duration":{"unit":"DAYS","value":1},"target_scope":"USER","budget_action":"ALERT"}""");
        foreach (var endpoint in (string[])["chat", "chat", "chat-large", "batch", "chat"])
        {
            await scene.CallAsync(endpoint);
        }

        var trace = PlaygroundTests.RecordedTrace();
        await scene.SendAsync(trace);
        (string Name, string Path)[] pages =
        [
            ("gateway", "settings/gateway?endpoint=chat"), ("gateway-edit", "settings/gateway?edit=chat-large"), ("gateway-keys", "settings/gateway/keys"), ("gateway-key", "settings/gateway/keys?edit=openai"),
            ("gateway-budgets", "settings/gateway/budgets"), ("gateway-usage", "settings/gateway/usage"), ("playground", $"playground?trace={trace.Id}"),
        ];
        foreach (var (name, path) in pages)
        {
            foreach (var (width, scheme) in ((int, ColorScheme)[])[(1440, ColorScheme.Light), (1440, ColorScheme.Dark), (1024, ColorScheme.Light), (390, ColorScheme.Light), (390, ColorScheme.Dark)])
            {
                await using var opened = await ui.OpenAsync(scene.BaseAddress, path, width, width < 500 ? 844 : width < 1200 ? 768 : 900, scheme, locale: width == 1024 ? "ja-JP" : "en-GB");
                await opened.HasCircuitAsync();
                if (name == "playground")
                {
                    await opened.Page.Locator(".pg textarea").Nth(1).FillAsync("What is the capital of Japan?");
                    await opened.Page.Locator(".pg-send button").ClickAsync();
                    await opened.Page.Locator(".pg-diff ins").First.WaitForAsync();
                    await opened.Page.Locator(".pg-facts").GetByText("$").WaitForAsync();
                }

                await opened.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder!, $"{name}-{width}-{scheme.ToString().ToLowerInvariant()}.png"), FullPage = true });
            }
        }
    }

    private async Task TakeFeedbackAsync(string folder, string path)
    {
        await using var opened = await ui.OpenAsync(path);
        await opened.Page.GetByRole(AriaRole.Button, new() { Name = "Add feedback" }).ClickAsync();
        await opened.Page.GetByLabel("Name").FillAsync("helpful");
        await opened.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, "feedback-light.png") });
    }

    private async Task TakeAsync(string folder, string name, string path, int width, ColorScheme scheme, string locale = "en-GB")
    {
        await using var page = await ui.OpenAsync(path, width, width < 500 ? 844 : width < 1200 ? 768 : 900, scheme, locale: locale);
        await page.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name + ".png"), FullPage = width < 500 });
    }
}
