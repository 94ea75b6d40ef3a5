using System.Diagnostics;
using Microsoft.Playwright;
using MLflow.Server;

namespace MLflow.Benchmarks.Server;

/// <summary>The web pages in Chromium: what they weigh, how soon they are there, what the server holds for each open one, and a long list that is scrolled through.</summary>
internal static class PagesPart
{
    private const int Repetitions = 7;
    private const int OpenPages = 50;
    private const int OpenLargePages = 10;
    private const int SpansOfLarge = 50_000;
    private const int SpansOfARequest = 2500;
    private const int PagesOfTheList = 100;
    private const int RowsOfAPage = 50;
    private const int EdgePages = 20;

    // Debian's: without windows, or else with them.
    private static readonly string Chromium = new[] { "/usr/bin/chromium-headless-shell", "/usr/bin/chromium" }.FirstOrDefault(File.Exists) ?? "/usr/bin/chromium";

    private static readonly string[] Switches =
        ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    public static async Task RunAsync(int traces)
    {
        if (!File.Exists(Chromium))
        {
            throw new InvalidOperationException($"{Chromium} is not installed; eng/setup.sh installs it.");
        }

        using var report = new Report("pages");
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
        var store = "sqlite:///" + Path.Combine(folder.FullName, "mlflow.db");
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Chromium, Args = Switches });
        (string Name, string Path, string Row, int Open)[] pages =
        [
            ("list", "experiments/0", ".lrow[data-id]", OpenPages),
            ($"trace of {AgentTraces.SpansOfATrace} spans", "traces/" + AgentTraces.TraceId(17, traces / 2), ".srow:not(.h)", OpenPages),
            ($"trace of {SpansOfLarge:N0} spans", "traces/" + AgentTraces.TraceId(18, 0), ".srow:not(.h)", OpenLargePages),
        ];
        await using (var server = await ServerProcess.StartAsync(store, folder.FullName))
        {
            await ReadsPart.LoadAsync(server, traces);
            var large = new AgentTraces(0.3, seed: 18);
            for (var i = 0; i < SpansOfLarge; i += SpansOfARequest)
            {
                await server.ExportAsync(large.Part(0, i, SpansOfARequest, SpansOfLarge));
            }

            await server.WaitForQueuesAsync();
            report.Line($"SQLite, {traces:N0} traces of {AgentTraces.SpansOfATrace} spans and one of {SpansOfLarge:N0}; Chromium {browser.Version}, 1440×900, over loopback. Load {Report.Load()} after loading them.");
            report.Line();
            await TimeAsync(report, server, browser, pages);
            await ScrollAsync(report, server, browser, Math.Min(PagesOfTheList, (traces / RowsOfAPage) - 1));
        }

        await HoldAsync(report, store, folder.FullName, browser, pages);

        folder.Delete(recursive: true);
    }

    /// <summary>Each time in a browser that knows nothing of the server.</summary>
    private static async Task TimeAsync(Report report, ServerProcess server, IBrowser browser, (string Name, string Path, string Row, int Open)[] pages)
    {
        report.Line($"Medians of {Repetitions}, after one. *Weight* is what the first visit loads, as it is on the wire; *again* is with the browser's cache. *Rows* is from the navigation until the browser has painted them, *live* until the page answers to keys.");
        report.Line();
        report.Line($"| page | weight, KB | of it the page | requests | again, KB | rows, ms | live, ms | server's processors until live, ms |");
        report.Line($"|---|---|---|---|---|---|---|---|");
        foreach (var (name, path, row, _) in pages)
        {
            var (rows, live, processor) = (new Times(), new Times(), new Times());
            var (first, again) = ((PageWeight?)null, (PageWeight?)null);
            for (var i = -1; i < Repetitions; i++)
            {
                await using var context = await NewContextAsync(browser, server.Http.BaseAddress!);
                var page = await context.NewPageAsync();
                first = await PageWeight.WatchAsync(page);
                var (started, used) = (Stopwatch.GetTimestamp(), server.Cpu);
                await page.GotoAsync(path, new PageGotoOptions { WaitUntil = WaitUntilState.Commit });
                await page.Locator(row).First.WaitForAsync();
                await IsLiveAsync(page);
                if (i >= 0)
                {
                    live.Add(Stopwatch.GetElapsedTime(started));
                    processor.Add(server.Cpu - used);
                    rows.Add(TimeSpan.FromMilliseconds(await page.EvaluateAsync<double>("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")));
                }

                await first.StopAsync();
                again = await PageWeight.WatchAsync(page);
                await page.GotoAsync(path);
                await IsLiveAsync(page);
            }

            report.Line($"| {name} | {first!.Bytes / 1e3:0} | {first.DocumentBytes / 1e3:0} | {first.Requests} | {again!.Bytes / 1e3:0} | {rows.Quantile(0.5):0} | {live.Quantile(0.5):0} | {processor.Quantile(0.5):0} |");
        }

        report.Line();
    }

    /// <summary>In this process, where all garbage can be collected before it is counted.</summary>
    private static async Task HoldAsync(Report report, string store, string folder, IBrowser browser, (string Name, string Path, string Row, int Open)[] pages)
    {
        report.Line();
        report.Line($"What open pages hold: the heap of the server after all garbage was collected, before and after they were opened.");
        report.Line();
        report.Line($"| open pages | | before, MB | with them, MB | a page, MB |");
        report.Line($"|---|---|---|---|---|");
        foreach (var (name, path, _, open) in pages)
        {
            // A server of its own: for some minutes it keeps pages that were left.
            await using var server = await MlflowServer.StartAsync(new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = store, ArtifactsDestination = Path.Combine(folder, "artifacts") });
            await using var context = await NewContextAsync(browser, server.BaseAddress);
            await OpenAsync();
            var before = await HeapMbAsync();
            for (var i = 0; i < open; i++)
            {
                await OpenAsync();
            }

            var with = await HeapMbAsync();
            report.Line($"| {open} | {name} | {before:0.0} | {with:0.0} | {(with - before) / open:0.00} |");

            async Task OpenAsync()
            {
                var page = await context.NewPageAsync();
                await page.GotoAsync(path);
                await IsLiveAsync(page);
            }
        }
    }

    /// <summary>Waits until what is let go of in the background is gone.</summary>
    private static async Task<double> HeapMbAsync()
    {
        for (var before = double.MaxValue; ;)
        {
            var now = GC.GetTotalMemory(forceFullCollection: true) / 1e6;
            if (before - now < 0.1)
            {
                return now;
            }

            before = now;
            await Task.Delay(TimeSpan.FromSeconds(5));
        }
    }

    private static async Task ScrollAsync(Report report, ServerProcess server, IBrowser browser, int pages)
    {
        await using var context = await NewContextAsync(browser, server.Http.BaseAddress!);
        var page = await context.NewPageAsync();
        await page.GotoAsync("experiments/0");
        await IsLiveAsync(page);
        const string LastRow = "() => [...document.querySelectorAll('.lrow[data-id]')].at(-1).dataset.id";
        var times = new List<(double Ms, double ProcessorMs)>();
        for (var i = 0; i < pages; i++)
        {
            var last = await page.EvaluateAsync<string>(LastRow);
            var (started, used) = (Stopwatch.GetTimestamp(), server.Cpu);
            await page.EvaluateAsync("() => { const list = document.querySelector('.lt'); list.scrollTop = list.scrollHeight; }");
            await page.WaitForFunctionAsync($"last => ({LastRow})() !== last", last, new PageWaitForFunctionOptions { PollingInterval = 5 });
            times.Add((Stopwatch.GetElapsedTime(started).TotalMilliseconds, (server.Cpu - used).TotalMilliseconds));
        }

        report.Line($"The list, scrolled to its end {pages} times, each from the scroll until further rows are in the page:");
        report.Line();
        report.Line($"| | p50, ms | slowest, ms | server's processors p50, ms |");
        report.Line($"|---|---|---|---|");
        foreach (var (what, part) in ((string, IEnumerable<(double Ms, double ProcessorMs)>)[])[($"first {EdgePages}", times.Take(EdgePages)), ($"last {EdgePages}", times.TakeLast(EdgePages))])
        {
            var of = part.ToList();
            report.Line($"| {what} | {of.Select(time => time.Ms).Order().ElementAt(of.Count / 2):0} | {of.Max(time => time.Ms):0} | {of.Select(time => time.ProcessorMs).Order().ElementAt(of.Count / 2):0} |");
        }

        report.Line();
        report.Line($"Rows in the page at the end: {await page.Locator(".lrow[data-id]").CountAsync()} of {await page.EvaluateAsync<string>("() => Math.round(document.querySelector('.lt').scrollHeight / document.querySelector('.lrow[data-id]').offsetHeight).toString()")} that were seen.");
    }

    private static Task<IBrowserContext> NewContextAsync(IBrowser browser, Uri server) => browser.NewContextAsync(new BrowserNewContextOptions
    {
        BaseURL = server.ToString(),
        ViewportSize = new ViewportSize { Width = 1440, Height = 900 },
        Locale = "en-GB",
    });

    private static Task IsLiveAsync(IPage page) => page.Locator("#circuit").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Attached });
}
