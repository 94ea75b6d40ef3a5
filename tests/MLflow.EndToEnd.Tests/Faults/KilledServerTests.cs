using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using MLflow.EndToEnd.Tests.Cli;
using MLflow.Tests;
using Xunit;

namespace MLflow.EndToEnd.Tests.Faults;

public sealed class KilledServerTests
{
    private const int Clients = 4;
    private const int ValueBytes = 10_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_KilledWhileSeveralClientsExport_EveryTraceIsStoredOnce()
    {
        using var folder = new TemporaryFolder();
        using var spools = new TemporaryFolder();
        var port = FreePort.Next();
        var made = new ConcurrentDictionary<string, string>();
        var clients = Enumerable.Range(0, Clients).Select(i => new MlflowClient(new MlflowClientOptions
        {
            TrackingUri = "http://127.0.0.1:" + port,
            Experiment = "killed",
            SpoolDirectory = Path.Combine(spools.Path, i.ToString(CultureInfo.InvariantCulture)),
            LoggerFactory = NullLoggerFactory.Instance,
        })).ToList();
        using var killed = new CancellationTokenSource();
        List<Task> exporting;
        await using (var server = Start(folder, port))
        {
            await server.ServerAsync(Token);
            exporting = [.. clients.Select(client => Task.Run(() => ExportAsync(client, made, killed.Token), Token))];

            // Each has been answered at least once, and goes on.
            foreach (var client in clients)
            {
                while ((await client.FlushAsync(Token)).Exported == 0)
                {
                }
            }

            await server.KillAsync(Token);
        }

        await killed.CancelAsync();
        await Task.WhenAll(exporting);
        await using var again = Start(folder, port);
        using var api = new TrackingApi(await again.ServerAsync(Token));
        var results = new List<FlushResult>();
        foreach (var client in clients)
        {
            FlushResult result;
            do
            {
                result = await client.FlushAsync(Token);
            }
            while (result.Pending + result.Spooled > 0);

            results.Add(result);
            await client.DisposeAsync();
        }

        Assert.Equal((made.Count, 0), (results.Sum(result => result.Exported), results.Sum(result => result.Dropped)));
        foreach (var (traceId, value) in made)
        {
            var spans = await api.SpansAsync(traceId, Token);
            Assert.Equal(["root", "step"], spans.Select(span => span!["name"]!.GetValue<string>()));
            Assert.Equal(value, TrackingApi.Attribute(spans[1]!, "mlflow.spanInputs"));
        }
    }

    /// <summary>Traces and flushes until the server is gone, and a little longer.</summary>
    private static async Task ExportAsync(MlflowClient client, ConcurrentDictionary<string, string> made, CancellationToken killed)
    {
        for (var after = 0; after < 5; after += killed.IsCancellationRequested ? 1 : 0)
        {
            using (var root = client.StartSpan("root"))
            {
                var value = Convert.ToHexString(RandomNumberGenerator.GetBytes(ValueBytes));
                made.TryAdd(root.TraceId, value);
                using var step = client.StartSpan("step");
                step.SetInputs(value);
            }

            await client.FlushAsync(Token);
        }
    }

    private static CliProcess Start(TemporaryFolder folder, int port) => CliProcess.Mlflow(
        folder.Path,
        ["server", "--port", port.ToString(CultureInfo.InvariantCulture), "--backend-store-uri", folder.StoreUri],
        ("MLFLOW_SPOOL_DIRECTORY", "none"));
}
