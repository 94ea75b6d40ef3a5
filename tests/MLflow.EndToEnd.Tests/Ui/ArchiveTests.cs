using System.Globalization;
using System.Net.Http.Json;
using Deque.AxeCore.Playwright;
using Microsoft.Data.Sqlite;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Server;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace MLflow.EndToEnd.Tests.Ui;

/// <summary>Traces whose spans have moved to the blob store, as their readers find them.</summary>
[Collection(UiTests.Name)]
public sealed class ArchiveTests(UiFixture ui)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Trace_Archived_SaysSoAndIsReadFromTheArchive()
    {
        using var folder = new TemporaryFolder();
        var blobs = Path.Combine(folder.Path, "archive");
        await using var server = await ArchivedAsync(folder, blobs);
        await using var opened = await ui.OpenAsync(server.BaseAddress, "experiments/1/traces?q=trace.name%20%3D%20%27RunToolAgentAsync%27%20AND%20trace.status%20%3D%20%27OK%27%20AND%20span.type%20%3D%20%27TOOL%27");
        var page = opened.Page;
        await opened.HasCircuitAsync();

        // What stands in columns is found as ever, what only the archive has is not.
        var row = page.Locator(".lrow[data-id]");
        await Expect(row).ToHaveCountAsync(1);
        await Expect(row).ToContainTextAsync("Is it hotter in Paris");
        await page.GotoAsync("experiments/1/traces?q=span.content%20ILIKE%20%27%25rain_chance_24h%25%27");
        await opened.HasCircuitAsync();
        await Expect(page.Locator(".lt")).ToContainTextAsync("Nothing matches.");

        await page.GotoAsync("experiments/1/traces?q=trace.text%20ILIKE%20%27%25hotter%20in%20Paris%25%27");
        await opened.HasCircuitAsync();
        await row.Locator("a.rq").ClickAsync();
        await Expect(page.Locator(".meta")).ToContainTextAsync("archived");
        await Expect(page.Locator(".meta [title*='not searched']")).ToHaveCountAsync(1);
        await Expect(page.Locator(".surf .vw .srow")).ToHaveCountAsync(6);

        // The archive lies in files: what is read of it can come from nowhere else.
        await Expect(page.Locator(".pane")).ToContainTextAsync("rain_chance_24h");
        await page.Locator(".surf .vw .srow").Filter(new() { HasText = "get_weather" }).First.ClickAsync();
        await page.Locator("#tab-io").ClickAsync();
        await Expect(page.Locator(".pane")).ToContainTextAsync("Paris");
        Assert.Empty((await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => violation.Id + violation.Nodes[0].Html));
        Assert.Empty(opened.Complaints);
        if (Environment.GetEnvironmentVariable("MLFLOW_UI_PICTURES") is { Length: > 0 } pictures)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(pictures, "trace-archived-light.png") });
        }

        // Without the archive the page says what is missing, and shows what it has.
        foreach (var file in Directory.EnumerateFiles(blobs, "*", SearchOption.AllDirectories))
        {
            File.Delete(file);
        }

        await page.ReloadAsync();
        await opened.HasCircuitAsync();
        await Expect(page.Locator(".surf .vw .srow")).ToHaveCountAsync(6);
        await page.Locator("#tab-attrs").ClickAsync();
        await Expect(page.Locator(".pane")).ToContainTextAsync("cannot be shown");
    }

    // A server that has heard nothing for forty days, as far as its database knows, and then archives what is older than thirty.
    private static async Task<MlflowServer> ArchivedAsync(TemporaryFolder folder, string blobs)
    {
        var options = new MlflowServerOptions
        {
            Port = 0,
            OtlpGrpcPort = null,
            BackendStoreUri = folder.StoreUri,
            ArtifactsDestination = Path.Combine(folder.Path, "artifacts"),
            Blobs = new MlflowBlobOptions { Destination = blobs },
            RetentionDays = "30",
            RetentionAction = "archive",
        };
        var forty = TimeSpan.FromDays(40);
        await using (var before = await MlflowServer.StartAsync(options, Token))
        {
            using var client = new HttpClient { BaseAddress = before.BaseAddress };
            using var made = await client.PostAsJsonAsync(new Uri("api/2.0/mlflow/experiments/create", UriKind.Relative), new { name = "old" }, Token);
            made.EnsureSuccessStatusCode();
            await UiFixture.SendAsync(before.BaseAddress, Scenes.Weather((TimeProvider.System.GetUtcNow() - forty).ToUnixTimeMilliseconds()), 1);
        }

        await using (var database = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder.Path, "mlflow.db"), Pooling = false }.ToString()))
        {
            await database.OpenAsync(Token);
            using var command = database.CreateCommand();
            command.CommandText = string.Create(CultureInfo.InvariantCulture, $"""
                UPDATE traces SET last_seen_ms = last_seen_ms - {forty.TotalMilliseconds:0};
                INSERT INTO retention (id, started_ms) VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET started_ms = excluded.started_ms;
                """);
            await command.ExecuteNonQueryAsync(Token);
        }

        var server = await MlflowServer.StartAsync(options, Token);
        using var caller = new HttpClient { BaseAddress = server.BaseAddress };
        using var archived = await caller.PostAsJsonAsync(new Uri("api/3.0/mlflow/retention/run", UriKind.Relative), new { dry_run = false }, Token);
        Assert.Contains("\"archived\":1", await archived.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        return server;
    }
}
