using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sqlite;

/// <summary>The spans of one trace of a batch, made ready outside the transaction: everything that costs time but needs no database.</summary>
internal sealed class TraceRows
{
    private readonly CallPricer _pricer;

    private TraceRows(string traceId, CallPricer pricer, IReadOnlyList<SpanRow> spans, long? leaseMs)
    {
        _pricer = pricer;
        TraceId = traceId;
        Spans = spans;
        LeaseMs = leaseMs;
        Summary = TraceSummary.From([.. spans.Select(span => span.Facts)]);
    }

    public string TraceId { get; }

    public IReadOnlyList<SpanRow> Spans { get; }

    /// <summary>What the process of the trace said about when it will be heard again; null where it said nothing.</summary>
    public long? LeaseMs { get; }

    /// <summary>What follows when these are all spans of the trace.</summary>
    public TraceSummary Summary { get; }

    /// <summary>The same, with what log records tell of the spans, by their ids.</summary>
    public TraceRows With(IReadOnlyDictionary<(string TraceId, string SpanId), List<SpanEventRecord>> logs) =>
        new(TraceId, _pricer, [.. Spans.Select(span => logs.TryGetValue((span.Record.OtelTraceId, span.Record.SpanId), out var ofSpan) ? new SpanRow(span.Record.Sent ?? span.Record, ofSpan, _pricer) : span)], LeaseMs);

    /// <summary>Rows that are ready, by their traces.</summary>
    public static IEnumerable<TraceRows> Of(IReadOnlyList<SpanRow> rows, CallPricer pricer) =>
        rows.GroupBy(row => row.Record.TraceId).Select(ofTrace => new TraceRows(ofTrace.Key, pricer, [.. ofTrace], leaseMs: null));

    public static IReadOnlyList<TraceRows> From(IReadOnlyList<SpanRecord> spans, CallPricer pricer)
    {
        var traces = new Dictionary<string, Dictionary<string, SpanRecord>>();
        foreach (var span in spans)
        {
            if (!traces.TryGetValue(span.TraceId, out var ofTrace))
            {
                traces.Add(span.TraceId, ofTrace = []);
            }

            // The same span twice in one batch: the later one, but not a running one over an ended one, nor one that says only that it runs.
            if (!ofTrace.TryGetValue(span.SpanId, out var other) || span.EndNs is not null || (other.EndNs is null && span.LeaseMs is null))
            {
                ofTrace[span.SpanId] = span;
            }
        }

        var leases = spans.Where(span => span.LeaseMs is not null).GroupBy(span => span.TraceId).ToDictionary(ofTrace => ofTrace.Key, ofTrace => ofTrace.Max(span => span.LeaseMs));
        return [.. traces.Select(trace => new TraceRows(
            trace.Key, pricer, [.. trace.Value.Values.Select(span => new SpanRow(span, [], pricer))], leases.GetValueOrDefault(trace.Key)))];
    }
}
