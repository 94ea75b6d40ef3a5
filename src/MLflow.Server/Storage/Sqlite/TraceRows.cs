using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>The spans of one trace of a batch, made ready outside the transaction: everything that costs time but needs no database.</summary>
internal sealed class TraceRows
{
    private readonly CallPricer _pricer;

    private TraceRows(string traceId, CallPricer pricer, IReadOnlyList<SpanRow> spans)
    {
        _pricer = pricer;
        TraceId = traceId;
        Spans = spans;
        Summary = TraceSummary.From([.. spans.Select(span => span.Facts)]);
    }

    public string TraceId { get; }

    public IReadOnlyList<SpanRow> Spans { get; }

    /// <summary>What follows when these are all spans of the trace.</summary>
    public TraceSummary Summary { get; }

    /// <summary>The same, with what log records tell of the spans, by their ids.</summary>
    public TraceRows With(IReadOnlyDictionary<(string TraceId, string SpanId), List<SpanEventRecord>> logs) =>
        new(TraceId, _pricer, [.. Spans.Select(span => logs.TryGetValue((span.Record.OtelTraceId, span.Record.SpanId), out var ofSpan) ? new SpanRow(span.Record.Sent ?? span.Record, ofSpan, _pricer) : span)]);

    public static IReadOnlyList<TraceRows> From(IReadOnlyList<SpanRecord> spans, CallPricer pricer)
    {
        var traces = new Dictionary<string, Dictionary<string, SpanRecord>>();
        foreach (var span in spans)
        {
            if (!traces.TryGetValue(span.TraceId, out var ofTrace))
            {
                traces.Add(span.TraceId, ofTrace = []);
            }

            // The same span twice in one batch: the later one, but not a running one over an ended one.
            if (span.EndNs is not null || !ofTrace.TryGetValue(span.SpanId, out var other) || other.EndNs is null)
            {
                ofTrace[span.SpanId] = span;
            }
        }

        return [.. traces.Select(trace => new TraceRows(trace.Key, pricer, [.. trace.Value.Values.Select(span => new SpanRow(span, [], pricer))]))];
    }
}
