using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>The reading pane: what was said, what was sent, and how to do it again.</summary>
[Collection(UiTests.Name)]
public sealed class TracePaneTests(UiFixture ui)
{
    private string Weather => $"traces/{ui.Scenes.Single(scene => scene.User == "mika@contoso" && scene.Session is not null).Id}";

    private string Broken => $"traces/{ui.Scenes.Single(scene => scene.User == "jules@contoso").Id}";

    [Fact]
    public async Task Chat_FiftyMessages_ShowsTheNewOnesAndFoldsTheRest()
    {
        var path = await SendAsync(Scenes.Long(130, Now));
        await using var opened = await ui.OpenAsync(path);
        var page = opened.Page;
        await Expect(page.Locator(".cv .msg")).ToHaveCountAsync(3);
        await Expect(page.Locator(".fold")).ToContainTextAsync("Unchanged since call 24: system, 24 user, 23 assistant");
        await Expect(page.Locator(".cv")).Not.ToContainTextAsync("Question 7 of");

        await page.Keyboard.PressAsync("w");
        await Expect(page.Locator(".cv .msg")).ToHaveCountAsync(51);
        var seventh = page.Locator(".cv .part", new() { HasText = "The answer to question 7." });
        await Expect(seventh).ToBeHiddenAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Expand all" }).ClickAsync();
        await Expect(seventh).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Fold all" }).ClickAsync();
        await Expect(page.Locator(".cv details[open]")).ToHaveCountAsync(0);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Message_InTheAddress_IsOpenedAndScrolledTo()
    {
        var path = await SendAsync(Scenes.Long(131, Now));
        await using var opened = await ui.OpenAsync(path + "?msg=14");

        await Expect(opened.Page.Locator(".msg.tgt")).ToBeInViewportAsync();
        await Expect(opened.Page.Locator(".msg.tgt details")).ToHaveAttributeAsync("open", "");
        await Expect(opened.Page.Locator(".msg.tgt")).ToContainTextAsync("Question 7 of");
    }

    [Fact]
    public async Task Chat_ChangedPrompt_SaysWhereTheCacheBroke()
    {
        await using var opened = await ui.OpenAsync(await SendAsync(PaneScenes.BrokenCache(132, Now)));

        await Expect(opened.Page.Locator(".pane .note")).ToContainTextAsync("The cached prefix broke at message 2 (user), which changed since call 1. 1,920 tokens were read anew, for about $");
        await Expect(opened.Page.Locator(".notes")).ToContainTextAsync("The cached prefix broke at message 2");
        await Expect(opened.Page.Locator(".pbar")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task Chat_EveryKindOfPart_IsShownUnderThePolicy()
    {
        await using var opened = await ui.OpenAsync(await SendAsync(Scenes.Media(133, Now)));
        var page = opened.Page;

        await Expect(page.Locator(".part audio")).ToHaveCountAsync(1);
        await Expect(page.Locator(".part img")).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "fares.pdf" })).ToHaveAttributeAsync("download", "fares.pdf");
        await Expect(page.Locator(".pane")).ToContainTextAsync("A part of type hologram, which this page does not know.");
        await Expect(page.Locator(".builtin")).ToContainTextAsync("Web search");
        await Expect(page.Locator(".cites a")).ToHaveAttributeAsync("href", "https://example.com/fares");
        await Expect(page.Locator(".think")).ToContainTextAsync("Compare both fares");
        await Expect(page.Locator(".refusal")).ToContainTextAsync("I cannot rebook");
        await page.EvaluateAsync("document.querySelector('audio').load()");
        await page.WaitForFunctionAsync("document.querySelector('audio').readyState >= 1");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Chat_SeveralChoices_AreNumbered()
    {
        await using var opened = await ui.OpenAsync(await SendAsync(PaneScenes.Choices(134, Now)));

        await Expect(opened.Page.Locator(".cv")).ToContainTextAsync("Answer, choice 1");
        await Expect(opened.Page.Locator(".cv")).ToContainTextAsync("Answer, choice 2");
    }

    [Fact]
    public async Task Chat_StructuredOutput_IsHeldAgainstItsSchema()
    {
        await using var opened = await ui.OpenAsync(await SendAsync(PaneScenes.BrokenStructure(135, Now)));

        await Expect(opened.Page.Locator(".cv")).ToContainTextAsync("✗ does not fit its schema city");
        await Expect(opened.Page.Locator(".probs")).ToContainTextAsync("population: string given, schema says integer");
    }

    [Fact]
    public async Task Chat_NoContent_SaysWhyAndTheLine()
    {
        await using var opened = await ui.OpenAsync(await SendAsync(PaneScenes.NoContent(136, Now)));

        await Expect(opened.Page.Locator(".note")).ToContainTextAsync("Why is there no content?");
        await Expect(opened.Page.Locator(".note pre")).ToHaveTextAsync("Mlflow.SetPrivacy(privacy => privacy.Capture = CaptureMode.Full);");
    }

    [Fact]
    public async Task Chat_GenAiParts_AreTextCallsAndResults()
    {
        await using var opened = await ui.OpenAsync(await SendAsync(PaneScenes.GenAiParts(141, Now)));
        var chat = opened.Page.Locator(".cv");

        await Expect(chat).ToContainTextAsync("Let me see.");
        await Expect(chat.Locator(".call").First).ToContainTextAsync("get_weather(city: \"Paris\")");
        await Expect(chat).ToContainTextAsync("22 °C, light rain");
        await Expect(chat).ToContainTextAsync("Mild: 22 °C, with light rain.");
    }

    [Fact]
    public async Task Ruler_LongIdleTime_IsSqueezed()
    {
        await using var opened = await ui.OpenAsync(await SendAsync(PaneScenes.Idle(142, Now - 3_700_000)));

        await Expect(opened.Page.Locator(".srow.h .torn")).ToHaveAttributeAsync("title", new System.Text.RegularExpressions.Regex("in which nothing happened$"));
        var widths = await opened.Page.Locator(".srow:not(.h) .b.s, .srow:not(.h) .b.w").EvaluateAllAsync<double[]>("bars => bars.map(bar => bar.getBoundingClientRect().width)");
        Assert.All(widths, width => Assert.True(width > 20, $"A bar is {width} pixels wide."));
    }

    [Fact]
    public async Task ToolCall_Schema_OpensTheDefinitionAndTheStepIsLinked()
    {
        await using var opened = await ui.OpenAsync(Broken);
        var page = opened.Page;

        await page.Locator(".call .schema summary").First.ClickAsync();
        await Expect(page.Locator(".call .schema").First).ToContainTextAsync("\"order_id\"");
        await page.Locator(".call").GetByRole(AriaRole.Link, new() { Name = "step 4" }).ClickAsync();
        await Expect(page.Locator(".ph h2")).ToHaveTextAsync("update_address");
        await Expect(page.Locator(".cv")).ToContainTextAsync("zip: number given, schema says string");
    }

    [Fact]
    public async Task Copy_AsCSharpAndLink_AreInTheClipboard()
    {
        await using var opened = await ui.OpenAsync(Weather);
        var page = opened.Page;
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);

        await page.GetByRole(AriaRole.Button, new() { Name = "Copy as C#" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Copied" })).ToBeVisibleAsync();
        var code = await page.EvaluateAsync<string>("navigator.clipboard.readText()");
        Assert.Contains("new ChatClient(\"gpt-4o-mini\"", code, StringComparison.Ordinal);
        Assert.Contains("get_weather", code, StringComparison.Ordinal);

        await page.Keyboard.PressAsync("y");
        await page.WaitForFunctionAsync("async () => (await navigator.clipboard.readText()).includes('span=')");
        Assert.StartsWith(ui.BaseAddress.ToString(), await page.EvaluateAsync<string>("navigator.clipboard.readText()"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_Tab_HasAttemptsLimitsAndCode()
    {
        await using var opened = await ui.OpenAsync($"{Weather}?span={SceneTrace.SpanIdOf(2)}&tab=http");
        var page = opened.Page;

        await Expect(page.Locator(".body")).ToContainTextAsync("req_c6af0a933c9342be");
        await Expect(page.Locator(".body")).ToContainTextAsync("198588 tokens left");
        await Expect(page.Locator(".body")).ToContainTextAsync("asked to wait 250");
        foreach (var name in (string[])["Microsoft.Extensions.AI", "curl", ".http"])
        {
            await page.Locator(".cp summary", new() { HasText = name }).ClickAsync();
        }

        await Expect(page.Locator(".cp", new() { HasText = "curl" }).Locator("pre").Last).ToContainTextAsync("$OPENAI_API_KEY");
    }

    [Fact]
    public async Task Exception_FrameWithAPath_OpensInTheEditor()
    {
        var scene = new SceneTrace(137, Now);
        scene.Add(1, 0, "get_fares", "TOOL", 0, 10).Fails("System.TimeoutException", "too slow", "   at System.Net.Http.X()\n   at Kite.Fares.Get() in /src/Kite/Fares.cs:line 12", 9);
        await using var opened = await ui.OpenAsync(await SendAsync(scene));

        await Expect(opened.Page.Locator(".exc > .fr")).ToContainTextAsync("Kite.Fares.Get()");
        await Expect(opened.Page.Locator(".exc > .fr").GetByRole(AriaRole.Link, new() { Name = "VS Code" })).ToHaveAttributeAsync("href", "vscode://file/src/Kite/Fares.cs:12");
        await Expect(opened.Page.Locator(".exc > .fr").GetByRole(AriaRole.Link, new() { Name = "Rider" })).ToHaveAttributeAsync("href", "jetbrains://rider/navigate/reference?path=%2Fsrc%2FKite%2FFares.cs:12");
    }

    [Fact]
    public async Task InputsOutputs_Value_HasFacesAndALazyTree()
    {
        var scene = new SceneTrace(138, Now);
        scene.Add(1, 0, "report", "TOOL", 0, 10).Set("mlflow.spanInputs", new { text = "# Title\n\n**bold**", rows = Enumerable.Range(0, 500).Select(i => new { id = i, name = $"row number {i}" }) });
        await using var opened = await ui.OpenAsync(await SendAsync(scene) + "?tab=io");
        var page = opened.Page;

        await Expect(page.Locator(".kv .prose h1")).ToHaveTextAsync("Title");
        await page.GetByRole(AriaRole.Button, new() { Name = "Text", Exact = true }).ClickAsync();
        await Expect(page.Locator(".kv .txt")).ToContainTextAsync("**bold**");

        // A hundred of the five hundred, each closed.
        await Expect(page.Locator(".jt .jt")).ToHaveCountAsync(100);
        await Expect(page.Locator(".body")).Not.ToContainTextAsync("row number 3");
        await page.Locator(".jt .jt summary").Nth(3).ClickAsync();
        await Expect(page.Locator(".body")).ToContainTextAsync("row number 3");
        await page.GetByRole(AriaRole.Button, new() { Name = "400 more" }).ClickAsync();
        await Expect(page.Locator(".jt .jt")).ToHaveCountAsync(200);
    }

    [Fact]
    public async Task Stream_RowSpeedAndSpace_ReplayAtTheChosenPace()
    {
        await using var opened = await ui.OpenAsync(Weather + "?tab=stream");
        var page = opened.Page;

        await page.Locator("tr[data-at]").Nth(4).ClickAsync();
        await Expect(page.Locator(".read")).ToContainTextAsync("5 of 47 chunks");
        await page.Keyboard.PressAsync(".");
        await Expect(page.Locator(".read")).ToContainTextAsync("6 of 47 chunks");
        await page.GetByRole(AriaRole.Button, new() { Name = "¼×" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "¼×" })).ToHaveAttributeAsync("aria-pressed", "true");
        await page.Locator(".gh").ClickAsync();
        await page.Keyboard.PressAsync(" ");
        await Expect(page.Locator(".read")).ToContainTextAsync("47 of 47 chunks");
        await Expect(page.Locator(".stm input[type=range]")).ToHaveAttributeAsync("aria-valuetext", "1,422 ms, 47 of 47 chunks");
    }

    [Fact]
    public async Task RunningTrace_Grows_LeavesScrollAndSelection()
    {
        var start = Now - 5000;
        var experiment = await ui.CreateExperimentAsync("growing-trace");
        SceneTrace Scene(int steps)
        {
            var scene = new SceneTrace(139, start) { IsRunning = true };
            scene.Add(1, 0, "LongRun", "AGENT", 0, null).Set("mlflow.spanInputs", new { question = "How long?" });
            for (var i = 2; i <= steps; i++)
            {
                scene.Add(i, 1, $"step_{i}", i % 2 == 0 ? "TOOL" : "CHAT_MODEL", i * 10, i * 10 + 9).Set("mlflow.spanInputs", new { messages = new[] { new { role = "user", content = $"step {i}" } } });
            }

            return scene;
        }

        await ui.SendAsync(Scene(60), experiment);
        await using var opened = await ui.OpenAsync($"traces/{Scene(60).Id}");
        var page = opened.Page;
        await Expect(page.Locator(".ph")).ToContainTextAsync("step 59");
        await page.EvaluateAsync("document.querySelector('.left').scrollTop = 700");

        await ui.SendAsync(Scene(120), experiment);
        await Expect(page.Locator(".srow:not(.h)")).ToHaveCountAsync(120);

        await Expect(page.Locator(".ph")).ToContainTextAsync("step 59");
        Assert.Equal(700, await page.EvaluateAsync<int>("document.querySelector('.left').scrollTop"));
    }

    private static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() - 60_000;

    private async Task<string> SendAsync(SceneTrace scene)
    {
        await ui.SendAsync(scene, await ui.CreateExperimentAsync($"pane-{scene.Id[3..11]}"));
        return $"traces/{scene.Id}";
    }
}
