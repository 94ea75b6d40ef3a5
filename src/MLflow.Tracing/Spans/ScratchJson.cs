using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>Writes small pieces of JSON without making a writer and a buffer for each: a thread keeps one of both. A piece that writes others within makes new ones for them.</summary>
internal static class ScratchJson
{
    // A larger piece is rare, and its buffer is not kept.
    private const int LargestKept = 16 << 10;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    public static byte[] Write<T>(T state, Action<Utf8JsonWriter, T> write)
    {
        var buffer = _buffer ?? new ArrayBufferWriter<byte>(512);
        var writer = _writer ?? new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        buffer.ResetWrittenCount();
        writer.Reset(buffer);

        // Taken while in use: what fails half-way leaves nothing behind.
        (_buffer, _writer) = (null, null);
        write(writer, state);
        writer.Flush();
        var json = buffer.WrittenSpan.ToArray();
        if (buffer.Capacity <= LargestKept)
        {
            (_buffer, _writer) = (buffer, writer);
        }

        return json;
    }
}
