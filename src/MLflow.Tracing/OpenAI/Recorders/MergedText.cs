using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// A JSON string that comes in pieces. The pieces are joined in their escaped form: nothing is decoded, and a character whose two escapes were sent
/// in different chunks becomes whole again.
/// </summary>
internal sealed class MergedText
{
    private readonly ArrayBufferWriter<byte> _buffer = new(64);

    public MergedText() => Append("\""u8);

    public bool IsEmpty => _buffer.WrittenCount == 1;

    /// <param name="escaped">Content of a string token without its quotes.</param>
    public void Append(ReadOnlySpan<byte> escaped) => _buffer.Write(escaped);

    public ReadOnlySpan<byte> Content => _buffer.WrittenSpan[1..];

    public void Write(Utf8JsonWriter writer)
    {
        _buffer.Write("\""u8);
        writer.WriteRawValue(_buffer.WrittenSpan, skipInputValidation: true);
    }
}
