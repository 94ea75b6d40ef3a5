using System.Text.Json;

namespace MLflow;

/// <summary>
/// Encodes what a traced method is given and gives. Each value is encoded by itself, so that one that cannot be serialised does not cost the others,
/// and no sequence is enumerated that would be used up or would run the program's code by it.
/// </summary>
internal static class CallValues
{
    /// <summary>Never throws.</summary>
    public static AttributeValue Encode(object? value) =>
        value is not null && OpaqueValues.IsOpaque(value) ? AttributeValue.FromString(OpaqueValues.NameOf(value)) : ValueEncoder.Encode(value);

    /// <summary>A JSON object of names and values.</summary>
    public static AttributeValue EncodeObject(string[] names, object?[] values) =>
        AttributeValue.FromJson(ScratchJson.Write((names, values), static (json, given) => WriteObject(json, given.names, given.values)));

    /// <summary>A JSON array of values that were encoded.</summary>
    public static AttributeValue EncodeArray(IEnumerable<AttributeValue> values) =>
        AttributeValue.FromJson(ScratchJson.Write(values, static (json, given) =>
        {
            json.WriteStartArray();
            foreach (var value in given)
            {
                Write(json, value);
            }

            json.WriteEndArray();
        }));

    private static void WriteObject(Utf8JsonWriter json, string[] names, object?[] values)
    {
        json.WriteStartObject();
        for (var i = 0; i < names.Length && i < values.Length; i++)
        {
            var value = Encode(values[i]);
            json.WritePropertyName(names[i]);
            Write(json, json.BytesCommitted + json.BytesPending + value.Size <= ValueEncoder.MaxJsonBytes
                ? value
                : AttributeValue.FromString($"[{values[i]?.GetType().Name}: more than the {ValueEncoder.MaxJsonBytes} bytes that a span keeps]"));
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, AttributeValue value)
    {
        switch (value.Kind)
        {
            case AttributeValueKind.Boolean:
                json.WriteBooleanValue(value.Boolean);
                break;
            case AttributeValueKind.Int64:
                json.WriteNumberValue(value.Int64);
                break;
            case AttributeValueKind.Double when double.IsFinite(value.Double):
                json.WriteNumberValue(value.Double);
                break;
            case AttributeValueKind.Double:
                json.WriteStringValue(value.Double.ToString(System.Globalization.CultureInfo.InvariantCulture));
                break;
            case AttributeValueKind.String:
                json.WriteStringValue(value.String);
                break;
            case AttributeValueKind.Json:
                json.WriteRawValue(value.Json, skipInputValidation: true);
                break;
            default:
                json.WriteNullValue();
                break;
        }
    }
}
