using System.Diagnostics;

namespace MLflow.Benchmarks.Server;

/// <summary>One trace of very many spans: how long it takes to come, to be opened, and to show one span's payload.</summary>
internal static class LargePart
{
    private const int Spans = 50_000;
    private const int SpansOfARequest = 2500;
    private const int Repetitions = 5;

    /// <param name="only">The one database that is measured, or null for both.</param>
    public static async Task RunAsync(string? only)
    {
        using var report = new Report("large");
        report.Line($"One trace of {Spans:N0} spans, which came {SpansOfARequest:N0} a request. Medians of {Repetitions}, after one.");
        report.Line();
        report.Line($"| database | stored in, s | | ms | of them the server's processors | MB |");
        report.Line($"|---|---|---|---|---|---|");
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
        if (only is null or "sqlite")
        {
            await MeasureAsync("SQLite", "sqlite:///" + Path.Combine(folder.FullName, "mlflow.db"));
        }

        if (only is null or "postgres")
        {
            await using var postgres = await PostgresProcess.StartAsync();
            await MeasureAsync("PostgreSQL", await postgres.CreateDatabaseAsync());
        }

        folder.Delete(recursive: true);

        async Task MeasureAsync(string database, string uri)
        {
            await using var server = await ServerProcess.StartAsync(uri, folder.FullName);
            var traces = new AgentTraces(0.3);
            var bodies = Enumerable.Range(0, Spans / SpansOfARequest).Select(i => traces.Part(0, i * SpansOfARequest, SpansOfARequest, Spans)).ToList();
            var started = Stopwatch.GetTimestamp();
            foreach (var body in bodies)
            {
                await server.ExportAsync(body);
            }

            await server.WaitForQueuesAsync();
            var stored = Stopwatch.GetElapsedTime(started);
            var id = AgentTraces.TraceId(17, 0);
            foreach (var (what, path) in (IEnumerable<(string, string)>)[
                ("its info", "api/3.0/mlflow/traces/" + id),
                ("all spans as JSON", "api/3.0/mlflow/traces/get?trace_id=" + id),
                ("its page", "traces/" + id),
                ("its page, at a step in the middle", $"traces/{id}?span={traces.SpanIdOf(0, Spans / 2)}"),
            ])
            {
                var (ms, processorMs, bytes) = await TimeAsync(server, path);
                report.Line($"| {database} | {stored.TotalSeconds:0.0} | {what} | {ms:0} | {processorMs:0} | {bytes / 1e6:0.00} |");
            }
        }
    }

    private static async Task<(double Ms, double ProcessorMs, long Bytes)> TimeAsync(ServerProcess server, string path)
    {
        var (times, processor) = (new Times(), new Times());
        var bytes = 0L;
        for (var i = -1; i < Repetitions; i++)
        {
            var (started, used) = (Stopwatch.GetTimestamp(), server.Cpu);
            using var answer = await server.Http.GetAsync(new Uri(path, UriKind.Relative));
            var body = await answer.Content.ReadAsByteArrayAsync();
            bytes = answer.IsSuccessStatusCode ? body.Length : throw new InvalidOperationException($"{path} answered {(int)answer.StatusCode}: {System.Text.Encoding.UTF8.GetString(body)}");
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(started));
                processor.Add(server.Cpu - used);
            }
        }

        return (times.Quantile(0.5), processor.Quantile(0.5), bytes);
    }
}
