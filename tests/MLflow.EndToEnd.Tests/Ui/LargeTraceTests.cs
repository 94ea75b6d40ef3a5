using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class LargeTraceTests(UiFixture ui)
{
    [Fact]
    public async Task Trace_ThreeThousandSteps_OpensAndFollowsKeys()
    {
        var experiment = await ui.CreateExperimentAsync("large-trace");
        var scene = new SceneTrace(120, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 60_000);
        scene.Add(1, 0, "LargeRun", "AGENT", 0, 30_000).Set("mlflow.spanInputs", new { question = "How large?" });
        for (var i = 2; i <= 3000; i++)
        {
            scene.Add(i, i % 10 == 2 ? 1 : i - 1, $"step_{i}", "TOOL", i * 9, i * 9 + 8).Set("mlflow.spanInputs", new { i });
        }

        await ui.SendAsync(scene, experiment);
        await using var opened = await ui.OpenAsync($"traces/{scene.Id}");
        await Expect(opened.Page.Locator(".srow:not(.h)")).ToHaveCountAsync(2000);
        await Expect(opened.Page.GetByText("1,000 more steps.")).ToBeVisibleAsync();

        await opened.Page.Keyboard.PressAsync("ArrowDown");
        await Expect(opened.Page.Locator(".ph h2")).ToHaveTextAsync("step_2");
        await opened.Page.Keyboard.PressAsync("ArrowDown");

        await Expect(opened.Page.Locator(".ph h2")).ToHaveTextAsync("step_3");
        Assert.Empty(opened.Complaints);
    }
}
