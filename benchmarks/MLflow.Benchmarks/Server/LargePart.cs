using System.Diagnostics;

namespace MLflow.Benchmarks.Server;

/// <summary>One trace of very many spans: how long it takes to come, to be opened, and to show one span's payload.</summary>
internal static class LargePart
{
    private const int Spans = 50_000;
    private const int SpansOfARequest = 2500;
    private const int Repetitions = 5;

    public static async Task RunAsync()
    {
        using var report = new Report("large");
        report.Line($"One trace of {Spans:N0} spans, which came {SpansOfARequest:N0} a request. Medians of {Repetitions}, after one.");
        report.Line();
        report.Line($"| database | stored in, s | its info, ms | all spans as JSON, ms | of MB | its page, ms | of MB |");
        report.Line($"|---|---|---|---|---|---|---|");
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
        await MeasureAsync("SQLite", "sqlite:///" + Path.Combine(folder.FullName, "mlflow.db"));
        await using (var postgres = await PostgresProcess.StartAsync())
        {
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
            var info = await TimeAsync(server, "api/3.0/mlflow/traces/" + id);
            var all = await TimeAsync(server, "api/3.0/mlflow/traces/get?trace_id=" + id);
            var page = await TimeAsync(server, "traces/" + id);
            report.Line($"| {database} | {stored.TotalSeconds:0.0} | {info.Ms:0} | {all.Ms:0} | {all.Bytes / 1e6:0.0} | {page.Ms:0} | {page.Bytes / 1e6:0.0} |");
        }
    }

    private static async Task<(double Ms, long Bytes)> TimeAsync(ServerProcess server, string path)
    {
        var times = new Times();
        var bytes = 0L;
        for (var i = -1; i < Repetitions; i++)
        {
            var started = Stopwatch.GetTimestamp();
            using var answer = await server.Http.GetAsync(new Uri(path, UriKind.Relative));
            bytes = (await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync()).Length;
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(started));
            }
        }

        return (times.Quantile(0.5), bytes);
    }
}
