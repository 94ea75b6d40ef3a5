using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

[Collection(UiTests.Name)]
public sealed class LiveTests(UiFixture ui)
{
    private static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    [Fact]
    public async Task EmptyExperiment_Heads_StandInOneLine()
    {
        await using var opened = await ui.OpenAsync($"experiments/{ui.EmptyExperimentId}");

        Assert.Equal(1, await opened.Page.EvaluateAsync<int>("() => new Set([...document.querySelectorAll('.lrow.h > [role=columnheader]')].filter(head => head.offsetParent).map(head => Math.round(head.getBoundingClientRect().bottom / 30))).size"));
    }

    [Fact]
    public async Task EmptyExperiment_FirstTrace_AppearsByItself()
    {
        var experiment = await ui.CreateExperimentAsync("first-trace");
        await using var opened = await ui.OpenAsync($"experiments/{experiment}");
        await Expect(opened.Page.Locator("h1")).ToHaveTextAsync("No traces in first-trace yet");

        await ui.SendAsync(Scenes.Short(101, Now, "mika@contoso", "Is anybody there?", "Yes.", 300, 5, 1), experiment);

        await Expect(opened.Page.Locator(".lrow a.rq")).ToHaveTextAsync("Is anybody there?");
    }

    [Fact]
    public async Task List_NewTrace_WaitsBehindACountUntilAskedFor()
    {
        var experiment = await ui.CreateExperimentAsync("new-traces");
        await ui.SendAsync(Scenes.Short(102, Now - 5000, "mika@contoso", "First", "1", 300, 5, 1), experiment);
        await using var opened = await ui.OpenAsync($"experiments/{experiment}");

        await ui.SendAsync(Scenes.Short(103, Now, "mika@contoso", "Second", "2", 300, 5, 1), experiment);
        await Expect(opened.Page.Locator(".livebar")).ToContainTextAsync("1 new while you read");
        await Expect(opened.Page.Locator(".lrow a.rq")).ToHaveTextAsync(["First"]);
        await opened.Page.GetByText("Show them").ClickAsync();

        await Expect(opened.Page.Locator(".lrow a.rq")).ToHaveTextAsync(["Second", "First"]);
    }

    [Fact]
    public async Task List_MoreThanAPage_OlderTracesHaveTheirOwnAddress()
    {
        var experiment = await ui.CreateExperimentAsync("many-traces");
        var now = Now;
        for (var i = 0; i < 60; i++)
        {
            await ui.SendAsync(Scenes.Short(200 + i, now - i * 1000, "mika@contoso", $"Question {i}", "Answer", 300, 5, 1), experiment);
        }

        // With a script, scrolling brings them.
        await using var opened = await ui.OpenAsync($"experiments/{experiment}", script: false);
        await Expect(opened.Page.Locator(".lrow a.rq")).ToHaveCountAsync(50);
        await opened.Page.GetByText("Older traces").ClickAsync();

        await Expect(opened.Page.Locator(".lrow a.rq")).ToHaveCountAsync(10);
        await Expect(opened.Page.Locator(".lrow a.rq").Last).ToHaveTextAsync("Question 59");
        Assert.Contains("page=", opened.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunningTrace_Ends_PageFollows()
    {
        var experiment = await ui.CreateExperimentAsync("running-trace");
        var start = Now - 1000;
        var running = new SceneTrace(110, start) { IsRunning = true };
        running.Add(1, 0, "LongRun", "AGENT", 0, null).Set("mlflow.spanInputs", new { question = "How long?" });
        await ui.SendAsync(running, experiment);
        await using var opened = await ui.OpenAsync($"traces/{running.Id}");
        await Expect(opened.Page.Locator(".meta")).ToContainTextAsync("Running");

        // Nothing comes of it, and its time goes on.
        var time = opened.Page.Locator(".ans .big").Nth(1);
        await Expect(time).ToContainTextAsync("so far");
        await Expect(time).Not.ToHaveTextAsync(await time.InnerTextAsync());

        var ended = new SceneTrace(110, start);
        ended.Add(1, 0, "LongRun", "AGENT", 0, 2400).Set("mlflow.spanInputs", new { question = "How long?" }).Set("mlflow.spanOutputs", "2.4 s");
        await ui.SendAsync(ended, experiment);

        await Expect(opened.Page.Locator(".meta")).ToContainTextAsync("Finished");
        await Expect(opened.Page.Locator(".ans")).ToContainTextAsync("2.40");
    }
}
