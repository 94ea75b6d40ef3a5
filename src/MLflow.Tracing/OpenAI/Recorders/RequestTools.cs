using System.Buffers;
using System.Text.Json;

namespace MLflow;

/// <summary>
/// The tools of a request as MLflow shows them, whichever API they were written for: <c>[{"type":"function","function":{"name":…}}]</c>. A tool that the
/// server brings along has no more than its type as its name, as real MLflow records it.
/// </summary>
internal static class RequestTools
{
    /// <param name="reader">Stands at the list of tools.</param>
    /// <param name="json">The text that is read.</param>
    /// <param name="isLegacy">True for the older <c>functions</c>, which are functions without a tool around them.</param>
    /// <returns>Null where there is no tool.</returns>
    public static byte[]? Write(Utf8JsonReader reader, ReadOnlySpan<byte> json, bool isLegacy)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        writer.WriteStartArray();
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var isObject = reader.TokenType == JsonTokenType.StartObject;
            var tool = JsonText.RawValue(ref reader, json);
            if (!isObject)
            {
                continue;
            }

            if (isLegacy)
            {
                count++;
                WriteFunction(writer, tool);
            }
            else
            {
                count += WriteTool(writer, tool);
            }
        }

        writer.WriteEndArray();
        writer.Flush();
        return count == 0 ? null : JsonText.ReplaceLoneSurrogates(buffer.WrittenSpan);
    }

    /// <returns>How many tools were written.</returns>
    private static int WriteTool(Utf8JsonWriter writer, ReadOnlySpan<byte> tool)
    {
        var type = ResponseEvent.Content(ResponseEvent.Field(tool, "type"u8));
        if (ResponseEvent.Field(tool, "function"u8) is [(byte)'{', ..])
        {
            writer.WriteRawValue(tool, skipInputValidation: true);
        }
        else if (type.SequenceEqual("namespace"u8) && ResponseEvent.Field(tool, "tools"u8) is [(byte)'[', ..] and var inner)
        {
            return WriteTools(writer, inner);
        }
        else if (type.SequenceEqual("custom"u8) && ResponseEvent.Field(tool, "custom"u8) is [(byte)'{', ..] and var custom)
        {
            WriteFunction(writer, custom);
        }
        else if (type.SequenceEqual("function"u8) || type.SequenceEqual("custom"u8))
        {
            WriteFields(writer, tool);
        }
        else if (!type.IsEmpty)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "function"u8);
            writer.WriteStartObject("function"u8);
            writer.WritePropertyName("name"u8);
            writer.WriteRawValue(ResponseEvent.Field(tool, "type"u8), skipInputValidation: true);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        else
        {
            return 0;
        }

        return 1;
    }

    private static int WriteTools(Utf8JsonWriter writer, ReadOnlySpan<byte> tools)
    {
        var count = 0;
        var reader = new Utf8JsonReader(tools, JsonText.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var isObject = reader.TokenType == JsonTokenType.StartObject;
            var tool = JsonText.RawValue(ref reader, tools);
            count += isObject ? WriteTool(writer, tool) : 0;
        }

        return count;
    }

    private static void WriteFunction(Utf8JsonWriter writer, ReadOnlySpan<byte> function)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, "function"u8);
        writer.WritePropertyName("function"u8);
        writer.WriteRawValue(function, skipInputValidation: true);
        writer.WriteEndObject();
    }

    /// <summary>A tool of the Responses API, which has the function's fields beside its type.</summary>
    private static void WriteFields(Utf8JsonWriter writer, ReadOnlySpan<byte> tool)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, "function"u8);
        writer.WriteStartObject("function"u8);
        var reader = new Utf8JsonReader(tool, JsonText.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isField = reader.ValueSpan.SequenceEqual("name"u8) || reader.ValueSpan.SequenceEqual("description"u8)
                || reader.ValueSpan.SequenceEqual("parameters"u8) || reader.ValueSpan.SequenceEqual("strict"u8);
            var name = reader.ValueSpan;
            reader.Read();
            var value = JsonText.RawValue(ref reader, tool);
            if (isField)
            {
                writer.WritePropertyName(name);
                writer.WriteRawValue(value, skipInputValidation: true);
            }
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
