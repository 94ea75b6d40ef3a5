using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MLflow.Benchmarks.Server;

namespace MLflow.Benchmarks.Long;

/// <summary>
/// 64 clients write and 16 read, for as long as it is told. Writers send a fifth of their requests again. Every
/// answer has to be a success, every trace that is read whole or as far as it was sent, and in the end tokens and spans are what was sent, each once.
/// </summary>
internal static class ConcurrencyRun
{
    private const int Writers = 64;
    private const int Readers = 16;
    private const int TracesOfARequest = 2;
    private const int KnownTraces = 20;

    public static async Task<int> RunAsync(double minutes)
    {
        Console.WriteLine($"{Writers} writers and {Readers} readers for {minutes.ToString("0.#", CultureInfo.InvariantCulture)} minutes. Times are those that the clients saw.");
        Console.WriteLine();
        Console.WriteLine("| database | traces | requests sent again | reads | errors | write p50, ms | p99, ms | read p50, ms | p99, ms | server, MB | spans and tokens |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
        var isRight = await RunAsync("SQLite", null, minutes);
        await using (var postgres = await PostgresProcess.StartAsync("max_connections = 300"))
        {
            isRight &= await RunAsync("PostgreSQL", postgres, minutes);
        }

        Console.WriteLine();
        Console.WriteLine(isRight ? "No error, and everything is stored once." : "SOMETHING IS WRONG");
        return isRight ? 0 : 1;
    }

    private static async Task<bool> RunAsync(string database, PostgresProcess? postgres, double minutes)
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-concurrency-");
        var uri = postgres is null ? "sqlite:///" + Path.Combine(folder.FullName, "mlflow.db") : await postgres.CreateDatabaseAsync();
        const int Seed = 5;
        var server = await ServerProcess.StartAsync(uri, folder.FullName);
        var (nextTrace, again, errors) = (0, 0, 0);
        var firstError = "";
        var (writes, reads) = (new Times(), new Times());
        using var over = new CancellationTokenSource(TimeSpan.FromMinutes(minutes));

        // Each search finds something from the beginning.
        await server.ExportAsync(new AgentTraces(0.3, Seed).Request(Interlocked.Add(ref nextTrace, KnownTraces) - KnownTraces, KnownTraces));
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(writer))).Concat(Enumerable.Range(0, Readers).Select(reader => Task.Run(() => ReadAsync(reader)))));
        await server.WaitForQueuesAsync();

        var spans = await SumAsync("SPANS", "span_count", "COUNT");
        var tokens = await SumAsync("TRACES", "total_tokens", "SUM");
        var expectedTokens = Enumerable.Range(0, nextTrace).AsParallel().Sum(trace => (double)new AgentTraces(0.3, Seed).Tokens(trace));
        var peak = server.PeakMb;
        await server.DisposeAsync();
        var (stored, lost) = await StoredTotals.ReadAsync(uri, postgres);
        var isExact = stored.Count == nextTrace && lost == 0 && stored.Values.All(trace => trace.Said == AgentTraces.SpansOfATrace && trace.Spans == AgentTraces.SpansOfATrace)
            && spans == nextTrace * (double)AgentTraces.SpansOfATrace && tokens == expectedTokens;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {database} | {nextTrace:N0} | {again:N0} | {reads.Count:N0} | {errors} | {writes.Quantile(0.5):0} | {writes.Quantile(0.99):0} | {reads.Quantile(0.5):0} | {reads.Quantile(0.99):0} | {peak:0} | {(isExact ? "exact" : $"{spans:N0} spans and {tokens:N0} tokens of {nextTrace * 5:N0} and {expectedTokens:N0}; {lost} rows without a trace")} |"));
        if (errors > 0)
        {
            Console.Error.WriteLine(firstError);
        }

        folder.Delete(recursive: true);
        return errors == 0 && isExact;

        async Task WriteAsync(int writer)
        {
            var random = new Random(writer);
            var traces = new AgentTraces(0.3, Seed);
            while (!over.IsCancellationRequested)
            {
                var first = Interlocked.Add(ref nextTrace, TracesOfARequest) - TracesOfARequest;
                var body = traces.Request(first, TracesOfARequest);
                await ExportAsync(body);
                if (random.Next(5) == 0)
                {
                    Interlocked.Increment(ref again);
                    await ExportAsync(body);
                }
            }
        }

        async Task ExportAsync(byte[] body)
        {
            var started = Stopwatch.GetTimestamp();
            while (true)
            {
                try
                {
                    await server.ExportAsync(body);
                    writes.Add(Stopwatch.GetElapsedTime(started));
                    return;
                }
                catch (Exception e) when (e is HttpRequestException or InvalidOperationException or OperationCanceledException)
                {
                    Fail(e.Message);
                }
            }
        }

        async Task ReadAsync(int reader)
        {
            var random = new Random(1000 + reader);
            for (var i = reader; !over.IsCancellationRequested; i++)
            {
                var started = Stopwatch.GetTimestamp();
                try
                {
                    switch (i % 5)
                    {
                        case 0:
                            await SearchAsync(null);
                            break;
                        case 1:
                            await SearchAsync("tag.tier = 'gold' AND status = 'OK'");
                            break;
                        case 2:
                            await PostAsync("3.0/mlflow/traces/metrics", new { experiment_ids = new[] { "0" }, view_type = "TRACES", metric_name = "latency", aggregations = new[] { new { aggregation_type = "AVG" } } });
                            break;
                        case 3:
                            // The pages themselves.
                            (await server.Http.GetAsync(new Uri("experiments/0/traces", UriKind.Relative))).EnsureSuccessStatusCode().Dispose();
                            break;
                        default:
                            var some = random.Next(Volatile.Read(ref nextTrace));
                            using (var answer = await server.Http.GetAsync(new Uri("api/3.0/mlflow/traces/get?trace_id=" + AgentTraces.TraceId(Seed, some), UriKind.Relative)))
                            {
                                // It may still be on its way.
                                if (answer.IsSuccessStatusCode && JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["trace"]!["spans"]!.AsArray().Count is not AgentTraces.SpansOfATrace and var count)
                                {
                                    Fail($"A trace has {count} spans.");
                                }
                                else if ((int)answer.StatusCode >= 500)
                                {
                                    Fail($"GET answered {(int)answer.StatusCode}.");
                                }
                            }

                            break;
                    }

                    reads.Add(Stopwatch.GetElapsedTime(started));
                }
                catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                {
                    Fail(e.Message);
                }
            }
        }

        async Task SearchAsync(string? filter)
        {
            var found = await PostAsync("3.0/mlflow/traces/search", new { locations = new[] { new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = "0" } } }, filter, max_results = 50 });
            if (found["traces"] is null)
            {
                Fail("A search found nothing.");
            }
        }

        async Task<JsonNode> PostAsync(string path, object body)
        {
            using var answer = await server.Http.PostAsJsonAsync(new Uri("api/" + path, UriKind.Relative), body);
            return JsonNode.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!;
        }

        async Task<double> SumAsync(string view, string metric, string aggregation)
        {
            var answer = await PostAsync("3.0/mlflow/traces/metrics", new { experiment_ids = new[] { "0" }, view_type = view, metric_name = metric, aggregations = new[] { new { aggregation_type = aggregation } } });
            return answer["data_points"]!.AsArray().Sum(point => point!["values"]!.AsObject().Sum(value => value.Value!.GetValue<double>()));
        }

        void Fail(string message)
        {
            Interlocked.Increment(ref errors);
            Interlocked.CompareExchange(ref firstError, message, "");
        }
    }
}
