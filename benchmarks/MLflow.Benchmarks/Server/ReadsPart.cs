using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace MLflow.Benchmarks.Server;

/// <summary>What users wait for, among ten thousand traces and among many: each question at both sizes in one run, first and last.</summary>
internal static class ReadsPart
{
    private const int Small = 10_000;
    private const int TracesOfARequest = 50;
    private const int Concurrency = 6;
    private const int PageSize = 10;
    private const int DeepPage = 1000;
    private const int Repetitions = 40;
    private const double Target = 3;

    /// <summary>Small spans, so that many fit on a disk.</summary>
    private const double Scale = 0.1;

    public static async Task RunAsync(int traces, string? only)
    {
        using var report = new Report("reads");
        report.Line($"{Small:N0} and {traces:N0} traces of {AgentTraces.SpansOfATrace} spans, {AgentTraces.PerDay:N0} a day: the larger one is of a server that has run for longer. Times in ms over HTTP, {Repetitions} of each after three that are not counted, another place of the data each time.");
        report.Line();
        report.Line($"| database | question | p50, {Small:N0} | p95 | p50, {traces:N0} | p95 | ratio p50 | p95 | target | |");
        report.Line($"|---|---|---|---|---|---|---|---|---|---|");
        if (only is null or "sqlite")
        {
            var (small, large) = (Directory.CreateTempSubdirectory("mlflow-benchmark-"), Directory.CreateTempSubdirectory("mlflow-benchmark-"));
            await CompareAsync(report, "SQLite", "sqlite:///" + Path.Combine(small.FullName, "mlflow.db"), small.FullName, "sqlite:///" + Path.Combine(large.FullName, "mlflow.db"), large.FullName, traces);
            small.Delete(recursive: true);
            large.Delete(recursive: true);
        }

        if (only is null or "postgres")
        {
            await using var postgres = await PostgresProcess.StartAsync();
            var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
            await CompareAsync(report, "PostgreSQL", await postgres.CreateDatabaseAsync(), folder.FullName, await postgres.CreateDatabaseAsync(), folder.FullName, traces);
            folder.Delete(recursive: true);
        }
    }

    private static async Task CompareAsync(Report report, string database, string smallUri, string smallFolder, string largeUri, string largeFolder, int traces)
    {
        var small = await AskAsync(report, database, smallUri, smallFolder, Small);
        var large = await AskAsync(report, database, largeUri, largeFolder, traces);
        foreach (var (question, times) in small)
        {
            var (p50, p95) = (large[question].Quantile(0.5) / times.Quantile(0.5), large[question].Quantile(0.95) / times.Quantile(0.95));
            report.Line($"| {database} | {question} | {times.Quantile(0.5):0.0} | {times.Quantile(0.95):0.0} | {large[question].Quantile(0.5):0.0} | {large[question].Quantile(0.95):0.0} | {p50:0.0} | {p95:0.0} | ≤ {Target:0} | {(Math.Max(p50, p95) <= Target ? "PASS" : "MISS")} |");
        }
    }

