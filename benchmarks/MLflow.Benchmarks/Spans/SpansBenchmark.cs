using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MLflow.Benchmarks.Calls;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;

namespace MLflow.Benchmarks.Spans;

/// <summary>
/// What a traced function costs that does nothing: with <c>[Trace]</c>, and with an <c>Activity</c> around it that OpenTelemetry's batch exporter sends. The two
/// take turns, round by round. Then how long the calling thread takes at most while no server can be reached.
/// </summary>
internal static class SpansBenchmark
{
    private const string Source = "benchmark.spans";
    private const int WarmUps = 3;
    private const int Rounds = 40;

    // Below the 512 spans at which OpenTelemetry's exporter would send within the round.
    private const int Calls = 500;
    private const int AwayCalls = 20_000;
    private static readonly ActivitySource Activities = new(Source);
    private static int _sum;

    public static void Run()
    {
        // A thread of its own: nothing else is ever counted to it.
        var thread = new Thread(Measure);
        thread.Start();
        thread.Join();
    }

    private static void Measure()
    {
        var spool = Directory.CreateTempSubdirectory("mlflow-spans-").FullName;
        Environment.SetEnvironmentVariable("MLFLOW_SPOOL_DIRECTORY", spool);
        using var collector = CompanionProcess.Start("collector");
        using var provider = Sdk.CreateTracerProviderBuilder().AddSource(Source).AddOtlpExporter(o =>
        {
            o.Endpoint = new Uri(collector.Address + "/v1/traces");
            o.Protocol = OtlpExportProtocol.HttpProtobuf;
        }).Build();
        Mlflow.SetTrackingUri(collector.Address);
        Console.WriteLine($"An empty traced function, median of {Rounds} rounds and the middle half of them. Time is CPU time.");
        Console.WriteLine();
        Console.WriteLine("| | [Trace] | Activity + OpenTelemetry | ratio | target | |");
        Console.WriteLine("|---|---|---|---|---|---|");
        Compare("a trace of its own", () => Traced(), () => WithActivity(), provider);
        using (Mlflow.StartSpan("around"))
        using (Activities.StartActivity("around"))
        {
            Compare("within a trace", () => Traced(), () => WithActivity(), provider);
        }

        var flushed = Mlflow.FlushAsync().GetAwaiter().GetResult();
        Console.WriteLine();
        Console.WriteLine($"[Trace]: {flushed.Exported} traces exported, {flushed.Dropped} dropped.");
        MeasureAway();

        // Runs after what the SDK does at the end of a process, because it was registered later.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(spool, recursive: true);
    }

    private static void Compare(string what, Action ours, Action theirs, TracerProvider provider)
    {
        var costs = (Ours: new List<Cost>(), Theirs: new List<Cost>());
        for (var round = 0; round < WarmUps + Rounds; round++)
        {
            var first = Cost.Of(Calls, ours, () => Mlflow.FlushAsync().GetAwaiter().GetResult());
            var second = Cost.Of(Calls, theirs, () => provider.ForceFlush());
            if (round >= WarmUps)
            {
                costs.Ours.Add(first);
                costs.Theirs.Add(second);
            }
        }

        Row("calling thread, µs", cost => cost.ThreadNs, figure => figure.Microseconds(), 1.5);
        Row("calling thread, bytes", cost => cost.ThreadBytes, figure => figure.Bytes(), null);
        Row("process, µs", cost => cost.ProcessNs, figure => figure.Microseconds(), null);

        void Row(string name, Func<Cost, double> of, Func<Figure, string> text, double? target)
        {
            var (ourFigure, theirFigure) = (Figure.Of(costs.Ours.Select(of)), Figure.Of(costs.Theirs.Select(of)));
            var ratio = ourFigure.Median / theirFigure.Median;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {what}: {name} | {text(ourFigure)} | {text(theirFigure)} | {ratio:0.00} | {(target is { } most ? $"≤ {most:0.0}" : "")} | {(target is null ? "" : ratio <= target ? "PASS" : "MISS")} |"));
        }
    }

    /// <summary>The wall clock of single calls: what waits for a network, a disk or a lock shows in the highest.</summary>
    private static void MeasureAway()
    {
        Mlflow.SetTrackingUri($"http://127.0.0.1:{FreePort()}");
        var times = new double[AwayCalls];
        for (var i = 0; i < AwayCalls; i++)
        {
            var start = Stopwatch.GetTimestamp();
            Traced();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            if (i % 10 == 9)
            {
                Thread.Sleep(1);
            }
        }

        Array.Sort(times);
        var p99 = times[AwayCalls * 99 / 100];
        Console.WriteLine();
        Console.WriteLine("| server unreachable, one call | µs | target | |");
        Console.WriteLine("|---|---|---|---|");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| median | {times[AwayCalls / 2]:0.0} | | |"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| 99 % are faster than | {p99:0.0} | < 200 | {(p99 < 200 ? "PASS" : "MISS")} |"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| slowest | {times[^1]:0.0} | | |"));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    [Trace]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Traced() => _sum++;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WithActivity()
    {
        using var activity = Activities.StartActivity(nameof(WithActivity));
        _sum++;
    }
}
