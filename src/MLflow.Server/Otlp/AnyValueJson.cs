using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Traces;

namespace MLflow.Server.Otlp;

/// <summary>
/// Puts OTLP's values into JSON text. A string that is itself the JSON of a string, an object or an array is taken for what it holds
/// (clients send inputs in either form); <c>"123"</c> and <c>"true"</c> stay strings.
/// </summary>
internal static class AnyValueJson
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = OtlpLimits.MaxNesting,
        SkipValidation = true,
    };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    public static List<KeyValuePair<string, string>> Attributes(IReadOnlyCollection<KeyValue> attributes)
    {
        var list = new List<KeyValuePair<string, string>>(attributes.Count);
        foreach (var attribute in attributes)
        {
            list.Add(new(attribute.Key, Text(attribute.Value)));
        }

        return list;
    }

    /// <summary>Attributes of an event: text is text whatever it holds. A streamed chunk is text with JSON in it, and clients read it as that.</summary>
    public static List<KeyValuePair<string, string>> EventAttributes(IReadOnlyCollection<KeyValue> attributes)
    {
        var list = new List<KeyValuePair<string, string>>(attributes.Count);
        foreach (var attribute in attributes)
        {
            var isText = attribute.Value?.ValueCase == AnyValue.ValueOneofCase.StringValue;
            list.Add(new(attribute.Key, isText ? StoredJson.Quote(attribute.Value!.StringValue) : Text(attribute.Value)));
        }

        return list;
    }

    /// <summary>The JSON text of a value; absent is null.</summary>
    public static string Text(AnyValue? value)
    {
        switch (value?.ValueCase ?? AnyValue.ValueOneofCase.None)
        {
            case AnyValue.ValueOneofCase.None:
                return "null";
            case AnyValue.ValueOneofCase.StringValue:
                return StoredJson.IsStructure(value!.StringValue) ? StoredJson.Structure(value.StringValue) : StoredJson.Quote(value.StringValue);
            case AnyValue.ValueOneofCase.BoolValue:
                return value!.BoolValue ? "true" : "false";
            case AnyValue.ValueOneofCase.IntValue:
                return value!.IntValue.ToString(System.Globalization.CultureInfo.InvariantCulture);
            default:
                var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
                buffer.ResetWrittenCount();
                using (var writer = new Utf8JsonWriter(buffer, Options))
                {
                    Write(writer, value);
                }

                return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }
    }

    private static void Write(Utf8JsonWriter writer, AnyValue? value)
    {
        switch (value?.ValueCase ?? AnyValue.ValueOneofCase.None)
        {
            case AnyValue.ValueOneofCase.StringValue:
                writer.WriteStringValue(value!.StringValue);
                break;
            case AnyValue.ValueOneofCase.BoolValue:
                writer.WriteBooleanValue(value!.BoolValue);
                break;
            case AnyValue.ValueOneofCase.IntValue:
                writer.WriteNumberValue(value!.IntValue);
                break;
            case AnyValue.ValueOneofCase.DoubleValue:
                WriteDouble(writer, value!.DoubleValue);
                break;
            case AnyValue.ValueOneofCase.BytesValue:
                writer.WriteBase64StringValue(value!.BytesValue.Span);
                break;
            case AnyValue.ValueOneofCase.ArrayValue:
                writer.WriteStartArray();
                foreach (var item in value!.ArrayValue.Values)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            case AnyValue.ValueOneofCase.KvlistValue:
                writer.WriteStartObject();
                foreach (var item in value!.KvlistValue.Values)
                {
                    writer.WritePropertyName(item.Key);
                    Write(writer, item.Value);
                }

                writer.WriteEndObject();
                break;
            default:
                writer.WriteNullValue();
                break;
        }
    }

    private static void WriteDouble(Utf8JsonWriter writer, double value)
    {
        if (!double.IsFinite(value))
        {
            // JSON has no such number.
            writer.WriteStringValue(value.ToString(System.Globalization.CultureInfo.InvariantCulture));
            return;
        }

        // 1.0 stays a double when it is read again.
        var text = value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        writer.WriteRawValue(text.AsSpan().IndexOfAny(".eE") < 0 ? text + ".0" : text, skipInputValidation: true);
    }
}
