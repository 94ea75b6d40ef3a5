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
    private (ActiveTrace Trace, Exception Reason)? _failure;
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
        lock (_lock)
        {
            try
            {
                Keep(export);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // It happens where the program ends its span; the test is told when it asks.
                _failure ??= (export.Trace, e);
            }

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

    /// <summary>Those that could be recorded.</summary>
    public IReadOnlyList<TraceRecord> Read()
    {
        lock (_lock)
        {
            return [.. _begun.Where(HasFacts).Select(trace => Read(_ended[trace]))];
        }
    }

    /// <exception cref="InvalidOperationException">One could not be recorded.</exception>
    public IReadOnlyList<TraceRecord> ReadAll()
    {
        lock (_lock)
        {
            return _failure is var (trace, reason)
                ? throw new InvalidOperationException($"A trace could not be recorded: '{trace.Root?.Name}' ({reason.GetType().Name}: {reason.Message}). This is a fault of MLflow.Tracing: please report it.", reason)
                : Read();
        }
    }

    private bool HasFacts(ActiveTrace trace) => _complete.Contains(trace) && _ended.TryGetValue(trace, out var exports) && exports.Exists(export => export.Facts.Length > 0);

    private void Keep(TraceExport export)
    {
        using var encoder = new ExportEncoder();
        var encoded = encoder.Encode(export, _memory, withPreviews: true);
        if (!_ended.TryGetValue(export.Trace, out var exports))
        {
            _ended.Add(export.Trace, exports = []);
        }

        exports.Add(encoded);
    }

    private static TraceRecord Read(List<EncodedExport> exports)
    {
        // Facts that came later have the totals of all spans.
        var facts = new ArrayBufferWriter<byte>();
        exports.FindLast(export => export.Facts.Length > 0)!.Facts.WriteTo(facts, "");
        return TraceReader.Read(facts.WrittenMemory, TracesJsonWriter.Write(exports));
    }
}
