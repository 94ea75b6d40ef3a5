using MLflow.Server.Pricing;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>The spans of one trace of a batch, made ready outside the transaction: everything that costs time but needs no database.</summary>
internal sealed class TraceRows
{
    private readonly CallPricer _pricer;

    private TraceRows(string traceId, CallPricer pricer, IReadOnlyList<SpanRow> spans, long? leaseMs, int largeFrom = int.MaxValue)
    {
        _pricer = pricer;
        TraceId = traceId;

        // What was moved to the blob store stays there.
        var here = spans.Where(span => span.Blobs.Count == 0).ToList();
        var payloads = new Queue<(int Codec, byte[] Payload)>(SpanPayload.Encode(here.ConvertAll(span => span.Record), largeFrom));
        Spans = [.. spans.Select(span => span.Blobs.Count == 0 ? span.With(payloads.Dequeue()) : span)];
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

    /// <summary>Spans of one trace from several batches, in the order of their arrival.</summary>
    public static TraceRows Join(IReadOnlyList<TraceRows> parts)
    {
        if (parts.Count == 1)
        {
            return parts[0];
        }

        var spans = new Dictionary<string, SpanRow>();
        foreach (var span in parts.SelectMany(part => part.Spans))
        {
            if (Replaces(span.Record, spans.GetValueOrDefault(span.Record.SpanId)?.Record))
            {
                spans[span.Record.SpanId] = span;
            }
        }

        return new(parts[0].TraceId, parts[0]._pricer, [.. spans.Values], parts.LastOrDefault(part => part.LeaseMs is not null)?.LeaseMs);
    }

    /// <param name="spans">The spans.</param>
    /// <param name="pricer">Says what calls cost.</param>
    /// <param name="largeFrom">See <see cref="SpanPayload.Encode"/>.</param>
    public static IReadOnlyList<TraceRows> From(IReadOnlyList<SpanRecord> spans, CallPricer pricer, int largeFrom = int.MaxValue)
    {
        var traces = new Dictionary<string, Dictionary<string, SpanRecord>>();
        foreach (var span in spans)
        {
            if (!traces.TryGetValue(span.TraceId, out var ofTrace))
            {
                traces.Add(span.TraceId, ofTrace = []);
            }

            if (Replaces(span, ofTrace.GetValueOrDefault(span.SpanId)))
            {
                ofTrace[span.SpanId] = span;
            }
        }

        var leases = spans.Where(span => span.LeaseMs is not null).GroupBy(span => span.TraceId).ToDictionary(ofTrace => ofTrace.Key, ofTrace => ofTrace.Max(span => span.LeaseMs));
        return [.. traces.Select(trace => new TraceRows(
            trace.Key, pricer, [.. trace.Value.Values.Select(span => new SpanRow(span, [], pricer))], leases.GetValueOrDefault(trace.Key), largeFrom))];
    }

    /// <summary>Of the same span twice, the later one stays, but not a running one over an ended one, nor one that says only that it runs.</summary>
    private static bool Replaces(SpanRecord span, SpanRecord? earlier) => earlier is null || span.EndNs is not null || (earlier.EndNs is null && span.LeaseMs is null);
}
