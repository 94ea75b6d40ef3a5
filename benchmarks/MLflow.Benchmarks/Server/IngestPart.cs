using System.Diagnostics;
using System.Globalization;
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

    /// <summary>A round is so many times <see cref="Requests"/>, so that the seconds for which a trace has to be left alone before it is indexed weigh little.</summary>
    private const int Batches = 8;
    private const double Target = 0.5;

    /// <summary>Sends for forty seconds, for a profiler to look at the server meanwhile, and says what each round took of the processors.</summary>
    /// <param name="database"><c>postgres</c>, or SQLite.</param>
    public static async Task RunSteadyAsync(string? database)
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
        await using (var postgres = database == "postgres" ? await PostgresProcess.StartAsync() : null)
        await using (var server = await ServerProcess.StartAsync(postgres is null ? "sqlite:///" + Path.Combine(folder.FullName, "server.db") : await postgres.CreateDatabaseAsync(), folder.FullName))
        {
            var started = Stopwatch.GetTimestamp();
            var traces = new AgentTraces();
            const int Spans = Requests * TracesOfARequest * AgentTraces.SpansOfATrace;
            for (var first = 0; Stopwatch.GetElapsedTime(started).TotalSeconds < 40; first += Requests)
            {
                var bodies = Enumerable.Range(first, Requests).Select(i => traces.Request(i * TracesOfARequest, TracesOfARequest)).ToList();
                var times = new Times();
                var (sent, cpu, ofClient, ofPostgres) = (Stopwatch.GetTimestamp(), server.Cpu, Environment.CpuUsage.TotalTime, postgres?.Cpu ?? default);
                await SendAsync(server, bodies, times);
                Console.WriteLine($"{Spans / Stopwatch.GetElapsedTime(sent).TotalSeconds:N0} spans/s, p99 {times.Quantile(0.99):0.0} ms; µs of a processor for a span: server {OfASpan(server.Cpu - cpu)}, client {OfASpan(Environment.CpuUsage.TotalTime - ofClient)}, PostgreSQL {OfASpan((postgres?.Cpu ?? default) - ofPostgres)}");
            }

            static string OfASpan(TimeSpan time) => (time.TotalMicroseconds / Spans).ToString("0", CultureInfo.InvariantCulture);
        }

        folder.Delete(recursive: true);
    }

    /// <param name="rounds">How often.</param>
    /// <param name="only"><c>sqlite</c> or <c>postgres</c>; null for both.</param>
    public static async Task RunAsync(int rounds, string? only)
    {
        using var report = new Report(only is null ? "ingest" : $"ingest-{only}");
        var traces = new AgentTraces();
        var warmUp = Enumerable.Range(0, WarmUp).Select(i => traces.Request(i * TracesOfARequest, TracesOfARequest)).ToList();
        var bodies = Enumerable.Range(WarmUp, Requests * Batches).Select(i => traces.Request(i * TracesOfARequest, TracesOfARequest)).ToList();
        var spans = bodies.Count * TracesOfARequest * AgentTraces.SpansOfATrace;
        report.Line($"{spans:N0} spans of {bodies.Average(body => (double)body.Length) / TracesOfARequest / AgentTraces.SpansOfATrace:N0} bytes of OTLP on average, {AgentTraces.SpansOfATrace} a trace, {TracesOfARequest} traces a request, {Concurrency} requests at once, over loopback HTTP. The bare inserts are the server's rows, in transactions of {BareSqlite.TracesOfATransaction} traces. Spans a second are counted until all is answered, and until all is in the text index too, for which a trace has to be left alone for 3 seconds.");
        report.Line();
        report.Line($"| database | round | answered, spans/s | p50, ms | p99, ms | indexed too, spans/s | server, µs of a processor for a span | database, µs | bare, spans/s | ratio, answered | ratio | bare COPY, spans/s |");
        report.Line($"|---|---|---|---|---|---|---|---|---|---|---|---|");
        if (only is null or "sqlite")
        {
            var ratios = new List<double>();
            for (var round = 1; round <= rounds; round++)
            {
                var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
                try
                {
                    var database = Path.Combine(folder.FullName, "server.db");
                    var served = await ServeAsync("sqlite:///" + database, folder.FullName, null);
                    Say(ratios, "SQLite", round, served, Rate(BareSqlite.Run(database, Path.Combine(folder.FullName, "bare.db"))), null);
                }
                finally
                {
                    folder.Delete(recursive: true);
                }
            }

            Judge("SQLite", ratios);
        }

        if (only is null or "postgres")
        {
            var ratios = new List<double>();
            await using var postgres = await PostgresProcess.StartAsync();
            var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
            var empty = await postgres.CreateDatabaseAsync();
            await using (await ServerProcess.StartAsync(empty, folder.FullName))
            {
            }

            await using var target = await postgres.ConnectAsync(empty);
            for (var round = 1; round <= rounds; round++)
            {
                var uri = await postgres.CreateDatabaseAsync();
                var served = await ServeAsync(uri, folder.FullName, postgres);
                await using var source = await postgres.ConnectAsync(uri);
                var insert = Rate(await BarePostgres.RunAsync(source, target, isCopy: false));
                Say(ratios, "PostgreSQL", round, served, insert, Rate(await BarePostgres.RunAsync(source, target, isCopy: true)));
            }

            folder.Delete(recursive: true);
            Judge("PostgreSQL", ratios);
        }

        void Say(List<double> ratios, string database, int round, Served served, double bare, double? copy)
        {
            ratios.Add(served.Indexed / bare);
            report.Line($"| {database} | {round} | {served.Answered:N0} | {served.Answers.Quantile(0.5):0.0} | {served.Answers.Quantile(0.99):0.0} | {served.Indexed:N0} | {served.ServerCpu.TotalMicroseconds / spans:0} | {served.DatabaseCpu.TotalMicroseconds / spans:0} | {bare:N0} | {served.Answered / bare:0.00} | {served.Indexed / bare:0.00} | {copy:N0} |");
        }

        void Judge(string database, List<double> ratios)
        {
            var median = ratios.Order().ElementAt(ratios.Count / 2);
            report.Line();
            report.Line($"{database}: median ratio {median:0.00}, target ≥ {Target:0.0}: {(median >= Target ? "PASS" : "MISS")}");
        }

        double Rate(TimeSpan bare) => (spans + (WarmUp * TracesOfARequest * AgentTraces.SpansOfATrace)) / bare.TotalSeconds;

        async Task<Served> ServeAsync(string uri, string folder, PostgresProcess? postgres)
        {
            await using var server = await ServerProcess.StartAsync(uri, folder);
            await SendAsync(server, warmUp, new Times());
            await server.WaitForQueuesAsync();
            var times = new Times();
            var (started, cpu, ofDatabase) = (Stopwatch.GetTimestamp(), server.Cpu, postgres?.Cpu ?? default);
            await SendAsync(server, bodies, times);
            var answered = Stopwatch.GetElapsedTime(started);
            await server.WaitForQueuesAsync();
            return new Served(spans / answered.TotalSeconds, spans / Stopwatch.GetElapsedTime(started).TotalSeconds, times, server.Cpu - cpu, (postgres?.Cpu ?? default) - ofDatabase);
        }
    }

    private static Task SendAsync(ServerProcess server, List<byte[]> bodies, Times times) =>
        Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = Concurrency }, async (body, _) =>
        {
            var started = Stopwatch.GetTimestamp();
            await server.ExportAsync(body);
            times.Add(Stopwatch.GetElapsedTime(started));
        });

    /// <summary>What one round took: spans a second until all was answered, and until all was indexed too.</summary>
    private sealed record Served(double Answered, double Indexed, Times Answers, TimeSpan ServerCpu, TimeSpan DatabaseCpu);
}
