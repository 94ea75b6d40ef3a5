using System.Buffers;

namespace MLflow;

/// <summary>The traces of a <see cref="TraceCollector"/>. They are encoded as they would be sent, and read as they would come back.</summary>
internal sealed class CollectedTraces : ITraceExporter
{
    /// <summary>Nothing is sent, so it does not matter where to.</summary>
    public static readonly TraceDestination Nowhere = new(new Uri("http://localhost"), null, "");

    private readonly Lock _lock = new();
    private readonly ExportMemory _memory = new();

    // In the order of their beginning. Bounded by the test.
    private readonly List<ActiveTrace> _begun = [];
    private readonly Dictionary<ActiveTrace, List<EncodedExport>> _ended = [];
    private readonly HashSet<ActiveTrace> _complete = [];
    private TaskCompletionSource _change = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Add(ActiveTrace trace)
    {
        lock (_lock)
        {
            _begun.Add(trace);
        }
    }

    public void Enqueue(TraceExport export, bool inBackground)
    {
        if (export.IsAnnouncement)
        {
            return;
        }

        lock (_lock)
        {
            using var encoder = new ExportEncoder();
            var encoded = encoder.Encode(export, _memory, withPreviews: true);
            if (!_ended.TryGetValue(export.Trace, out var exports))
            {
                _ended.Add(export.Trace, exports = []);
            }

            exports.Add(encoded);
            if (export.IsComplete)
            {
                _complete.Add(export.Trace);
            }

            _change.TrySetResult();
            _change = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public bool ShowsRunning(TraceDestination destination) => false;

    /// <summary>Ends when spans are handed over after this call.</summary>
    public Task NextChange()
    {
        lock (_lock)
        {
            return _change.Task;
        }
    }

    /// <summary>Traces of which spans run, also such as were started after it had been complete.</summary>
    public IReadOnlyList<ActiveTrace> Unfinished()
    {
        lock (_lock)
        {
            return [.. _begun.Where(trace => !_complete.Contains(trace) || trace.RunningSpans().Count > 0)];
        }
    }

    public IReadOnlyList<TraceRecord> Read()
    {
        lock (_lock)
        {
            return [.. _begun.Where(_complete.Contains).Select(trace => Read(_ended[trace]))];
        }
    }

    private static TraceRecord Read(List<EncodedExport> exports)
    {
        // Facts that came later have the totals of all spans.
        var facts = new ArrayBufferWriter<byte>();
        exports.FindLast(export => export.Facts.Length > 0)!.Facts.WriteTo(facts, "");
        return TraceReader.Read(facts.WrittenMemory, TracesJsonWriter.Write(exports));
    }
}
