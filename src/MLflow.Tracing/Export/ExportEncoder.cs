using System.Buffers.Binary;

namespace MLflow;

/// <summary>Turns ended spans into bytes, for one export at a time.</summary>
internal sealed class ExportEncoder : IDisposable
{
    /// <summary>A buffer that has grown beyond this is not kept for the next export.</summary>
    private const int LargestKept = 1 << 20;

    private readonly ProtobufWriter _writer = new();

    public bool IsWorthKeeping => _writer.Capacity <= LargestKept;

    public void Dispose() => _writer.Dispose();

    /// <summary>Encodes the spans and, of a complete trace, its facts.</summary>
    /// <param name="export">Exports of one trace must come in their order: the facts have the sizes of all spans so far.</param>
    /// <param name="memory">Keeps the bytes.</param>
    /// <param name="withPreviews">False where the server makes the previews of the spans.</param>
    public EncodedExport Encode(TraceExport export, ExportMemory memory, bool withPreviews)
    {
        _writer.Clear();
        var privacy = export.Trace.Outlet.Privacy;
        foreach (var span in export.Spans)
        {
            var length = _writer.Skip(EncodedExport.LengthBytes);
            Write(span, privacy);
            var size = _writer.Position - length - EncodedExport.LengthBytes;
            BinaryPrimitives.WriteInt32LittleEndian(_writer.At(length), size);
            if (!export.IsAnnouncement)
            {
                export.Trace.Sizes.Add(size);
                span.ReleaseChunks();
            }
        }

        var spans = _writer.Position;
        var experiment = export.IsComplete && !export.Trace.IsPart ? WriteFacts(export.Trace, privacy, withPreviews) : 0;
        var (block, start) = memory.Keep(_writer.Written.Span);
        return new EncodedExport(block, start, spans, _writer.Position - spans, experiment);
    }

    private void Write(LiveSpan span, PrivacyFilter privacy)
    {
        var start = _writer.Position;
        privacy.Prepare(span);
        OtlpSpanWriter.Write(_writer, span);
        if (privacy.Scrub(span, _writer.Written.Span[start..]))
        {
            _writer.Rewind(start);
            OtlpSpanWriter.Write(_writer, span);
        }
    }

    private int WriteFacts(ActiveTrace trace, PrivacyFilter privacy, bool withPreviews)
    {
        var start = _writer.Position;
        var experiment = TraceInfoWriter.Write(_writer, trace, withPreviews, privacy.ChangesFacts ? privacy.Facts() : null);

        // What is in them of the spans was scrubbed there.
        if (trace.IsTold && privacy.Suspects(_writer.Written.Span[start..]))
        {
            _writer.Rewind(start);
            experiment = TraceInfoWriter.Write(_writer, trace, withPreviews, privacy.Facts());
        }

        return experiment;
    }
}
