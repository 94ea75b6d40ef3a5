using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class SessionTests(UiFixture ui)
{
    [Fact]
    public async Task Session_FromTheListToATurnAndBack_KeepsItsWay()
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}/sessions");
        var page = opened.Page;

        await page.GetByRole(AriaRole.Link, new() { Name = "Where is my order 4471" }).ClickAsync();
        await Expect(page.Locator("h1")).ToContainTextAsync("Where is my order 4471");
        await Expect(page.Locator(".meta")).ToContainTextAsync("Failed in turn 1");
        await Expect(page.Locator(".ans")).ToContainTextAsync("1 error, in turn 1");
        await Expect(page.Locator(".turn .fail a")).ToHaveTextAsync("step 4");

        await page.Locator(".turn .fail a").ClickAsync();
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("update_address");
        await page.Locator(".meta").GetByRole(AriaRole.Link, new() { Name = "s-4e90" }).ClickAsync();
        await Expect(page.Locator(".turn")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Session_OfSeveralTurns_ReadsAsAConversation()
    {
        var experiment = await ui.CreateExperimentAsync("sessions");
        var start = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 600_000;
        var (first, second) = (Scenes.Short(91, start, "mika@contoso", "What may I take?", "One **bag**.", 1000, 10, 5, 300), Scenes.Short(92, start + 105_000, "mika@contoso", "And to the centre?", "<script>alert(1)</script> The RER B.", 900, 20, 6, 300));
        foreach (var turn in (SceneTrace[])[second, first])
        {
            turn.Session = "it's \u6771\u4EAC & <b>";
            await ui.SendAsync(turn, experiment);
        }

        await using var opened = await ui.OpenAsync($"experiments/{experiment}/sessions");
        var page = opened.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "What may I take?" }).ClickAsync();

        await Expect(page.Locator(".turn .u")).ToHaveTextAsync(["What may I take?", "And to the centre?"]);
        await Expect(page.Locator(".turn .tmz small")).ToHaveTextAsync(["", "+1:44"]);
        await Expect(page.Locator(".turn .prose strong")).ToHaveTextAsync("bag");
        await Expect(page.Locator(".ans")).ToContainTextAsync("How long did mika wait?");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Keys_ArrowsEAndEnter_GoThroughTheTurns()
    {
        var experiment = await ui.CreateExperimentAsync("session keys");
        var start = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 600_000;
        for (var i = 0; i < 4; i++)
        {
            var turn = new SceneTrace(95 + i, start + i * 10_000) { Session = "s-keys" };
            var span = turn.Add(1, 0, "ask", "AGENT", 0, 100).Set("mlflow.spanInputs", new { question = $"Question {i}" });
            if (i % 2 == 1)
            {
                span.Fails("System.TimeoutException", "too late", "", 90);
            }

            await ui.SendAsync(turn, experiment);
        }

        await using var opened = await ui.OpenAsync($"experiments/{experiment}/session?id=s-keys");
        var page = opened.Page;
        var current = page.Locator(".turn a.u:focus");
        await Expect(page.Locator(".foot")).ToContainTextAsync("open its trace");

        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(current).ToHaveTextAsync("Question 0");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(current).ToHaveTextAsync("Question 2");
        await page.Keyboard.PressAsync("ArrowUp");
        await Expect(current).ToHaveTextAsync("Question 1");
        await page.Keyboard.PressAsync("e");
        await Expect(current).ToHaveTextAsync("Question 3");
        await page.Keyboard.PressAsync("e");
        await Expect(current).ToHaveTextAsync("Question 1");

        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Question 1");
        await Expect(page.Locator(".main .left")).ToBeVisibleAsync();
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Session_Unknown_IsNotFound()
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}/session?id=never");

        await Expect(opened.Page.Locator("h1")).ToHaveTextAsync("No session never");
    }
}
