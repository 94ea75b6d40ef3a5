using System.Text.Json;

namespace MLflow.Cli.Traces.Export;

/// <summary>Writes traces as lines. Of the traces themselves only a few are in memory.</summary>
internal sealed class TraceExport
{
    private const int PageSize = 100;

    // Traces that come meanwhile are added at the end, and the pages before it stay what they were.
    private static readonly string[] OldestFirst = ["timestamp_ms ASC"];

    private readonly TraceSource _source;
    private readonly Stream _output;
    private readonly TraceFormat _format;
    private readonly CursorFile<ExportCursor>? _cursors;

    public TraceExport(TraceSource source, Stream output, TraceFormat format, CursorFile<ExportCursor>? cursors)
    {
        _source = source;
        _output = output;
        _format = format;
        _cursors = cursors;
    }

    /// <returns>How far it came.</returns>
    public async Task<ExportCursor> RunAsync(ExportCursor cursor, CancellationToken cancellationToken)
    {
        Keep(cursor);
        while (true)
        {
            var page = await _source.SearchAsync(new TraceQuery(cursor.ExperimentIds, cursor.Filter, OldestFirst, PageSize, cursor.PageToken), cancellationToken);
            var left = page.Infos.Select(info => ApiJson.Text(info, "trace_id")!).Except(cursor.Written);
            foreach (var batch in left.Chunk(TraceSource.Batch))
            {
                var traces = await _source.GetAsync(batch, cancellationToken);
                var bytes = cursor.Bytes;
                foreach (var trace in traces)
                {
                    bytes += await WriteAsync(trace, cancellationToken);
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
        if (_cursors is null)
        {
            _output.Flush();
            return;
        }

        // First what the cursor speaks of, then the cursor.
        ((FileStream)_output).Flush(flushToDisk: true);
        _cursors.Write(cursor);
    }

    private async Task<long> WriteAsync(TraceDocument trace, CancellationToken cancellationToken)
    {
        using var line = new MemoryStream();
        await using (var json = new Utf8JsonWriter(line, TraceDocument.WriterOptions))
        {
            if (_format == TraceFormat.Otlp)
            {
                OtlpJson.Write(json, trace);
            }
            else
            {
                trace.Write(json);
            }
        }

        line.WriteByte((byte)'\n');
        await _output.WriteAsync(line.GetBuffer().AsMemory(0, (int)line.Length), cancellationToken);
        return line.Length;
    }
}
