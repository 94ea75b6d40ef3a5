namespace MLflow.Cli.Traces.Export;

/// <summary>Reads traces page by page and hands them to a writer. Of the traces themselves only a few are in memory.</summary>
internal sealed class TraceExport
{
    private const int PageSize = 100;

    // Traces that come meanwhile are added at the end, and the pages before it stay what they were.
    private static readonly string[] OldestFirst = ["timestamp_ms ASC"];

    private readonly TraceSource _source;
    private readonly ITraceWriter _writer;
    private readonly CursorFile<ExportCursor>? _cursors;

    public TraceExport(TraceSource source, ITraceWriter writer, CursorFile<ExportCursor>? cursors)
    {
        _source = source;
        _writer = writer;
        _cursors = cursors;
    }

    /// <returns>How far it came.</returns>
    public async Task<ExportCursor> RunAsync(ExportCursor cursor, CancellationToken cancellationToken)
    {
        Keep(cursor);
        while (true)
        {
            var page = await _source.SearchAsync(new TraceQuery(cursor.ExperimentIds, cursor.Filter, OldestFirst, PageSize, cursor.PageToken), cancellationToken);
            var left = page.Infos.Select(info => TraceReader.IdOf(info)!).Except(cursor.Written);
            foreach (var batch in left.Chunk(TraceSource.Batch))
            {
                var traces = await _source.GetAsync(batch, cancellationToken);
                var bytes = cursor.Bytes;
                foreach (var trace in traces)
                {
                    bytes += await _writer.WriteAsync(trace, cancellationToken);
                }

                cursor = cursor with { Bytes = bytes, Traces = cursor.Traces + traces.Count, Written = [.. cursor.Written, .. batch] };
                Keep(cursor);
            }

            // The last page stays the cursor's: the next run finds there what was added since.
            if (page.NextPageToken is not { } next)
            {
                return cursor;
            }

            cursor = cursor with { PageToken = next, Written = [] };
        }
    }

    private void Keep(ExportCursor cursor)
    {
        // First what the cursor speaks of, then the cursor.
        _writer.Flush(toDisk: _cursors is not null);
        _cursors?.Write(cursor);
    }
}
