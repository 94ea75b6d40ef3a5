using MLflow.Server.Traces;

namespace MLflow.Server.Storage.Sql;

/// <summary>A span as its row holds it.</summary>
/// <param name="Columns">What stands in columns.</param>
/// <param name="Codec">How the rest is written.</param>
/// <param name="Payload">The rest.</param>
internal sealed record StoredSpan(SpanRecord Columns, int Codec, byte[] Payload)
{
    /// <summary>The row's number, where rows have one.</summary>
    public long RowId { get; init; }

    /// <summary>The payload that <see cref="PayloadFrame.OwnerOf"/> asks for, where it was read with the span.</summary>
    public byte[]? Owner { get; init; }

    /// <summary>The span as it was sent.</summary>
    public SpanRecord Sent()
    {
        var span = SpanPayload.Decode(Columns, Codec, Payload, Owner);
        return span.Sent ?? span;
    }

    /// <summary>All spans of traces, whose owners are among them.</summary>
    public static SpanRecord[] Decode(IReadOnlyList<StoredSpan> spans)
    {
        var owners = spans.Where(span => span.Codec == PayloadFrame.Owner).ToDictionary(span => (span.Columns.TraceId, span.Columns.SpanId), span => span.Payload);
        var decoded = new SpanRecord[spans.Count];

        // Frame by frame, so that each is decompressed once.
        var frames = Enumerable.Range(0, spans.Count).GroupBy(i => (spans[i].Columns.TraceId, PayloadFrame.OwnerOf(spans[i].Codec, spans[i].Payload) ?? spans[i].Columns.SpanId));
        foreach (var frame in frames)
        {
            var owner = owners.GetValueOrDefault(frame.Key);
            foreach (var i in frame)
            {
                decoded[i] = SpanPayload.Decode(spans[i].Columns, spans[i].Codec, spans[i].Payload, owner);
            }
        }

        return decoded;
    }
}
