using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Writes values as JSON without reflection, for programs where System.Text.Json has none (native AOT): dictionaries, sequences and scalars
/// as what they are, everything else as its text.
/// </summary>
internal static class PlainJsonWriter
{
    // As System.Text.Json's own default.
    private const int MaxDepth = 64;

    public static byte[] Write(object value)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            WriteValue(json, value, 0);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteValue(Utf8JsonWriter json, object? value, int depth)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool boolean:
                json.WriteBooleanValue(boolean);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case ulong number:
                json.WriteNumberValue(number);
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case float or double when double.IsFinite(Convert.ToDouble(value, CultureInfo.InvariantCulture)):
                json.WriteNumberValue(Convert.ToDouble(value, CultureInfo.InvariantCulture));
                break;
            case DateTime or DateTimeOffset:
                json.WriteStringValue(((IFormattable)value).ToString("O", CultureInfo.InvariantCulture));
                break;
            case not null when OpaqueValues.IsOpaque(value.GetType()):
                json.WriteStringValue(OpaqueValues.NameOf(value));
                break;
            case JsonElement element:
                element.WriteTo(json);
                break;
            case IDictionary dictionary when depth < MaxDepth:
                WriteObject(json, dictionary, depth);
                break;
            case IEnumerable items and not string when depth < MaxDepth:
                WriteArray(json, items, depth);
                break;
            case IFormattable formattable:
                json.WriteStringValue(formattable.ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteStringValue(value.ToString());
                break;
        }
    }

    private static void WriteObject(Utf8JsonWriter json, IDictionary dictionary, int depth)
    {
        json.WriteStartObject();
        foreach (DictionaryEntry entry in dictionary)
        {
            json.WritePropertyName(Convert.ToString(entry.Key, CultureInfo.InvariantCulture) ?? "");
            WriteValue(json, entry.Value, depth + 1);
        }

        json.WriteEndObject();
    }

    private static void WriteArray(Utf8JsonWriter json, IEnumerable items, int depth)
    {
        json.WriteStartArray();
        foreach (var item in items)
        {
            WriteValue(json, item, depth + 1);
        }

        json.WriteEndArray();
    }
}
