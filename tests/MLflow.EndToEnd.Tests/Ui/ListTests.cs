using System.Text.Json;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>The list of traces, as its readers use it.</summary>
[Collection(UiTests.Name)]
public sealed class ListTests(UiFixture ui)
{
    private string List => $"experiments/{ui.ExperimentId}";

    private static long Now => TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    [Fact]
    public async Task Filter_ChipRemoved_RewritesTheQueryAndKeepsTheRest()
    {
        await using var opened = await ui.OpenAsync($"{List}?q=status%20%3D%20'ERROR'%20AND%20name%20%3D%20'Completions'&range=24h");
        var page = opened.Page;
        await Expect(page.Locator(".chip[data-k]")).ToHaveCountAsync(2);
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(1);
        await page.Locator(".chip[data-k='1']").HoverAsync();
        await Expect(page.Locator(".qf .on").First).ToHaveTextAsync("name");

        await page.GetByLabel("Remove name is Completions").ClickAsync();

        await Expect(page.Locator(".chip[data-k]")).ToHaveCountAsync(1);
        await Expect(page.Locator(".qf input")).ToHaveValueAsync("status = 'ERROR'");
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(2);
        Assert.Contains("range=24h", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Filter_Mistake_IsUnderlinedSuggestedAndMendedWhileTheRestHolds()
    {
        await using var opened = await ui.OpenAsync($"{List}?q=status%20%3D%20'ERROR'%20AND%20trace.latncy%20%3E%202000");
        var page = opened.Page;

        await Expect(page.Locator(".qe")).ToContainTextAsync("Character 22: unknown field trace.latncy. Did you mean trace.execution_time_ms?");
        await Expect(page.Locator(".qf .bad")).ToHaveTextAsync("trace.latncy");
        Assert.True(await page.EvaluateAsync<bool>("""
            () => {
              const pieces = [...document.querySelectorAll('.qf pre span')].map(piece => piece.getBoundingClientRect());
              return pieces.length > 5 && pieces.every((piece, i) => i === 0 || Math.abs(piece.left - pieces[i - 1].right) < 1);
            }
            """));
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(2);

        await page.GetByRole(AriaRole.Link, new() { Name = "Put trace.execution_time_ms there" }).ClickAsync();

        await Expect(page.Locator(".qf input")).ToHaveValueAsync("status = 'ERROR' AND trace.execution_time_ms > 2000");
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(1);
        await Expect(page.Locator(".qe")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Filter_Keyboard_CompletesFieldOperatorAndKnownValue()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;

        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("sta");
        await Expect(page.Locator("#qlist li").First).ToContainTextAsync("trace.status");
        await page.Keyboard.PressAsync("ArrowDown");
        await Expect(page.Locator(".qf input")).ToHaveAttributeAsync("aria-activedescendant", "qlist-0");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".qf input")).ToHaveValueAsync("trace.status ");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator(".qf input")).ToHaveValueAsync("trace.status = ");

        // The values come once the field has the focus.
        await Expect(page.Locator(".qf[data-known*=ERROR]")).ToHaveCountAsync(1);
        await page.Keyboard.TypeAsync("'ERR");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".qf input")).ToHaveValueAsync("trace.status = 'ERROR' ");
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(2);
        await Expect(page.Locator(".chip[data-k]")).ToContainTextAsync("status is");
    }

    [Fact]
    public async Task Filter_Builder_AddsAClauseWithAKnownValue()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;

        await page.GetByText("Add filter").ClickAsync();
        await page.Locator(".build select").First.SelectOptionAsync(new SelectOptionValue { Label = "user" });
        await Expect(page.Locator("#known-values option[value='sato@contoso']")).ToHaveCountAsync(1);
        await page.GetByLabel("Value", new() { Exact = true }).FillAsync("sato@contoso");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();

        await Expect(page.Locator(".qf input")).ToHaveValueAsync("metadata.`mlflow.trace.user` = 'sato@contoso'");
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(1);

        await page.GetByText("Add filter").ClickAsync();
        await page.Locator(".build select").First.SelectOptionAsync(new SelectOptionValue { Label = "latency in ms" });
        await page.GetByLabel("Value", new() { Exact = true }).FillAsync("slow");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(page.Locator(".build [role=alert]")).ToHaveTextAsync("The value must be a number.");
    }

    [Fact]
    public async Task Time_ButtonsAndDrag_AreInTheAddress()
    {
        // Of its own: what the others look at may be older than a quarter of an hour by now.
        var experiment = await ui.CreateExperimentAsync("times");
        const int Minute = 60_000;
        await ui.SendAsync(Scenes.Short(6400, Now - (11 * Minute), "mika@contoso", "Eleven minutes ago", "Answer", 300, 5, 1), experiment);
        await ui.SendAsync(Scenes.Short(6401, Now - Minute, "mika@contoso", "A minute ago", "Answer", 300, 5, 1), experiment);
        await using var opened = await ui.OpenAsync($"experiments/{experiment}?q=name%20%3D%20'Completions'");
        var page = opened.Page;

        await page.GetByRole(AriaRole.Link, new() { Name = "15 min" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "15 min" })).ToHaveAttributeAsync("aria-current", "true");
        Assert.Contains("range=15m", page.Url, StringComparison.Ordinal);
        await Expect(page.Locator(".hist rect.fine").First).ToBeAttachedAsync();

        var bars = (await page.Locator(".hist .bars").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(bars.X + (bars.Width * 0.05f), bars.Y + 20);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(bars.X + (bars.Width * 0.4f), bars.Y + 20);
        await Expect(page.Locator(".brush")).ToBeVisibleAsync();
        await page.Mouse.UpAsync();

        await Expect(page.Locator(".seg [aria-current]")).ToContainTextAsync("–");
        Assert.Contains("from=", page.Url, StringComparison.Ordinal);
        Assert.Contains("to=", page.Url, StringComparison.Ordinal);
        Assert.Contains("q=name", page.Url, StringComparison.Ordinal);
        await Expect(page.Locator(".lrow[data-id]")).ToContainTextAsync("Eleven minutes ago");
    }

    [Fact]
    public async Task Columns_ChosenMovedAndResized_AreRememberedForTheExperiment()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;

        await page.Keyboard.PressAsync("c");
        await page.GetByLabel("Session", new() { Exact = true }).CheckAsync();
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "Session" })).ToBeVisibleAsync();
        await Expect(page.Locator(".lrow[data-id]").Filter(new() { HasText = "Is it hotter" })).ToContainTextAsync("s-4f21");
        await page.GetByLabel("Name, model", new() { Exact = true }).UncheckAsync();
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "Name, model" })).ToHaveCountAsync(0);
        await page.GetByLabel("Session up").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Columnheader).Nth(6)).ToHaveTextAsync("Cost");
        await page.Keyboard.PressAsync("Escape");

        var handle = page.Locator(".rz[data-col=session]");
        await handle.FocusAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(handle).ToHaveAttributeAsync("aria-valuenow", "120");
        var box = (await page.Locator(".rz[data-col=cost]").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + 3, box.Y + 10);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + 43, box.Y + 10);
        await page.Mouse.UpAsync();
        await Expect(page.Locator(".rz[data-col=cost]")).ToHaveAttributeAsync("aria-valuenow", "114");

        // Again, without the columns in the address; and another experiment has its own.
        await page.GotoAsync(List);
        await opened.HasCircuitAsync();
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "Session" })).ToBeVisibleAsync();
        await Expect(page.Locator(".rz[data-col=cost]")).ToHaveAttributeAsync("aria-valuenow", "114");
        await page.GotoAsync("experiments/0");
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "Session" })).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Columns_DraggedInTheMenu_ChangePlaces()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;
        await page.Keyboard.PressAsync("c");
        var columns = page.Locator(".cols-menu .pr1[draggable=true]");

        await columns.Filter(new() { HasText = "Cost" }).Locator(".gr").DragToAsync(columns.Filter(new() { HasText = "Latency" }).Locator(".gr"));

        await Expect(page.GetByRole(AriaRole.Columnheader).Nth(5)).ToHaveTextAsync("Cost");
        await Expect(page.GetByRole(AriaRole.Columnheader).Nth(6)).ToContainTextAsync("Latency");
    }

    [Fact]
    public async Task F_CellChosenByKeysOrPointer_FiltersByIt()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;
        var row = page.Locator(".lrow[data-id]").Filter(new() { HasText = "Is it hotter" });
        await row.Locator("a.rq").FocusAsync();

        await page.Keyboard.PressAsync("ArrowRight");
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(row.Locator(".cc")).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("stt"));
        await page.Keyboard.PressAsync("f");
        await Expect(page.Locator(".qf input")).ToHaveValueAsync("trace.status = 'OK'");

        // Another page has no cell chosen: the pointer says which.
        await page.GotoAsync(List + "?q=trace.status%20%3D%20%27OK%27");
        await opened.HasCircuitAsync();
        await row.Locator(".c-md").HoverAsync(new() { Force = true });
        await page.Keyboard.PressAsync("f");
        await Expect(page.Locator(".qf input")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("^trace.status = 'OK' AND trace.name = '.+'$"));
        await Expect(row).ToHaveCountAsync(1);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Sort_ColumnHead_OrdersBothWaysInTheAddress()
    {
        await using var opened = await ui.OpenAsync($"{List}?q=status%20!%3D%20'IN_PROGRESS'");
        var page = opened.Page;

        await page.GetByRole(AriaRole.Link, new() { Name = "Latency" }).ClickAsync();
        await Expect(page.Locator(".lrow[data-id] a.rq").First).ToContainTextAsync("Write and then review");
        Assert.Contains("sort=execution_time_ms%20DESC", page.Url, StringComparison.Ordinal);
        await Expect(page.GetByRole(AriaRole.Columnheader, new() { Name = "Latency" })).ToHaveAttributeAsync("aria-sort", "descending");

        await page.GetByRole(AriaRole.Link, new() { Name = "Latency" }).ClickAsync();
        await Expect(page.Locator(".lrow[data-id] a.rq").Last).ToContainTextAsync("Write and then review");
        await Expect(page.Locator(".livebar")).Not.ToContainTextAsync("Live");
    }

    [Fact]
    public async Task Scroll_ToTheEnd_ShowsEachTraceOnceInAFewRows()
    {
        const int Count = 420;
        var experiment = await ui.CreateExperimentAsync("endless");
        var now = Now;

        // Many of one millisecond: the order among them is the id's.
        for (var i = 0; i < Count; i++)
        {
            await ui.SendAsync(Scenes.Short(5000 + i, now - (i / 7 * 1000), "mika@contoso", $"Question {i}", "Answer", 300, 5, 1), experiment);
        }

        await using var opened = await ui.OpenAsync($"experiments/{experiment}");
        var page = opened.Page;
        await page.EvaluateAsync("() => { window.seen = []; const look = () => document.querySelectorAll('.lrow[data-id]').forEach(row => { if (!seen.includes(row.dataset.id)) seen.push(row.dataset.id); }); look(); new MutationObserver(look).observe(document.body, { childList: true, subtree: true }); }");
        await page.Locator(".lt").HoverAsync();
        while (await page.EvaluateAsync<int>("() => window.seen.length") < Count)
        {
            var before = await page.EvaluateAsync<int>("() => window.seen.length");
            await page.EvaluateAsync("() => { const list = document.querySelector('.lt'); list.scrollTop = list.scrollHeight; }");
            await page.WaitForFunctionAsync("before => window.seen.length > before", before);
            Assert.InRange(await page.Locator(".lrow[data-id]").CountAsync(), 1, 250);
        }

        await Expect(page.Locator(".more")).ToHaveCountAsync(0);
        Assert.Equal(Count, await page.EvaluateAsync<int>("() => window.seen.length"));

        // And back: the first rows are there again, in their places.
        await page.EvaluateAsync("() => { document.querySelector('.lt').scrollTop = 0; }");
        await Expect(page.Locator(".lrow[data-id] a.rq").First).ToBeInViewportAsync();
        var height = await page.EvaluateAsync<int>("() => document.querySelector('.lt').scrollHeight");
        Assert.InRange(height, Count * 43, (Count * 43) + 200);
    }

    [Fact]
    public async Task Live_Paused_CountsNothingUntilOn()
    {
        var experiment = await ui.CreateExperimentAsync("paused");
        await ui.SendAsync(Scenes.Short(6001, Now - 5000, "mika@contoso", "First", "1", 300, 5, 1), experiment);
        await using var opened = await ui.OpenAsync($"experiments/{experiment}");
        var page = opened.Page;

        await page.Keyboard.PressAsync("l");
        await Expect(page.Locator(".livebar b").First).ToHaveTextAsync("Paused");
        await ui.SendAsync(Scenes.Short(6002, Now, "mika@contoso", "Second", "2", 300, 5, 1), experiment);
        await page.Keyboard.PressAsync("l");

        await Expect(page.Locator(".livebar")).ToContainTextAsync("1 new while you read");
        await Expect(page.Locator(".lrow a.rq")).ToHaveTextAsync(["First"]);
    }

    [Fact]
    public async Task Selection_Keys_TagExportCompareAndDelete()
    {
        var experiment = await ui.CreateExperimentAsync("bulk");
        for (var i = 0; i < 5; i++)
        {
            await ui.SendAsync(Scenes.Short(6100 + i, Now - (i * 1000), "mika@contoso", $"Question {i}", "Answer", 300, 5, 1), experiment);
        }

        await using var opened = await ui.OpenAsync($"experiments/{experiment}");
        var page = opened.Page;
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("x");
        await Expect(page.Locator(".bulk")).ToContainTextAsync("1 selected");
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("Shift+X");
        await Expect(page.Locator(".bulk")).ToContainTextAsync("3 selected");
        await Expect(page.Locator(".lrow.selr")).ToHaveCountAsync(3);
        await Expect(page.Locator(".bulk")).ToContainTextAsync("18 tokens");
        Assert.Empty((await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => violation.Id + violation.Nodes[0].Html));

        var compare = await page.GetByRole(AriaRole.Link, new() { Name = "Compare" }).GetAttributeAsync("href");
        Assert.Equal(3, Uri.UnescapeDataString(compare!)["compare?traces=".Length..].Split(',').Length);

        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Export" }).ClickAsync());
        var lines = await File.ReadAllLinesAsync(await download.PathAsync(), TestContext.Current.CancellationToken);
        Assert.Equal($"traces-{experiment}.jsonl", download.SuggestedFilename);
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Equal(1, JsonDocument.Parse(line).RootElement.GetProperty("spans").GetArrayLength()));

        await page.GetByRole(AriaRole.Button, new() { Name = "Tag", Exact = true }).ClickAsync();
        await page.GetByLabel("Key of the tag").FillAsync("reviewed");
        await page.GetByLabel("Value of the tag").FillAsync("yes");
        await page.GetByRole(AriaRole.Button, new() { Name = "Set on 3" }).ClickAsync();
        await Expect(page.Locator(".bulk")).ToHaveCountAsync(0);
        await page.GotoAsync($"experiments/{experiment}?q=tags.reviewed%20%3D%20'yes'");
        await opened.HasCircuitAsync();
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(3);

        await page.GetByLabel("Select the rows that are shown").CheckAsync(new() { Force = true });
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Keep them" })).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Keep them" })).ToHaveCountAsync(0);
        await Expect(page.Locator(".bulk")).ToContainTextAsync("3 selected");
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete 3" }).ClickAsync();
        await Expect(page.Locator(".lt")).ToContainTextAsync("Nothing matches.");
        await page.GotoAsync($"experiments/{experiment}");
        await Expect(page.Locator(".lrow[data-id]")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task Selection_AllThatMatch_GoesBeyondWhatIsShown()
    {
        var experiment = await ui.CreateExperimentAsync("all-that-match");
        for (var i = 0; i < 60; i++)
        {
            await ui.SendAsync(Scenes.Short(6200 + i, Now - (i * 1000), "mika@contoso", $"Question {i}", "Answer", 300, 5, 1), experiment);
        }

        await using var opened = await ui.OpenAsync($"experiments/{experiment}?q=trace.text%20ILIKE%20'%25question%25'");
        var page = opened.Page;
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("x");
        await page.GetByRole(AriaRole.Button, new() { Name = "Select all 60 that match" }).ClickAsync();
        await Expect(page.Locator(".bulk")).ToContainTextAsync("60 selected");
        await page.Keyboard.PressAsync("Escape");

        await Expect(page.Locator(".livebar")).ToContainTextAsync("60 traces");
    }

    [Fact]
    public async Task Enter_TraceOfAFilteredList_KnowsItsNeighboursAndTheWayBack()
    {
        await using var opened = await ui.OpenAsync($"{List}?q=status%20%3D%20'ERROR'");
        var page = opened.Page;

        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".step")).ToContainTextAsync("1 of 2");
        await page.Keyboard.PressAsync("j");
        await Expect(page.Locator(".step")).ToContainTextAsync("2 of 2");

        await page.Locator(".crumbs a").Last.ClickAsync();
        await Expect(page.Locator(".qf input")).ToHaveValueAsync("status = 'ERROR'");
    }

    [Fact]
    public async Task Peek_Space_ShowsTheTraceAndPPinsIt()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;

        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync(" ");
        await Expect(page.Locator(".peek h2")).ToHaveTextAsync("明日の東京と大阪、どちらが暑いですか。傘は必要でしょうか。");
        await Expect(page.Locator(".peek .mini .srow")).ToHaveCountAsync(5);
        await Expect(page.Locator(".peek .body")).ToContainTextAsync("東京へお出かけなら傘をお持ちください");
        Assert.Contains("peek=tr-", page.Url, StringComparison.Ordinal);
        await page.Keyboard.PressAsync("p");
        await Expect(page.Locator(".ls.beside")).ToHaveCountAsync(1);
        await Expect(page.Locator(".lrow.h .c-tk")).ToBeHiddenAsync();
        Assert.Empty((await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => violation.Id + violation.Nodes[0].Html));

        await page.Keyboard.PressAsync("j");
        await Expect(page.Locator(".peek h2")).ToContainTextAsync("Is it hotter in Paris");

        await using var shared = await ui.OpenAsync(page.Url);
        await Expect(shared.Page.Locator(".peek h2")).ToContainTextAsync("Is it hotter in Paris");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".peek")).ToHaveCountAsync(0);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Peek_PointerRestsOnARow_ShowsTheTraceUntilItLeaves()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;
        await page.Clock.InstallAsync();
        var row = page.Locator(".lrow[data-id]").Filter(new() { HasText = "明日の東京と大阪" });
        var peek = page.Locator(".peek.float");

        await row.Locator("a.rq").HoverAsync();
        await page.Clock.RunForAsync(300);
        Assert.Equal(0, await peek.CountAsync());
        await page.Clock.RunForAsync(200);
        await Expect(peek.Locator("h2")).ToHaveTextAsync("明日の東京と大阪、どちらが暑いですか。傘は必要でしょうか。");
        await Expect(peek.Locator(".mini .srow")).ToHaveCountAsync(5);
        Assert.DoesNotContain("peek=", page.Url, StringComparison.Ordinal);
        Assert.Equal("BODY", await page.EvaluateAsync<string>("() => document.activeElement.tagName"));

        // In the pane one may read on; back at the list's head it is gone.
        await peek.Locator(".body").HoverAsync();
        await page.Clock.RunForAsync(2000);
        await Expect(peek).ToHaveCountAsync(1);
        await page.Locator(".livebar b").First.HoverAsync();
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveCountAsync(0);

        // Esc takes it away, Space keeps it.
        await row.Locator("a.rq").HoverAsync();
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveCountAsync(1);
        await page.Keyboard.PressAsync("Escape");
        await Expect(peek).ToHaveCountAsync(0);
        await page.Locator(".livebar b").First.HoverAsync();
        await page.Clock.RunForAsync(500);
        await row.Locator("a.rq").HoverAsync();
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveCountAsync(1);
        await page.Keyboard.PressAsync(" ");
        await Expect(page.Locator(".peek:not(.float) h2")).ToContainTextAsync("明日の東京と大阪");
        Assert.Contains("peek=tr-", page.Url, StringComparison.Ordinal);
        await page.Locator(".livebar b").First.HoverAsync();
        await page.Clock.RunForAsync(500);
        await Expect(page.Locator(".peek h2")).ToContainTextAsync("明日の東京と大阪");
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Peek_PointerMovesOnToTheNextRow_ShowsThatOne()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;
        await page.Clock.InstallAsync();
        var rows = page.Locator(".lrow[data-id]");
        var peek = page.Locator(".peek.float");
        await rows.Nth(1).Locator("a.rq").HoverAsync();
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveAttributeAsync("data-of", (await rows.Nth(1).GetAttributeAsync("data-id"))!);

        // It comes to rest shortly before the first row has been left for long.
        var next = (await rows.Nth(2).Locator("a.rq").BoundingBoxAsync())!;
        for (var step = 0; step < 3; step++)
        {
            await page.Mouse.MoveAsync(next.X + 10 + step, next.Y + 5);
            await page.Clock.RunForAsync(100);
        }

        await Expect(peek).ToHaveCountAsync(1);
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveAttributeAsync("data-of", (await rows.Nth(2).GetAttributeAsync("data-id"))!);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Peek_ClosedOrOfAnotherList_ComesAgainOnTheSameRow()
    {
        await using var opened = await ui.OpenAsync(List);
        var page = opened.Page;
        await page.Clock.InstallAsync();
        var row = page.Locator(".lrow[data-id]").Filter(new() { HasText = "明日の東京と大阪" });
        var peek = page.Locator(".peek.float");
        await row.Locator("a.rq").HoverAsync();
        await page.Clock.RunForAsync(500);

        await peek.Locator("[data-esc]").ClickAsync();
        await Expect(peek).ToHaveCountAsync(0);
        await row.Locator("a.rq").HoverAsync();
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveCountAsync(1);

        // The pointer is on the row still, and not meant to open what was closed.
        await page.Keyboard.PressAsync("Escape");
        await Expect(peek).ToHaveCountAsync(0);
        var box = (await row.Locator("a.rq").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + 12, box.Y + 6);
        await page.EvaluateAsync("() => { window.words = []; document.addEventListener('change', change => { if (change.target.matches('[data-tell]')) words.push(change.target.value.split(' ')[0]); }, true); }");
        await page.Clock.RunForAsync(1000);
        Assert.DoesNotContain("hover", await page.EvaluateAsync<string[]>("() => window.words"));
        await page.Locator(".livebar b").First.HoverAsync();
        await row.Locator("a.rq").HoverAsync();
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveCountAsync(1);

        await page.EvaluateAsync("address => Blazor.navigateTo(address)", List + "?q=" + Uri.EscapeDataString("status = 'OK'"));
        await Expect(peek).ToHaveCountAsync(0);
        await row.Locator("a.rq").HoverAsync(new() { Position = new() { X = 9, Y = 7 } });
        await page.Clock.RunForAsync(500);
        await Expect(peek).ToHaveCountAsync(1);
        Assert.Empty(opened.Complaints);
    }

    [Fact]
    public async Task Peek_RowsThatScrollBelowThePointerAndFingers_AskForNothing()
    {
        var experiment = await ui.CreateExperimentAsync("scrolled");
        for (var i = 0; i < 60; i++)
        {
            await ui.SendAsync(Scenes.Short(6600 + i, Now - (i * 1000), "mika@contoso", $"Question {i}", "Answer", 300, 5, 1), experiment);
        }

        await using var opened = await ui.OpenAsync($"experiments/{experiment}");
        var page = opened.Page;
        await page.Clock.InstallAsync();
        await page.EvaluateAsync("() => { window.words = []; document.addEventListener('change', change => { if (change.target.matches('[data-tell]')) words.push(change.target.value.split(' ')[0]); }, true); }");
        var row = (await page.Locator(".lrow[data-id] a.rq").Nth(4).BoundingBoxAsync())!;

        // The pointer came to rest a moment ago, and then the wheel turns.
        await page.Mouse.MoveAsync(row.X + 20, row.Y + 5);
        for (var turn = 1; turn <= 3; turn++)
        {
            await page.Clock.RunForAsync(300);
            await page.Mouse.WheelAsync(0, 90);
            await page.WaitForFunctionAsync("turned => document.querySelector('.lt').scrollTop === turned", turn * 90);
        }

        await page.Clock.RunForAsync(2000);
        await page.EvaluateAsync("() => document.querySelectorAll('.lrow[data-id]')[9].dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerType: 'touch', clientX: 300, clientY: 300, screenX: 300, screenY: 300 }))");
        await page.Clock.RunForAsync(2000);
        Assert.DoesNotContain("hover", await page.EvaluateAsync<string[]>("() => window.words"));

        await page.Mouse.MoveAsync(row.X + 24, row.Y + 5);
        await page.Clock.RunForAsync(500);
        await Expect(page.Locator(".peek.float")).ToHaveCountAsync(1);
        await page.Mouse.WheelAsync(0, 90);
        await Expect(page.Locator(".peek.float")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Peek_PinnedInANarrowWindow_LeavesTheLatencies()
    {
        var trace = ui.Scenes.Single(scene => scene.User == "sato@contoso").Id;
        await using var opened = await ui.OpenAsync($"experiments/{ui.ExperimentId}?peek={trace}&pin=1", 1024, 768);
        var page = opened.Page;

        var (peek, figure) = (await page.Locator(".peek").BoundingBoxAsync(), await page.Locator(".lrow[data-id] .lat .r").First.BoundingBoxAsync());
        Assert.InRange(figure!.X + figure.Width, 1, peek!.X);
        Assert.False(await page.EvaluateAsync<bool>("() => { const list = document.querySelector('.lt'); return list.scrollWidth > list.clientWidth; }"));
    }

    [Fact]
    public async Task Views_SavedChangedAndDeleted_AreOfTheExperiment()
    {
        var experiment = await ui.CreateExperimentAsync("saved-views");
        await ui.SendAsync(Scenes.Short(6300, Now, "mika@contoso", "Question", "Answer", 300, 5, 1), experiment);
        await using var opened = await ui.OpenAsync($"experiments/{experiment}?q=name%20%3D%20'Completions'&sort=cost%20DESC&range=24h&cols=time,request,cost:90");
        var page = opened.Page;

        await page.GetByText("Save view").ClickAsync();
        var (box, field) = (await page.Locator(".views .pop").BoundingBoxAsync(), await page.GetByLabel("Name of the view").BoundingBoxAsync());
        Assert.InRange(field!.X + field.Width, box!.X, box.X + box.Width);
        await page.GetByLabel("Name of the view").FillAsync("Dear & slow");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(page.Locator(".views [aria-current]")).ToHaveTextAsync("Dear & slow");

        await using var other = await ui.OpenAsync($"experiments/{experiment}");
        await other.Page.GetByRole(AriaRole.Link, new() { Name = "Dear & slow" }).ClickAsync();
        await Expect(other.Page.Locator(".qf input")).ToHaveValueAsync("name = 'Completions'");
        await Expect(other.Page.GetByRole(AriaRole.Columnheader, new() { Name = "Cost" })).ToHaveAttributeAsync("aria-sort", "descending");
        await Expect(other.Page.Locator(".rz[data-col=cost]")).ToHaveAttributeAsync("aria-valuenow", "90");
        await Expect(other.Page.GetByRole(AriaRole.Link, new() { Name = "24 h" })).ToHaveAttributeAsync("aria-current", "true");
        await other.Page.GetByRole(AriaRole.Link, new() { Name = "7 d" }).ClickAsync();
        await Expect(other.Page.Locator(".views [aria-current]")).ToHaveTextAsync("Dear & slow *");

        await other.Page.GetByText("Manage").ClickAsync();
        await other.Page.GetByLabel("Delete the view Dear & slow").ClickAsync();
        await Expect(other.Page.Locator(".views > a")).ToHaveCountAsync(1);
    }
}
