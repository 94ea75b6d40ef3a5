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
        // Whether it is the server that is waited for: the cursor speaks of all that was written, and of nothing else.
        var isAsking = false;
        try
        {
            cursor = await KeepAsync(cursor, isEnd: false, cancellationToken);
            while (true)
            {
                isAsking = true;
                var page = await _source.SearchAsync(new TraceQuery(cursor.ExperimentIds, cursor.Filter, OldestFirst, PageSize, cursor.PageToken), cancellationToken);
                isAsking = false;
                var left = page.Infos.Select(info => TraceReader.IdOf(info)!).Except(cursor.Written);
                foreach (var batch in left.Chunk(TraceSource.Batch))
                {
                    isAsking = true;
                    var traces = await _source.GetAsync(batch, cancellationToken);
                    isAsking = false;
                    var bytes = cursor.Bytes;
                    foreach (var trace in traces)
                    {
                        bytes += await _writer.WriteAsync(trace, cancellationToken);
                    }

                    cursor = cursor with { Bytes = bytes, Traces = cursor.Traces + traces.Count, Written = [.. cursor.Written, .. batch] };
                    cursor = await KeepAsync(cursor, isEnd: false, cancellationToken);
                }

                // The last page stays the cursor's: the next run finds there what was added since.
                if (page.NextPageToken is not { } next)
                {
                    return await KeepAsync(cursor, isEnd: true, cancellationToken);
                }

                cursor = cursor with { PageToken = next, Written = [] };
            }
        }
        catch when (isAsking && _cursors is not null)
        {
            // Also what a part has that is not full: a server that stops often would otherwise never let one become so.
            await KeepAsync(cursor, isEnd: true, CancellationToken.None);
            throw;
        }
    }

    private async Task<ExportCursor> KeepAsync(ExportCursor cursor, bool isEnd, CancellationToken cancellationToken)
    {
        // First what the cursor speaks of, then the cursor.
        if (await _writer.SettleAsync(toDisk: _cursors is not null, isEnd, cancellationToken) is not { } parts)
        {
            return cursor;
        }

        cursor = cursor with { Parts = parts };
        _cursors?.Write(cursor);
        return cursor;
    }
}
