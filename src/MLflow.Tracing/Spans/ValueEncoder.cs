using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MLflow;

/// <summary>Turns what a user hands to a span into an <see cref="AttributeValue"/>. Never throws.</summary>
internal static class ValueEncoder
{
    /// <summary>Serialised values above this are cut to a note; a span is no place for files.</summary>
    public const int MaxJsonBytes = 16 << 20;

    private static readonly JsonSerializerOptions Options = new()
    {
        // Text stays text: the default encoder writes 東京 as \u6771\u4EAC. The value is never put into HTML unescaped.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        ReferenceHandler = System.Text.Json.Serialization.ReferenceHandler.IgnoreCycles,
        MaxDepth = 64,
        Converters = { new OpaqueValueConverter() },
    };

    public static AttributeValue Encode(object? value)
    {
        switch (value)
        {
            case null:
                return default;
            case string text:
                return AttributeValue.FromString(text);
            case bool boolean:
                return AttributeValue.FromBoolean(boolean);
            case int or long or short or byte or sbyte or ushort or uint:
                return AttributeValue.FromInt64(Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
            case double or float:
                return AttributeValue.FromDouble(Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture));
            case BinaryData { } data when LooksLikeJson(data):
                return AttributeValue.FromJson(data.ToArray());
            default:
                return Serialize(value);
        }
    }

    private static bool LooksLikeJson(BinaryData data)
    {
        try
        {
            var reader = new Utf8JsonReader(data.ToMemory().Span);
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

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "A type whose members were trimmed, or a runtime without reflection, ends in the catch below: its text is recorded instead.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "As above.")]
    private static AttributeValue Serialize(object value)
    {
        try
        {
            // Here and not above, since even the kind of an element throws once its document is disposed.
            if (value is JsonElement { ValueKind: JsonValueKind.Undefined })
            {
                return default;
            }

            if (OpaqueValues.IsOpaque(value.GetType()))
            {
                return AttributeValue.FromString(OpaqueValues.NameOf(value));
            }

            var json = value switch
            {
                JsonElement element => System.Text.Encoding.UTF8.GetBytes(element.GetRawText()),
                _ when JsonSerializer.IsReflectionEnabledByDefault => JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), Options),
                _ => PlainJsonWriter.Write(value),
            };
            return json.Length <= MaxJsonBytes
                ? AttributeValue.FromJson(json)
                : AttributeValue.FromString($"[{value.GetType().Name}: {json.Length} bytes of JSON, more than the {MaxJsonBytes} that a span keeps]");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return AttributeValue.FromString(Describe(value));
        }
    }

    private static string Describe(object value)
    {
        try
        {
            return value.ToString() ?? value.GetType().Name;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return value.GetType().Name;
        }
    }
}
