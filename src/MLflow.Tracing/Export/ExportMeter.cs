using System.Diagnostics.Metrics;

namespace MLflow;

/// <summary>
/// The meter <c>MLflow.Tracing</c>: what became of the traces of all clients of this process. Nothing is counted for it; it reads the counters that are
/// there when somebody collects.
/// </summary>
internal static class ExportMeter
{
    public const string Name = "MLflow.Tracing";

    private static readonly Lock Gate = new();

    /// <summary>A plug-in with a copy of ours has another of the same name.</summary>
    public static Meter Instance { get; } = new(Name, SdkInfo.Version);

    // Bounded: clients that are not closed.
    private static readonly HashSet<TraceExporter> Exporters = [];
    private static readonly Dictionary<string, long> ClosedDrops = [];
    private static long _closedExported;
    private static long _closedRecovered;

    static ExportMeter()
    {
        var meter = Instance;
        meter.CreateObservableCounter("mlflow.traces.exported", Exported, "{trace}", "Traces that a server has acknowledged.");
        meter.CreateObservableCounter("mlflow.traces.recovered", Recovered, "{trace}", "Traces of earlier processes that were sent from the disk.");
        meter.CreateObservableCounter("mlflow.traces.dropped", Dropped, "{trace}", "Traces that were given up, in whole or in part, by reason.");
        meter.CreateObservableUpDownCounter("mlflow.traces.pending", () => Sum(e => e.Counts.Pending), "{trace}", "Traces that run or wait in memory.");
        meter.CreateObservableUpDownCounter("mlflow.traces.spooled", () => Sum(e => e.Counts.Spooled), "{trace}", "Traces that wait on the disk.");
        meter.CreateObservableUpDownCounter("mlflow.export.queue.size", () => Sum(e => e.QueuedBytes), "By", "Memory of the spans that wait.");
    }

    public static void Add(TraceExporter exporter)
    {
        lock (Gate)
        {
            Exporters.Add(exporter);
        }
    }

    /// <summary>The exporter is closed. What it counted stays: a counter does not go back.</summary>
    public static void Remove(TraceExporter exporter)
    {
        lock (Gate)
        {
            if (Exporters.Remove(exporter))
            {
                var counts = exporter.Counts;
                _closedExported += exporter.EverExported;
                _closedRecovered += counts.Recovered;
                Add(ClosedDrops, counts.DroppedBy);
            }
        }
    }

    private static long Exported()
    {
        lock (Gate)
        {
            return _closedExported + Exporters.Sum(e => e.EverExported);
        }
    }

    private static long Recovered()
    {
        lock (Gate)
        {
            return _closedRecovered + Exporters.Sum(e => e.Counts.Recovered);
        }
    }

    private static List<Measurement<long>> Dropped()
    {
        lock (Gate)
        {
            var drops = new Dictionary<string, long>(ClosedDrops);
            foreach (var exporter in Exporters)
            {
                Add(drops, exporter.Counts.DroppedBy);
            }

            return [.. drops.Select(drop => new Measurement<long>(drop.Value, new KeyValuePair<string, object?>("reason", drop.Key)))];
        }
    }

    private static long Sum(Func<TraceExporter, long> of)
    {
        lock (Gate)
        {
            return Exporters.Sum(of);
        }
    }

    private static void Add(Dictionary<string, long> drops, IReadOnlyDictionary<string, long> more)
    {
        foreach (var (reason, count) in more)
        {
            drops[reason] = drops.GetValueOrDefault(reason) + count;
        }
    }
}
