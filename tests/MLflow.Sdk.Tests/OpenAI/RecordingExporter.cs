using System.Collections.Concurrent;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Keeps what a tracer hands over.</summary>
internal sealed class RecordingExporter : ITraceExporter
{
    private readonly ConcurrentQueue<TraceExport> _exports = new();

    public IReadOnlyList<TraceExport> Exports => [.. _exports];

    public IReadOnlyList<LiveSpan> Spans => [.. _exports.SelectMany(e => e.Spans)];

    /// <summary>Whether it shall be told of what runs.</summary>
    public bool IsShowingRunning { get; init; }

    public void Enqueue(TraceExport export, bool inBackground) => _exports.Enqueue(export);

    public bool ShowsRunning(TraceDestination destination) => IsShowingRunning;
}
