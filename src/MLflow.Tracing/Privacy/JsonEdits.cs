using System.Text.Json;

namespace MLflow;

/// <summary>Replaces pieces of JSON text and leaves the rest as it is written.</summary>
internal ref struct JsonEdits(ReadOnlySpan<byte> json)
{
    private readonly ReadOnlySpan<byte> _json = json;
    private MemoryStream? _result;
    private int _kept;

    /// <summary>Replaces the token at which a reader stands. From the beginning of the text to its end.</summary>
    public void Replace(in Utf8JsonReader reader, ReadOnlySpan<byte> with)
    {
        // A name's token ends before its colon, a text's with its quote.
        var start = (int)reader.TokenStartIndex;
        var length = reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String ? reader.ValueSpan.Length + 2 : reader.ValueSpan.Length;
        Replace(start, start + length, with);
    }

    public void Replace(int start, int end, ReadOnlySpan<byte> with)
    {
        _result ??= new MemoryStream(_json.Length);
        _result.Write(_json[_kept..start]);
        _result.Write(with);
        _kept = end;
    }

    /// <returns>Null where nothing was replaced.</returns>
    public byte[]? Result()
    {
        _result?.Write(_json[_kept..]);
        return _result?.ToArray();
    }
}
