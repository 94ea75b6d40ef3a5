using System.Globalization;

namespace MLflow.Benchmarks.Server;

/// <summary>What the server holds: when it has rested for a minute, under load, and when more is sent than it can store. And how soon it answers after its start.</summary>
internal static class MemoryPart
{
    private const int Starts = 7;
    private const int Requests = 1500;
    private const int Overload = 64;
    private const int OverloadSeconds = 20;
    private const int TracesOfARequest = 200;
    private const double IdleTargetMb = 150;
    private const double StartTargetMs = 1000;

    /// <summary>Small, so that it is reached.</summary>
    private const int MaxBytesInWork = 64 << 20;

    public static async Task RunAsync()
    {
        using var report = new Report("memory");
        var folder = Directory.CreateTempSubdirectory("mlflow-benchmark-");
        var uri = "sqlite:///" + Path.Combine(folder.FullName, "mlflow.db");
        var starts = new Times();
        for (var i = 0; i < Starts; i++)
        {
            await using var started = await ServerProcess.StartAsync(uri, folder.FullName);
            starts.Add(started.ColdStart);
        }

        report.Line($"| | | target | |");
        report.Line($"|---|---|---|---|");
        Say("start to first answer, median, ms", starts.Quantile(0.5), StartTargetMs);
        await using (var server = await ServerProcess.StartAsync(uri, folder.FullName))
        {
            await Task.Delay(TimeSpan.FromMinutes(1));
            Say("resident after a minute without work, MB", server.ResidentMb, IdleTargetMb);
            var traces = new AgentTraces();
            for (var i = 0; i < Requests; i += 8)
            {
                await Task.WhenAll(Enumerable.Range(i, 8).Select(request => traces.Request(request * 10, 10)).ToList().Select(server.ExportAsync));
            }

            Say($"most while {Requests * 50:N0} spans came, 8 requests at once, MB", server.PeakMb, null);
            await Task.Delay(TimeSpan.FromMinutes(1));
            Say("resident a minute after them, MB", server.ResidentMb, null);
        }

        await using (var server = await ServerProcess.StartAsync(uri, folder.FullName, "--max-bytes-in-work", MaxBytesInWork.ToString(CultureInfo.InvariantCulture)))
        {
            var bodies = Enumerable.Range(0, 8).Select(i => new AgentTraces(seed: 1000 + i).Request(0, TracesOfARequest)).ToList();
            var (stored, refused, other) = (0, 0, 0);
            var withoutRetry = 0;
            using var over = new CancellationTokenSource(TimeSpan.FromSeconds(OverloadSeconds));
            await Task.WhenAll(Enumerable.Range(0, Overload).Select(client => Task.Run(async () =>
            {
                while (!over.IsCancellationRequested)
                {
                    using var answer = await server.PostOtlpAsync(bodies[client % bodies.Count]);
                    switch ((int)answer.StatusCode)
                    {
                        case 200:
                            Interlocked.Increment(ref stored);
                            break;
                        case 503:
                            Interlocked.Increment(ref refused);
                            withoutRetry += answer.Headers.RetryAfter is null ? 1 : 0;
                            await Task.Delay(50);
                            break;
                        default:
                            Interlocked.Increment(ref other);
                            break;
                    }
                }
            })));
            report.Line($"| {Overload} clients with requests of {bodies[0].Length / 1e6:0.0} MB at once, {MaxBytesInWork >> 20} MiB in work: stored | {stored} | | |");
            report.Line($"| … answered 503 with Retry-After | {refused - withoutRetry} | | |");
            report.Line($"| … answered otherwise | {other + withoutRetry} | 0 | {(other + withoutRetry == 0 ? "PASS" : "MISS")} |");
            Say("… most resident, MB", server.PeakMb, null);
            report.Line($"| … the server still runs | {(server.HasExited ? "no" : "yes")} | yes | {(server.HasExited ? "MISS" : "PASS")} |");
        }

        folder.Delete(recursive: true);

        void Say(string what, double value, double? target) =>
            report.Line($"| {what} | {value:N0} | {(target is { } t ? string.Create(CultureInfo.InvariantCulture, $"< {t:N0}") : "")} | {(target is null ? "" : value < target ? "PASS" : "MISS")} |");
    }
}
