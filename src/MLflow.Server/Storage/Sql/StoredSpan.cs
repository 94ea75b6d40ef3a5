using MLflow.Server.Blobs;
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

    /// <summary>Whether the row has no payload: the span is in the archive of its trace (<see cref="ArchivedSpans"/>).</summary>
    public bool IsArchived => Payload.Length == 0;

    /// <summary>A span that is in the archive of its trace.</summary>
    public static StoredSpan Archived(SpanRecord columns) => new(columns, PayloadFrame.Plain, []);

    /// <summary>The span as it was sent.</summary>
    /// <param name="blobs">Reads what lies in the blob store.</param>
    /// <exception cref="InvalidDataException">Something of it cannot be had: it must not be written again without that.</exception>
    public SpanRecord Sent(Func<string, BlobContent> blobs)
    {
        var span = Codec == PayloadFrame.InBlobs ? SpanPayload.Decode(Columns, PayloadFrame.Plain, Whole(blobs), owner: null) : SpanPayload.Decode(Columns, Codec, Payload, Owner);
        return span.Sent ?? span;
    }

    /// <summary>All spans of traces, whose owners are among them. Those that are archived have their columns alone.</summary>
    /// <param name="spans">The spans.</param>
    /// <param name="blobs">Reads what lies in the blob store; without it, that counts as lost.</param>
    /// <param name="withMedia">Whether media that lie there are needed.</param>
    public static SpanRecord[] Decode(IReadOnlyList<StoredSpan> spans, Func<string, BlobContent>? blobs = null, bool withMedia = true)
    {
        var decoded = new SpanRecord[spans.Count];
        foreach (var (i, owner) in Frames(spans))
        {
            decoded[i] = spans[i].IsArchived ? spans[i].Columns : SpanPayload.Decode(spans[i].Columns, spans[i].Codec, spans[i].Payload, owner, blobs, withMedia);
        }

        return decoded;
    }

    /// <summary>Spans of traces, those of one frame after each other, so that it is decompressed once, with the payload of its owner.</summary>
    public static IEnumerable<(StoredSpan Span, byte[]? Owner)> ByFrame(IReadOnlyList<StoredSpan> spans) => Frames(spans).Select(each => (spans[each.Place], each.Owner));

    /// <summary>The JSON of the payload without media that lie elsewhere; empty for a span that is archived.</summary>
    /// <param name="owner">The payload of the frame's owner.</param>
    /// <param name="blobs">Reads what lies in the blob store.</param>
    public ReadOnlySpan<byte> Json(byte[]? owner, Func<string, BlobContent> blobs) =>
        IsArchived ? [] : Codec == PayloadFrame.InBlobs ? PayloadManifest.Restore(Payload, null, blobs, out _) : PayloadFrame.Json(Codec, Payload, owner);

    private static IEnumerable<(int Place, byte[]? Owner)> Frames(IReadOnlyList<StoredSpan> spans)
    {
        var owners = spans.Where(span => span.Codec == PayloadFrame.Owner).ToDictionary(span => (span.Columns.TraceId, span.Columns.SpanId), span => span.Payload);
        foreach (var frame in Enumerable.Range(0, spans.Count).GroupBy(i => (spans[i].Columns.TraceId, PayloadFrame.OwnerOf(spans[i].Codec, spans[i].Payload) ?? spans[i].Columns.SpanId)))
        {
            var owner = owners.GetValueOrDefault(frame.Key);
            foreach (var i in frame)
            {
                yield return (i, owner);
            }
        }
    }

    private byte[] Whole(Func<string, BlobContent> blobs)
    {
        var json = PayloadManifest.Restore(Payload, blobs, blobs, out var isWhole);
        return isWhole ? json : throw new InvalidDataException($"The content of span {Columns.SpanId} of trace {Columns.TraceId} cannot be had from the blob store.");
    }
}