    private static async Task<Dictionary<string, Times>> AskAsync(Report report, string database, string uri, string folder, int traces)
    {
        await using var server = await ServerProcess.StartAsync(uri, folder, "--search-timeout", "600");
        var started = Stopwatch.GetTimestamp();
        await LoadAsync(server, traces);
        await server.WaitForQueuesAsync();
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{database}: {traces:N0} traces loaded in {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s"));
        var random = new Random(3);
        var deep = await TokenOfAsync(server, DeepPage);
        var times = new Dictionary<string, Times>();
        var (lastMs, dayMs) = (AgentTraces.StartMs(traces - 1), 86_400_000L);
        await MeasureAsync("newest page", () => SearchAsync(server, null));
        await MeasureAsync("by a tag that every tenth trace has", () => SearchAsync(server, "tag.tier = 'gold'"));
        await MeasureAsync($"by a tag that {AgentTraces.TracesOfACustomer} traces have", () => SearchAsync(server, $"tag.customer = 'c-{random.Next(traces / AgentTraces.TracesOfACustomer / 2)}'"));
        await MeasureAsync($"by metadata that {AgentTraces.TracesOfAnAudit / AgentTraces.AuditedEvery} traces have", () => SearchAsync(server, $"metadata.audit = '{AgentTraces.Audit(random.Next(traces))}'"));
        await MeasureAsync($"by feedback that {AgentTraces.TracesOfAnAudit / AgentTraces.AuditedEvery} traces have", () => SearchAsync(server, $"feedback.audited = '{AgentTraces.Audit(random.Next(traces))}'"));
        await MeasureAsync($"by a span that {AgentTraces.TracesOfAnAudit / AgentTraces.AuditedEvery} traces have", () => SearchAsync(server, $"span.name = 'retrieve {AgentTraces.Audit(random.Next(traces))}'"));
        await MeasureAsync("by status", () => SearchAsync(server, "status = 'ERROR'"));
        await MeasureAsync("by an attribute of a span", () => SearchAsync(server, $"span.attributes.`retry.count` = '{random.Next(97)}'"));
        await MeasureAsync("by a text that one of a thousand has, within a day", () => SearchAsync(server, $"trace.text LIKE '%{AgentTraces.RareWord}%' AND timestamp_ms > {lastMs - dayMs}"));
        await MeasureAsync($"page {DeepPage:N0}", () => SearchAsync(server, null, deep));
        await MeasureAsync("a trace by its id", async () =>
        {
            using var answer = await server.Http.GetAsync(new Uri("api/3.0/mlflow/traces/get?trace_id=" + AgentTraces.TraceId(17, random.Next(traces)), UriKind.Relative));
            answer.EnsureSuccessStatusCode();
            await answer.Content.ReadAsByteArrayAsync();
        });
        await MeasureAsync("the charts of a day", async () =>
        {
            var end = lastMs - (random.NextInt64(Math.Max(1, (traces / AgentTraces.PerDay) - 1)) * dayMs);
            foreach (var (view, metric, aggregations) in Charts)
            {
                await PostAsync(server, "3.0/mlflow/traces/metrics", new
                {
                    experiment_ids = new[] { "0" },
                    view_type = view,
                    metric_name = metric,
                    aggregations,
                    time_interval_seconds = 3600,
                    start_time_ms = end - dayMs,
                    end_time_ms = end,
                });
            }
        });
        return times;

        async Task MeasureAsync(string question, Func<Task> ask)
        {
            var measured = new Times();
            for (var i = -3; i < Repetitions; i++)
            {
                var asked = Stopwatch.GetTimestamp();
                await ask();
                if (i >= 0)
                {
                    measured.Add(Stopwatch.GetElapsedTime(asked));
                }

                // A question that takes seconds is not asked for an hour.
                if (i >= 5 && Stopwatch.GetElapsedTime(asked).TotalSeconds > 5)
                {
                    break;
                }
            }

            times.Add(question, measured);
        }
    }

    private static readonly (string View, string Metric, object[] Aggregations)[] Charts =
    [
        ("TRACES", "trace_count", [new { aggregation_type = "COUNT" }]),
        ("TRACES", "latency", [new { aggregation_type = "AVG" }, new { aggregation_type = "PERCENTILE", percentile_value = 95.0 }]),
        ("TRACES", "total_tokens", [new { aggregation_type = "SUM" }]),
    ];

    /// <summary>Stores small traces.</summary>
    public static async Task LoadAsync(ServerProcess server, int traces)
    {
        using var generators = new ThreadLocal<AgentTraces>(() => new AgentTraces(Scale));
        await Parallel.ForEachAsync(
            Enumerable.Range(0, (traces + TracesOfARequest - 1) / TracesOfARequest),
            new ParallelOptions { MaxDegreeOfParallelism = Concurrency },
            async (request, _) =>
            {
                var first = request * TracesOfARequest;
                var body = generators.Value!.Request(first, Math.Min(TracesOfARequest, traces - first));
                await server.ExportAsync(body);
            });
    }

    private static async Task<string?> TokenOfAsync(ServerProcess server, int page)
    {
        string? token = null;
        for (var i = 1; i < page; i++)
        {
            token = (await SearchAsync(server, null, token))["next_page_token"]?.GetValue<string>() ?? throw new InvalidOperationException($"There is no page after {i}.");
        }

        return token;
    }

    private static async Task<JsonNode> SearchAsync(ServerProcess server, string? filter, string? token = null)
    {
        var found = await PostAsync(server, "3.0/mlflow/traces/search", new
        {
            locations = new[] { new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = "0" } } },
            filter,
            max_results = PageSize,
            page_token = token,
        });
        return found;
    }

    private static async Task<JsonNode> PostAsync(ServerProcess server, string path, object body)
    {
        using var answer = await server.Http.PostAsJsonAsync(new Uri("api/" + path, UriKind.Relative), body);
        var text = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? JsonNode.Parse(text)! : throw new InvalidOperationException($"{path} answered {(int)answer.StatusCode}: {text}");
    }
}
