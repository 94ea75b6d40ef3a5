using System.Buffers;
using System.IO.Compression;

namespace MLflow;

/// <summary>Undoes the content encoding of a captured body. HttpClient decompresses above the place where bodies are captured.</summary>
internal static class ContentDecoder
{
    // One body at a time, with a limit of its own.
    private static readonly CaptureBudget Unlimited = new(long.MaxValue);

    /// <summary>Decodes a body and keeps the times of its parts true.</summary>
    /// <param name="body">The body as it came over the wire.</param>
    /// <param name="encoding">Value of Content-Encoding.</param>
    /// <param name="maxBytes">Most bytes of the result; more is cut off.</param>
    /// <param name="note">What the span should say, or null.</param>
    /// <returns>The decoded body, or null where the encoding is not known or the body is not decodable at all. A body that ends early gives what there is.</returns>
    public static CapturedBody? Decode(CapturedBody body, string encoding, int maxBytes, out string? note)
    {
        note = null;
        using var source = new MarkedSource(body);
        using var decoder = Decoder(encoding, source);
        if (decoder is null)
        {
            note = $"The response's content encoding '{encoding}' is not supported; its content was not recorded.";
            return null;
        }

        var output = new BodyCapture(Unlimited, maxBytes, keepsMarks: true);
        var buffer = ArrayPool<byte>.Shared.Rent(16 << 10);
        try
        {
            int read;
            while ((read = decoder.Read(buffer)) > 0 && !output.IsCut)
            {
                output.Append(buffer.AsSpan(0, read), source.Time);
            }

            if (output.IsCut)
            {
                note = $"The decompressed response is larger than {maxBytes} bytes and was cut.";
            }
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException or IOException)
        {
            note = "The compressed response could not be decoded to its end.";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return output.Take();
    }

    private static Stream? Decoder(string encoding, Stream source) => encoding.Trim().ToLowerInvariant() switch
    {
        "gzip" or "x-gzip" => new GZipStream(source, CompressionMode.Decompress, leaveOpen: true),
        "br" => new BrotliStream(source, CompressionMode.Decompress, leaveOpen: true),
        "deflate" => new ZLibStream(source, CompressionMode.Decompress, leaveOpen: true),
        _ => null,
    };

    /// <summary>Gives the encoded bytes read by read as they came, so that what the decoder has put out so far belongs to the last of them.</summary>
    private sealed class MarkedSource : Stream
    {
        private readonly CapturedBody _body;
        private int _position;
        private int _mark;

        public MarkedSource(CapturedBody body) => _body = body;

        public long Time { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var marks = _body.Marks;
            while (_mark + 1 < marks.Length && marks[_mark + 1].Offset <= _position)
            {
                _mark++;
            }

            var end = _mark + 1 < marks.Length ? marks[_mark + 1].Offset : _body.Bytes.Length;
            var read = Math.Min(end - _position, buffer.Length);
            _body.Bytes.Slice(_position, read).CopyTo(buffer);
            _position += read;
            if (!marks.IsEmpty)
            {
                Time = marks[_mark].Time;
            }

            return read;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
