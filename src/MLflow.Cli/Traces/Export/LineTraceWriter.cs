using System.Text.Json;

namespace MLflow.Cli.Traces.Export;

/// <summary>Writes each trace as a line of JSON.</summary>
internal sealed class LineTraceWriter : ITraceWriter
{
    private readonly Stream _output;
    private readonly TraceFormat _format;

    public LineTraceWriter(Stream output, TraceFormat format)
    {
        _output = output;
        _format = format;
    }

    public async Task<long> WriteAsync(TraceDocument trace, CancellationToken cancellationToken)
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

    public Task<int?> SettleAsync(bool toDisk, bool isEnd, CancellationToken cancellationToken)
    {
        if (toDisk && _output is FileStream file)
        {
            file.Flush(flushToDisk: true);
        }
        else
        {
            _output.Flush();
        }

        return Task.FromResult<int?>(0);
    }
}
