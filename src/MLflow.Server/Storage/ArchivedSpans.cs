using MLflow.Server.Blobs;
using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;

namespace MLflow.Server.Storage;

/// <summary>Reads the spans of archived traces.</summary>
internal static class ArchivedSpans
{
    /// <summary>All spans of a trace, with what of them lies in the blob store.</summary>
    /// <param name="blobs">Reads it.</param>
    /// <param name="traceId">The trace.</param>
    /// <param name="stored">Its spans.</param>
    /// <param name="archive">The content that has those which are archived.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<IReadOnlyList<SpanRecord>> DecodeAsync(SpanBlobs blobs, string traceId, IReadOnlyList<StoredSpan> stored, string? archive, CancellationToken cancellationToken)
    {
        var spans = StoredSpan.Decode(stored, await blobs.ReadAllAsync(stored.Select(span => (span.Codec, span.Payload)), cancellationToken).ConfigureAwait(false));
        var archived = stored.Where(span => span.IsArchived).Select(span => span.Columns).ToList();
        if (archived.Count == 0)
        {
            return spans;
        }

        var whole = await ReadAsync(blobs, traceId, archive, archived, cancellationToken).ConfigureAwait(false);
        return [.. spans.Select((span, i) => stored[i].IsArchived ? whole[span.SpanId] : span)];
    }

    /// <summary>Fills spans of which only the columns are stored.</summary>
    /// <param name="blobs">Reads the content.</param>
    /// <param name="traceId">The trace.</param>
    /// <param name="blob">The content that has its spans.</param>
    /// <param name="columns">The spans.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>By span id. Those that cannot be had have an attribute that says so.</returns>
    private static async Task<IReadOnlyDictionary<string, SpanRecord>> ReadAsync(SpanBlobs blobs, string traceId, string? blob, IReadOnlyList<SpanRecord> columns, CancellationToken cancellationToken)
    {
        var content = blob is null ? new BlobContent(null, "it is not stored") : await blobs.ReadAsync(blob, cancellationToken).ConfigureAwait(false);
        var (archived, fault) = Read(blobs.Archives, traceId, content);
        return columns.ToDictionary(
            span => span.SpanId,
            span => archived.TryGetValue(span.SpanId, out var whole)
                ? whole with { Type = span.Type, Status = span.Status, StatusMessage = span.StatusMessage }
                : span with { IsIncomplete = true, Attributes = [new(SpanBlobs.LostAttribute, StoredJson.Quote($"The content of this span cannot be shown: {fault ?? "it is not in the archive of its trace"}."))] });
    }

    private static (Dictionary<string, SpanRecord> Spans, string? Fault) Read(IArchiveFormat? format, string traceId, BlobContent content)
    {
        if (content.Bytes is not { } bytes || format is null)
        {
            return ([], content.Fault ?? "nobody can read archives here");
        }

        try
        {
            return (format.Read(traceId, bytes).ToDictionary(span => span.SpanId), null);
        }
        catch (InvalidDataException e)
        {
            return ([], e.Message);
        }
    }
}
