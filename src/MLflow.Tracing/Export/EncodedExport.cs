using System.Buffers.Binary;

namespace MLflow;

/// <summary>An export as bytes: each span as OTLP with its length before it and, of a complete trace, its facts.</summary>
internal sealed class EncodedExport
{
    /// <summary>Bytes of the length before a span.</summary>
    public const int LengthBytes = sizeof(int);

    private readonly ExportBlock _block;
    private readonly int _start;
    private readonly int _facts;
    private readonly int _end;
    private readonly int _experiment;

    /// <param name="block">Holds the bytes.</param>
    /// <param name="start">Where they begin in it.</param>
    /// <param name="spanBytes">Bytes of the spans, their lengths included.</param>
    /// <param name="factsBytes">Bytes of the facts after them; 0 where there are none.</param>
    /// <param name="experiment">Where in the facts the experiment's id has to stand.</param>
    public EncodedExport(ExportBlock block, int start, int spanBytes, int factsBytes, int experiment)
    {
        _block = block;
        _start = start;
        _facts = start + spanBytes;
        _end = _facts + factsBytes;
        _experiment = experiment;
    }

    /// <summary>The memory to release when the export is settled.</summary>
    public ExportBlock Block => _block;

    /// <summary>It is one <see cref="PlainCall"/>, of which the server makes span and facts.</summary>
    public bool IsPlainCall { get; init; }

    public int Size => _end - _start;

    /// <summary>Bytes of the spans, their lengths included.</summary>
    public int SpanBytes => _facts - _start;

    /// <summary>Where in the facts the experiment's id has to stand.</summary>
    public int ExperimentOffset => _experiment;

    /// <summary>Spans and facts.</summary>
    public ReadOnlySpan<byte> Bytes => _block.Bytes.AsSpan(_start, Size);

    /// <summary>False also for what completes its part of a trace that began in another process.</summary>
    public bool HasFacts => _end > _facts;

    public EncodedFacts Facts => new(_block.Bytes.AsSpan(_facts, _end - _facts), _experiment);

    /// <summary>The spans of all, each from a position on, with the facts of the last one.</summary>
    public static EncodedExport Merge(IReadOnlyList<(EncodedExport Export, int From)> parts, ExportMemory memory)
    {
        var spans = parts.Sum(part => part.Export.SpanBytes - part.From);
        var last = parts[^1].Export;
        var bytes = new byte[spans + last.Size - last.SpanBytes];
        var at = 0;
        foreach (var (part, from) in parts)
        {
            part.Bytes[from..part.SpanBytes].CopyTo(bytes.AsSpan(at));
            at += part.SpanBytes - from;
        }

        last.Bytes[last.SpanBytes..].CopyTo(bytes.AsSpan(at));
        var (block, start) = memory.Keep(bytes);
        return new EncodedExport(block, start, spans, bytes.Length - spans, last.ExperimentOffset);
    }

    public int CountSpans()
    {
        var count = 0;
        for (var position = 0; TryReadSpan(ref position, out _);)
        {
            count++;
        }

        return count;
    }

    /// <summary>Bytes of the span at <paramref name="position"/>; 0 after the last one.</summary>
    public int SpanBytesAt(int position) => _start + position < _facts ? BinaryPrimitives.ReadInt32LittleEndian(_block.Bytes.AsSpan(_start + position)) : 0;

    /// <summary>Reads the span at <paramref name="position"/>, 0 at first, and moves on to the next one.</summary>
    /// <returns>False after the last one.</returns>
    public bool TryReadSpan(ref int position, out ReadOnlySpan<byte> span)
    {
        var offset = _start + position;
        if (offset >= _facts)
        {
            span = default;
            return false;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(_block.Bytes.AsSpan(offset));
        span = _block.Bytes.AsSpan(offset + LengthBytes, length);
        position += LengthBytes + length;
        return true;
    }
}
