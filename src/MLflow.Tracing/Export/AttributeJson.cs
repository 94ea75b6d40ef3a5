using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow;

/// <summary>JSON as text.</summary>
internal static class AttributeJson
{
    /// <summary>Keeps text readable: 東京, not \u6771\u4EAC. None of it goes into HTML unescaped.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Deeper than System.Text.Json's own limit: what was captured is not ours to refuse.</summary>
    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 512 };

    /// <summary>Whether a JSON reader, strict or not, might take the text for a JSON string, object or array.</summary>
    public static bool CouldBeStructure(string text)
    {
        var start = text.AsSpan().TrimStart(" \t\r\n");
        return !start.IsEmpty && start[0] is ('"' or '{' or '[');
    }

    /// <summary>Whether a JSON reader, strict or not, might take the text for a JSON string, object or array.</summary>
    public static bool CouldBeStructure(ReadOnlySpan<byte> text)
    {
        var start = text.TrimStart(" \t\r\n"u8);
        return !start.IsEmpty && start[0] is (byte)'"' or (byte)'{' or (byte)'[';
    }

    /// <summary>The text as a JSON string.</summary>
    public static byte[] Quote(string text) => Quote(Encoding.UTF8.GetBytes(text));

    /// <summary>The text as a JSON string.</summary>
    public static byte[] Quote(ReadOnlySpan<byte> text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 2);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStringValue(text);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The value as JSON text.</summary>
    public static string Of(AttributeValue value) => value.Kind switch
    {
        AttributeValueKind.Boolean => value.Boolean ? "true" : "false",
        AttributeValueKind.Int64 => value.Int64.ToString(System.Globalization.CultureInfo.InvariantCulture),
        AttributeValueKind.Double => Number(value.Double),
        AttributeValueKind.String => Encoding.UTF8.GetString(Quote(value.String)),
        AttributeValueKind.Json => Encoding.UTF8.GetString(value.Json),
        _ => "null",
    };

    /// <summary>The first characters of <see cref="Of"/>, and more where there are more, without encoding the whole.</summary>
    public static string StartOf(AttributeValue value, int length)
    {
        if (value.Kind == AttributeValueKind.String && value.String.Length > length)
        {
            return Of(AttributeValue.FromString(value.String[..(length + 1)]));
        }

        // A UTF-16 unit takes three bytes of UTF-8 at most.
        var bytes = (length + 2) * 3;
        return value.Kind == AttributeValueKind.Json && value.Json.Length > bytes ? Encoding.UTF8.GetString(value.Json[..bytes]) : Of(value);
    }

    /// <summary>What a JSON string says, its first characters at least where it is longer.</summary>
    /// <exception cref="InvalidOperationException">It holds half of a surrogate pair.</exception>
    public static string StartOfString(ReadOnlySpan<byte> quoted, int length)
    {
        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        if (quoted.Length <= length)
        {
            return reader.GetString()!;
        }

        // Never longer than its bytes.
        var characters = ArrayPool<char>.Shared.Rent(quoted.Length);
        try
        {
            return new string(characters, 0, Math.Min(reader.CopyString(characters), length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters);
        }
    }

    // MLflow's readers take Python's names for what JSON has no numbers for.
    private static string Number(double value) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        _ => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture),
    };
}
