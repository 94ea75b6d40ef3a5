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

    /// <summary>What <see cref="Write(TraceExport, bool)"/> wrote.</summary>
    public ReadOnlyMemory<byte> Written => _writer.Written;

    /// <summary>Encodes the spans and, of a complete trace, its facts.</summary>
    /// <param name="export">Exports of one trace must come in their order: the facts have the sizes of all spans so far.</param>
    /// <param name="memory">Keeps the bytes.</param>
    /// <param name="withPreviews">False where the server makes the previews of the spans.</param>
    /// <param name="recordsCalls">True where the server records a <see cref="PlainCall"/>.</param>
    public EncodedExport Encode(TraceExport export, ExportMemory memory, bool withPreviews, bool recordsCalls = false)
    {
        if (export.Spans is [{ Plain: { } call } span])
        {
            // What looks as if there were a secret in it is recorded here, where that is taken out.
            WritePlain(span, call);
            var privacy = export.Trace.Outlet.Privacy;
            var isPlain = recordsCalls && privacy.OnlyScrubs && !privacy.SuspectsBytes(_writer.Written.Span) && !PlainCall.MayHideSigns(_writer.Written.Span);
            export = isPlain ? export : PlainCallRecorder.Record(_writer.Written.Span[EncodedExport.LengthBytes..], privacy);
            span.ReleasePlain();
            if (isPlain)
            {
                return Keep(memory, (_writer.Position, 0), isPlain);
            }
        }

        return Keep(memory, Write(export, withPreviews), isPlain: false);
    }

    /// <summary>Records what was left to the server and is not sent there after all, and encodes it.</summary>
    /// <param name="plain">The call as it was.</param>
    /// <param name="memory">Keeps the bytes.</param>
    /// <param name="withPreviews">False where the server makes the previews of the spans.</param>
    public EncodedExport EncodeRecorded(EncodedExport plain, ExportMemory memory, bool withPreviews)
    {
        var position = 0;
        plain.TryReadSpan(ref position, out var span);
        return Keep(memory, Write(PlainCallRecorder.Record(span, PrivacyFilter.Default), withPreviews), isPlain: false);
    }

    /// <summary>Encodes as <see cref="Encode"/> does, without keeping it: what is there until the next time is <see cref="Written"/>.</summary>
    /// <returns>Bytes of the spans with their lengths before them, and where in the facts behind them the experiment's id has to stand.</returns>
    public (int SpanBytes, int Experiment) Write(TraceExport export, bool withPreviews)
    {
        _writer.Clear();
        var privacy = export.Trace.Outlet.Privacy;
        foreach (var span in export.Spans)
        {
            var length = _writer.Skip(EncodedExport.LengthBytes);
            Write(span, privacy);
            var size = EndSpan(length);
            if (!export.IsAnnouncement)
            {
                export.Trace.Sizes.Add(size);
                span.ReleaseChunks();
            }
        }

        return (_writer.Position, export.IsComplete && !export.Trace.IsPart ? WriteFacts(export.Trace, privacy, withPreviews) : 0);
    }

    private EncodedExport Keep(ExportMemory memory, (int SpanBytes, int Experiment) written, bool isPlain)
    {
        var (block, start) = memory.Keep(_writer.Written.Span);
        return new EncodedExport(block, start, written.SpanBytes, _writer.Position - written.SpanBytes, written.Experiment) { IsPlainCall = isPlain };
    }

    private void WritePlain(LiveSpan span, PlainCall call)
    {
        _writer.Clear();
        var length = _writer.Skip(EncodedExport.LengthBytes);
        PlainCallFormat.Write(_writer, span, call);
        EndSpan(length);
    }

    private int EndSpan(int length)
    {
        var size = _writer.Position - length - EncodedExport.LengthBytes;
        BinaryPrimitives.WriteInt32LittleEndian(_writer.At(length), size);
        return size;
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
