using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow.Server.Traces;

/// <summary>Reads and writes the JSON text of attribute values.</summary>
internal static class StoredJson
{
    /// <summary>Levels of nesting in an attribute's value; <see cref="IsStructure"/> takes deeper text for a plain string.</summary>
    public const int MaxDepth = 256;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };

    /// <summary>The string that the text holds; null when it holds something else.</summary>
    public static string? String(string? json)
    {
        if (json is null || !json.StartsWith('"'))
        {
            return null;
        }

        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), ReaderOptions);
        return reader.Read() ? reader.GetString() : null;
    }

    /// <summary>The number that the text holds, rounded; null when it holds something else.</summary>
    public static long? Number(string? json) =>
        double.TryParse(json, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var number)
        && Math.Abs(number) < long.MaxValue
            ? (long)Math.Round(number)
            : null;

    /// <summary>A string of the object that the text holds; null when there is none.</summary>
    public static string? TopLevelString(string? json, string property)
    {
        if (json is null || !json.StartsWith('{'))
        {
            return null;
        }

        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), ReaderOptions);
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var found = reader.ValueTextEquals(property);
                reader.Read();
                if (found)
                {
                    return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                }

                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // Not ours to complain about: the attribute stays as it was sent.
        }

        return null;
    }

    /// <summary>Whether the text is the JSON of a string, an object or an array.</summary>
    public static bool IsStructure(string text)
    {
        var start = text.AsSpan().TrimStart(" \t\n\r");
        return start.Length > 0 && (start[0] is '{' or '[' or '"') && IsJson(text);
    }

    /// <summary>Whether the text is JSON.</summary>
    public static bool IsJson(string text)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        try
        {
            var reader = new Utf8JsonReader(bytes.AsSpan(0, Encoding.UTF8.GetBytes(text, bytes)), ReaderOptions);
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>
    /// Text that holds the JSON of a string, an object or an array, as it is stored. JSON can write half of a surrogate pair, on which readers throw:
    /// it becomes U+FFFD. Space around the JSON is left out: the first character tells of what kind it is.
    /// </summary>
    public static string Structure(string text)
    {
        var json = text.Trim(' ', '\t', '\n', '\r');
        return json.Contains("\\ud", StringComparison.Ordinal) || json.Contains("\\uD", StringComparison.Ordinal)
            ? Encoding.UTF8.GetString(JsonText.ReplaceLoneSurrogates(Encoding.UTF8.GetBytes(json)))
            : json;
    }

    /// <summary>The same JSON with its escaped characters written as themselves, as far as JSON allows, so that people find them.</summary>
    public static string Readable(string json)
    {
        if (!json.Contains("\\u", StringComparison.Ordinal))
        {
            return json;
        }

        var readable = new StringBuilder(json.Length);
        for (var i = 0; i < json.Length; i++)
        {
            if (json[i] != '\\' || i + 1 == json.Length)
            {
                readable.Append(json[i]);
            }
            else if (json[i + 1] == 'u' && i + 5 < json.Length
                && ushort.TryParse(json.AsSpan(i + 2, 4), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var code)
                && (char)code is >= ' ' and not ('"' or '\\'))
            {
                readable.Append((char)code);
                i += 5;
            }
            else
            {
                // A backslash and what it escapes, which may be another one.
                readable.Append(json, i++, 2);
            }
        }

        return readable.ToString();
    }

    public static string Quote(string value) => '"' + JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(value) + '"';
}
