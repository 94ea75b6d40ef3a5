using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// Reads OTLP's attributes as MLflow's API writes them, <c>[{"key":"a","value":{"kvlist_value":{"values":[…]}}}]</c>, back to the JSON that they stand for.
/// </summary>
internal static class AnyValueReader
{
    /// <summary>What each level of a recorded value becomes is up to three levels of the API's answer.</summary>
    public const int MaxDepth = 2048;

    private static readonly JsonWriterOptions WriterOptions = AttributeJson.WriterOptions with { MaxDepth = MaxDepth, SkipValidation = true };
    private static readonly JsonDocumentOptions ReaderOptions = new() { MaxDepth = MaxDepth };

    public static Dictionary<string, JsonElement> ReadAttributes(JsonElement list)
    {
        var attributes = new Dictionary<string, JsonElement>();
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        foreach (var pair in list.EnumerateArray())
        {
            buffer.ResetWrittenCount();
            writer.Reset(buffer);
            WriteValueOf(writer, pair);
            writer.Flush();
            attributes[pair.GetProperty("key").GetString()!] = JsonElement.Parse(buffer.WrittenSpan, ReaderOptions);
        }

        return attributes;
    }

    private static void WriteValueOf(Utf8JsonWriter writer, JsonElement pair)
    {
        if (pair.TryGetProperty("value", out var value))
        {
            Write(writer, value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonElement any)
    {
        foreach (var kind in any.EnumerateObject())
        {
            switch (kind.Name)
            {
                case "array_value":
                    writer.WriteStartArray();
                    foreach (var item in Values(kind.Value))
                    {
                        Write(writer, item);
                    }

                    writer.WriteEndArray();
                    return;
                case "kvlist_value":
                    writer.WriteStartObject();
                    foreach (var pair in Values(kind.Value))
                    {
                        writer.WritePropertyName(pair.GetProperty("key").GetString()!);
                        WriteValueOf(writer, pair);
                    }

                    writer.WriteEndObject();
                    return;
                case "int_value" when kind.Value.ValueKind == JsonValueKind.String:
                    // ProtoJSON writes 64-bit integers as text.
                    writer.WriteRawValue(kind.Value.GetString()!);
                    return;
                default:
                    writer.WriteRawValue(kind.Value.GetRawText(), skipInputValidation: true);
                    return;
            }
        }

        writer.WriteNullValue();
    }

    private static JsonElement.ArrayEnumerator Values(JsonElement list) => list.TryGetProperty("values", out var values) ? values.EnumerateArray() : default;
}
