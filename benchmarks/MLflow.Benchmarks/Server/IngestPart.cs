using System.Diagnostics;
using MLflow.Benchmarks.Server.Bare;

namespace MLflow.Benchmarks.Server;

/// <summary>Spans a second that the server stores, until nothing waits to be indexed, beside bare inserts of the same rows, in one run.</summary>
internal static class IngestPart
{
    private const int TracesOfARequest = 10;
    private const int Requests = 600;

    /// <summary>Requests after which the server's code is compiled fully, as it is in one that has run for a while.</summary>
    private const int WarmUp = 1200;
    private const int Concurrency = 8;
    private const double Target = 0.5;

    /// <summary>Sends for forty seconds, for a profiler to look at the server meanwhile.</summary>
    public static async Task RunSteadyAsync()
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
        await using (var server = await ServerProcess.StartAsync("sqlite:///" + Path.Combine(folder.FullName, "server.db"), folder.FullName))
        {
            var started = Stopwatch.GetTimestamp();
            var traces = new AgentTraces();
            for (var first = 0; Stopwatch.GetElapsedTime(started).TotalSeconds < 40; first += Requests)
            {
                var bodies = Enumerable.Range(first, Requests).Select(i => traces.Request(i * TracesOfARequest, TracesOfARequest)).ToList();
                var times = new Times();
                var sent = Stopwatch.GetTimestamp();
                await SendAsync(server, bodies, times);
                Console.WriteLine($"{Requests * TracesOfARequest * AgentTraces.SpansOfATrace / Stopwatch.GetElapsedTime(sent).TotalSeconds:N0} spans/s, p99 {times.Quantile(0.99):0.0} ms");
            }
        }

        folder.Delete(recursive: true);
    }

    public static async Task RunAsync(int rounds)
    {
        using var report = new Report("ingest");
        var traces = new AgentTraces();
        var warmUp = Enumerable.Range(0, WarmUp).Select(i => traces.Request(i * TracesOfARequest, TracesOfARequest)).ToList();
        var bodies = Enumerable.Range(WarmUp, Requests).Select(i => traces.Request(i * TracesOfARequest, TracesOfARequest)).ToList();
        var spans = Requests * TracesOfARequest * AgentTraces.SpansOfATrace;
        report.Line($"{spans:N0} spans of {bodies.Average(body => (double)body.Length) / TracesOfARequest / AgentTraces.SpansOfATrace:N0} bytes of OTLP on average, {AgentTraces.SpansOfATrace} a trace, {TracesOfARequest} traces a request, {Concurrency} requests at once, over loopback HTTP. The bare inserts are the server's rows, in transactions of {BareSqlite.TracesOfATransaction} traces.");
        report.Line();
        report.Line($"| database | round | server, spans/s | answer p50, ms | p99, ms | bare, spans/s | ratio | bare COPY, spans/s |");
        report.Line($"|---|---|---|---|---|---|---|---|");
        var sqlite = new List<double>();
        for (var round = 1; round <= rounds; round++)
        {
            var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
            try
            {
                var database = Path.Combine(folder.FullName, "server.db");
                var (rate, times) = await ServeAsync("sqlite:///" + database, folder.FullName);
                var bare = Rate(BareSqlite.Run(database, Path.Combine(folder.FullName, "bare.db")));
                sqlite.Add(rate / bare);
                report.Line($"| SQLite | {round} | {rate:N0} | {times.Quantile(0.5):0.0} | {times.Quantile(0.99):0.0} | {bare:N0} | {rate / bare:0.00} | |");
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        var postgresRatios = new List<double>();
        await using (var postgres = await PostgresProcess.StartAsync())
        {
            var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
            var empty = await postgres.CreateDatabaseAsync();
            await using (await ServerProcess.StartAsync(empty, folder.FullName))
            {
            }

            await using var target = await postgres.ConnectAsync(empty);
            for (var round = 1; round <= rounds; round++)
            {
                var uri = await postgres.CreateDatabaseAsync();
                var (rate, times) = await ServeAsync(uri, folder.FullName);
                await using var source = await postgres.ConnectAsync(uri);
                var insert = Rate(await BarePostgres.RunAsync(source, target, isCopy: false));
                var copy = Rate(await BarePostgres.RunAsync(source, target, isCopy: true));
                postgresRatios.Add(rate / insert);
                report.Line($"| PostgreSQL | {round} | {rate:N0} | {times.Quantile(0.5):0.0} | {times.Quantile(0.99):0.0} | {insert:N0} | {rate / insert:0.00} | {copy:N0} |");
            }

            folder.Delete(recursive: true);
        }

        report.Line();
        Say("SQLite", sqlite);
        Say("PostgreSQL", postgresRatios);

        void Say(string database, List<double> ratios)
        {
            var median = ratios.Order().ElementAt(ratios.Count / 2);
            report.Line($"{database}: median ratio {median:0.00}, target ≥ {Target:0.0}: {(median >= Target ? "PASS" : "MISS")}");
        }

        double Rate(TimeSpan bare) => (spans + (WarmUp * TracesOfARequest * AgentTraces.SpansOfATrace)) / bare.TotalSeconds;

        async Task<(double Rate, Times Answers)> ServeAsync(string uri, string folder)
        {
            await using var server = await ServerProcess.StartAsync(uri, folder);
            await SendAsync(server, warmUp, new Times());
            await server.WaitForQueuesAsync();
            var times = new Times();
            var started = Stopwatch.GetTimestamp();
            await SendAsync(server, bodies, times);
            await server.WaitForQueuesAsync();
            return (spans / Stopwatch.GetElapsedTime(started).TotalSeconds, times);
        }
    }

    private static Task SendAsync(ServerProcess server, List<byte[]> bodies, Times times) =>
        Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = Concurrency }, async (body, _) =>
        {
            var started = Stopwatch.GetTimestamp();
            await server.ExportAsync(body);
            times.Add(Stopwatch.GetElapsedTime(started));
        });
}
