using System.Diagnostics;
using System.Globalization;

namespace MLflow.Benchmarks.Long;

/// <summary>Traces millions of functions on several threads and shows the memory of the process meanwhile. Fails where a trace is lost or memory grows.</summary>
internal static class SoakRun
{
    private const int Threads = 4;
    private const int SpansOfATrace = 5;
    private const int Reports = 10;

    public static async Task<int> RunAsync(long spans)
    {
        Environment.SetEnvironmentVariable("MLFLOW_SPOOL_DIRECTORY", "none");
        using var collector = CompanionProcess.Start("collector");
        Mlflow.SetTrackingUri(collector.Address);
        var traces = spans / SpansOfATrace / Threads / Reports;
        Console.WriteLine($"{spans:N0} spans, {SpansOfATrace} a trace with 1 KB of inputs at its root, on {Threads} threads.");
        Console.WriteLine();
        Console.WriteLine("| spans | traces exported | dropped | heap after a collection, MB | process, MB | threads |");
        Console.WriteLine("|---|---|---|---|---|---|");
        var heaps = new List<double>();
        FlushResult result = null!;
        for (var report = 1; report <= Reports; report++)
        {
            await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(() => TraceAsync(traces))));
            result = await Mlflow.FlushAsync();
            var heap = GC.GetTotalMemory(forceFullCollection: true) / 1e6;
            heaps.Add(heap);
            using var process = Process.GetCurrentProcess();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {report * traces * Threads * SpansOfATrace:N0} | {result.Exported:N0} | {result.Dropped:N0} | {heap:0.0} | {process.WorkingSet64 / 1e6:0} | {process.Threads.Count} |"));
        }

        // The first figures are those of a process that is still loading code.
        var isFlat = heaps[^1] < heaps[2] + 5;
        var isWhole = result.Dropped == 0 && result.Pending == 0 && result.Exported == traces * Threads * Reports;
        Console.WriteLine();
        Console.WriteLine($"{(isWhole ? "No trace was lost" : "TRACES WERE LOST")}, {(isFlat ? "memory is flat" : "MEMORY GREW")}.");
        return isFlat && isWhole ? 0 : 1;
    }

    private static async Task TraceAsync(long traces)
    {
        var text = new string('x', 1000);
        for (var i = 0L; i < traces; i++)
        {
            using (var root = Mlflow.StartSpan("root", SpanType.Chain))
            {
                root.SetInputs(text);
                for (var j = 1; j < SpansOfATrace; j++)
                {
                    using var step = Mlflow.StartSpan("step", SpanType.Tool);
                    step.SetOutputs(j);
                }
            }

            // Faster than any program: the exporter is given time before its queue is full.
            if (i % 500 == 499)
            {
                await Mlflow.FlushAsync();
            }
        }
    }
}
