using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using MLflow.Server;

namespace MLflow.Benchmarks.Ingest;

/// <summary>Spans a second that the server stores from OTLP over loopback HTTP, beside bare SQLite inserts of the same rows, in one run.</summary>
internal static class IngestBenchmark
{
    private const int Rounds = 5;

    public static async Task RunAsync()
    {
        Console.WriteLine("traces/request  concurrency  server spans/s  bare spans/s  ratio   (medians of {0} rounds, 5-span traces, 2 x 1 KB a span)", Rounds);
        foreach (var (traces, perRequest, concurrency) in new[] { (400, 1, 1), (1000, 1, 8), (2000, 10, 1), (2000, 10, 8), (4000, 100, 1), (4000, 100, 8) })
        {
            var server = new double[Rounds];
            var bare = new double[Rounds];
            for (var round = 0; round < Rounds; round++)
            {
                (server[round], bare[round]) = await RoundAsync(traces, perRequest, concurrency);
            }

            var (serverMedian, bareMedian) = (Median(server), Median(bare));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{perRequest,14}  {concurrency,11}  {serverMedian,14:N0}  {bareMedian,12:N0}  {serverMedian / bareMedian,5:P0}"));
        }
    }

    private static async Task<(double Server, double Bare)> RoundAsync(int traces, int perRequest, int concurrency)
    {
        var folder = Directory.CreateTempSubdirectory("mlflow-ingest-");
        try
        {
            var database = Path.Combine(folder.FullName, "server.db");
            var bodies = OtlpBodies.Make(traces, perRequest);
            double server;
            await using (var host = await MlflowServer.StartAsync(new MlflowServerOptions
            {
                Port = 0,
                BackendStoreUri = "sqlite:///" + database,
                ArtifactsDestination = Path.Combine(folder.FullName, "artifacts"),
            }))
            {
                using var client = new HttpClient { BaseAddress = host.BaseAddress };
                await PostAsync(client, OtlpBodies.Make(perRequest, perRequest)[0]);
                var started = Stopwatch.GetTimestamp();
                await Parallel.ForEachAsync(
                    bodies,
                    new ParallelOptions { MaxDegreeOfParallelism = concurrency },
                    async (body, _) => await PostAsync(client, body));
                server = traces * OtlpBodies.SpansPerTrace / Stopwatch.GetElapsedTime(started).TotalSeconds;
            }

            var bare = BareInserts.Run(database, Path.Combine(folder.FullName, "bare.db"), perRequest);
            return (server, (traces + perRequest) * OtlpBodies.SpansPerTrace / bare.TotalSeconds);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task PostAsync(HttpClient client, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = content };
        request.Headers.Add("x-mlflow-experiment-id", "0");
        using var response = await client.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
