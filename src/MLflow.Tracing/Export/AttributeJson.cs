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

    /// <summary>Whether the text is by itself a JSON string, object or array.</summary>
    public static bool ReadsAsStructure(string text)
    {
        var start = text.AsSpan().TrimStart(" \t\r\n");
        if (start.IsEmpty || start[0] is not ('"' or '{' or '['))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
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

    /// <summary>The text as a JSON string.</summary>
    public static byte[] Quote(string text)
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

    // MLflow's readers take Python's names for what JSON has no numbers for.
    private static string Number(double value) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        _ => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture),
    };
}
