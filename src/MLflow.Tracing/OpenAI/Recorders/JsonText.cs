using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace MLflow;

/// <summary>Reading of JSON bodies that nobody has checked.</summary>
internal static class JsonText
{
    /// <summary>Deeper bodies are kept as text.</summary>
    public const int MaxDepth = 256;

    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };

    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true, MaxDepth = MaxDepth };

    /// <summary>A copy of the raw text of the value at which the reader stands; the reader moves to the value's end.</summary>
    public static ReadOnlySpan<byte> RawValue(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return json[start..(int)reader.BytesConsumed];
    }

    /// <summary>Moves behind the value at which the reader stands and gives it as an attribute: scalars as such, the rest as JSON.</summary>
    public static AttributeValue ReadValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return AttributeValue.FromString(ReadString(ref reader));
            case JsonTokenType.True:
                return AttributeValue.FromBoolean(true);
            case JsonTokenType.False:
                return AttributeValue.FromBoolean(false);
            case JsonTokenType.Number:
                return reader.TryGetInt64(out var integer) ? AttributeValue.FromInt64(integer) : AttributeValue.FromDouble(reader.GetDouble());
            case JsonTokenType.Null:
                return default;
            default:
                return AttributeValue.FromJson(ReplaceLoneSurrogates(RawValue(ref reader, json)));
        }
    }

    /// <summary>The text of a string token. A lone surrogate (half a character, which JSON can write) becomes U+FFFD instead of an exception.</summary>
    public static string ReadString(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unescape(ReplaceLoneSurrogates(reader.ValueSpan));
        }
    }

    /// <summary>Whether the string token or name is the given text. Unlike the reader's own method it takes half a character for what it is, another text.</summary>
    public static bool TextEquals(this in Utf8JsonReader reader, ReadOnlySpan<byte> text)
    {
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueSpan.SequenceEqual(text);
        }

        var copy = reader;
        return ReadString(ref copy) == Encoding.UTF8.GetString(text);
    }

    public static string? ReadStringOrNull(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String ? ReadString(ref reader) : null;

    public static long? ReadInt64OrNull(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.Number)
        {
            return null;
        }

        return reader.TryGetInt64(out var integer) ? integer : (long)reader.GetDouble();
    }

    /// <summary>A checked body as an attribute: JSON, or text where it is no JSON.</summary>
    public static AttributeValue Body(ReadOnlySpan<byte> body, bool isJson)
    {
        if (body.IsEmpty)
        {
            return default;
        }

        if (!isJson)
        {
            return AttributeValue.FromString(Encoding.UTF8.GetString(body));
        }

        return AttributeValue.FromJson(ReplaceLoneSurrogates(body));
    }

    /// <summary>The body with U+FFFD for what is no UTF-8: that passes a JSON reader and breaks whoever reads the strings later.</summary>
    public static ReadOnlySpan<byte> ValidUtf8(ReadOnlySpan<byte> body) =>
        Utf8.IsValid(body) ? body : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body));

    public static bool IsJsonObject(ReadOnlySpan<byte> text) => text.TrimStart(" \t\r\n"u8).StartsWith("{"u8) && IsJson(text);

    public static bool IsJson(ReadOnlySpan<byte> text)
    {
        try
        {
            var reader = new Utf8JsonReader(text, ReaderOptions);
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>True when the object has a <c>type</c> of its own that is a text.</summary>
    public static bool HasType(ReadOnlySpan<byte> json) => json.IndexOf("\"type\""u8) >= 0 && TryFindType(json, out _);

    /// <summary>True when the object's own <c>type</c> is the given text. False for what is no object.</summary>
    public static bool TypeEquals(ReadOnlySpan<byte> json, ReadOnlySpan<byte> type) => TryFindType(json, out var reader) && reader.TextEquals(type);

    /// <summary>The object's own <c>type</c>; null where it has none that is a text, and for what is no object.</summary>
    public static string? TypeOf(ReadOnlySpan<byte> json) => TryFindType(json, out var reader) ? ReadString(ref reader) : null;

    /// <param name="json">What may be an object.</param>
    /// <param name="reader">Stands at the type.</param>
    private static bool TryFindType(ReadOnlySpan<byte> json, out Utf8JsonReader reader)
    {
        reader = new Utf8JsonReader(json, ReaderOptions);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isType = reader.TextEquals("type"u8);
                reader.Read();
                if (isType)
                {
                    return reader.TokenType == JsonTokenType.String;
                }

                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // No JSON has no type.
        }

        return false;
    }

    /// <summary>A copy in which escaped halves of surrogate pairs that stand alone are replaced by U+FFFD: readers further on throw on them.</summary>
    public static byte[] ReplaceLoneSurrogates(ReadOnlySpan<byte> json)
    {
        var copy = json.ToArray();
        var escape = json.IndexOf((byte)'\\');
        if (escape < 0 || (json[escape..].IndexOf("\\ud"u8) < 0 && json[escape..].IndexOf("\\uD"u8) < 0))
        {
            return copy;
        }

        for (var i = 0; i < copy.Length - 1; i++)
        {
            if (copy[i] != '\\')
            {
                continue;
            }

            var unit = CodeUnit(copy, i);
            if (unit is >= 0xD800 and <= 0xDBFF && CodeUnit(copy, i + 6) is >= 0xDC00 and <= 0xDFFF)
            {
                i += 11;
            }
            else if (unit is >= 0xD800 and <= 0xDFFF)
            {
                "\\ufffd"u8.CopyTo(copy.AsSpan(i));
                i += 5;
            }
            else
            {
                // Skips the escaped character, so that an escaped backslash does not start another escape.
                i++;
            }
        }

        return copy;
    }

    private static int CodeUnit(ReadOnlySpan<byte> json, int at) =>
        at + 6 <= json.Length && json[at] == '\\' && json[at + 1] == 'u'
            && int.TryParse(json.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
            ? unit
            : -1;

    private static string Unescape(byte[] escaped)
    {
        byte[] quoted = [(byte)'"', .. escaped, (byte)'"'];
        try
        {
            var reader = new Utf8JsonReader(quoted);
            reader.Read();
            return reader.GetString() ?? "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Encoding.UTF8.GetString(escaped);
        }
    }
}
