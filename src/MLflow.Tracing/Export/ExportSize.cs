namespace MLflow;

/// <summary>Estimates the memory that an export keeps alive.</summary>
internal static class ExportSize
{
    private const int SpanOverhead = 400;
    private const int EntryOverhead = 64;

    public static long Estimate(TraceExport export)
    {
        long bytes = 0;
        foreach (var span in export.Spans)
        {
            bytes += Of(span);
        }

        return bytes;
    }

    /// <summary>Memory of a span that has ended.</summary>
    public static long Of(LiveSpan span)
    {
        var bytes = SpanOverhead + (2L * span.Name.Length);
        foreach (var (key, value) in span.EndedAttributes)
        {
            bytes += EntryOverhead + (2L * key.Length) + value.Size;
        }

        bytes += span.Chunks?.Size ?? 0;
        foreach (var spanEvent in span.EndedEvents)
        {
            bytes += EntryOverhead;
            foreach (var (_, value) in spanEvent.Attributes)
            {
                bytes += EntryOverhead + value.Size;
            }
        }

        foreach (var link in span.EndedLinks)
        {
            bytes += EntryOverhead;
            foreach (var (_, value) in link.Attributes)
            {
                bytes += EntryOverhead + value.Size;
            }
        }

        return bytes;
    }
}
