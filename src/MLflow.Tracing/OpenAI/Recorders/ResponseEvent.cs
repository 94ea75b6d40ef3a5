using System.Globalization;
using System.Text.Json;

namespace MLflow;

/// <summary>One event of a streamed response. The data must be a JSON object.</summary>
internal readonly ref struct ResponseEvent
{
    private readonly ReadOnlySpan<byte> _data;

    public ResponseEvent(ReadOnlySpan<byte> data) => _data = data;

    /// <summary>Raw text of the field's value; empty where there is none.</summary>
    public ReadOnlySpan<byte> Field(ReadOnlySpan<byte> name) => Field(_data, name);

    /// <summary>Content of the field's text, in its escaped form; empty where there is no text.</summary>
    public ReadOnlySpan<byte> Text(ReadOnlySpan<byte> name) => Content(Field(name));

    /// <summary>A field that counts something from 0; -1 where there is none.</summary>
    public int Index(ReadOnlySpan<byte> name) => int.TryParse(Field(name), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : -1;

    /// <summary>Content of a raw string without its quotes; empty for any other value.</summary>
    public static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> raw) => raw is [(byte)'"', .. var content, (byte)'"'] ? content : default;

    /// <summary>Raw text of a field of a JSON object; empty where there is none.</summary>
    public static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> json, ReadOnlySpan<byte> name)
    {
        var reader = new Utf8JsonReader(json, JsonText.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return default;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMeant = reader.ValueSpan.SequenceEqual(name);
            reader.Read();
            if (isMeant)
            {
                return JsonText.RawValue(ref reader, json);
            }

            reader.Skip();
        }

        return default;
    }
}
