using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace MLflow.Server.Otlp;

/// <summary>
/// Reads OTLP in JSON, https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: as protobuf's own mapping, but ids of traces and spans are in
/// hexadecimal, which protobuf's parser would take for base64. Unknown fields are skipped.
/// </summary>
internal static class OtlpJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = OtlpLimits.MaxNesting };

    private static readonly ConcurrentDictionary<MessageDescriptor, FrozenDictionary<string, FieldDescriptor>> Fields = new();

    /// <exception cref="OtlpException">Not JSON, or a field has another type; the message says where.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> json, T message)
        where T : IMessage
    {
        try
        {
            using var document = JsonDocument.Parse(json, Options);
            var parts = 0;
            ReadMessage(document.RootElement, message, "the request", ref parts);
            return message;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            throw new OtlpException(StatusCodes.Status400BadRequest, $"Invalid OpenTelemetry format: {e.Message}", e);
        }
    }

    private static void ReadMessage(JsonElement json, IMessage message, string name, ref int parts)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{name} must be an object and is {Kind(json)}.");
        }

        var fields = Fields.GetOrAdd(message.Descriptor, FieldsOf);
        foreach (var property in json.EnumerateObject())
        {
            if (!fields.TryGetValue(property.Name, out var field) || property.Value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            if (!field.IsRepeated)
            {
                field.Accessor.SetValue(message, Read(property.Value, field, ref parts));
                continue;
            }

            if (property.Value.ValueKind != JsonValueKind.Array)
            {
                throw new FormatException($"{property.Name} must be an array and is {Kind(property.Value)}.");
            }

            var list = (IList)field.Accessor.GetValue(message);
            foreach (var item in property.Value.EnumerateArray())
            {
                list.Add(Read(item, field, ref parts));
            }
        }
    }

    private static object Read(JsonElement json, FieldDescriptor field, ref int parts)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                OtlpParts.RequireParts(++parts);
                var message = field.MessageType.Parser.ParseFrom(ByteString.Empty);
                ReadMessage(json, message, field.JsonName, ref parts);
                return message;
            case FieldType.String when json.ValueKind == JsonValueKind.String:
                return json.GetString()!;
            case FieldType.Bool when json.ValueKind is JsonValueKind.True or JsonValueKind.False:
                return json.GetBoolean();
            case FieldType.Bytes when json.ValueKind == JsonValueKind.String:
                return field.Name.EndsWith("_id", StringComparison.Ordinal) ? Id(json.GetString()!) : ByteString.FromBase64(json.GetString()!);
            case FieldType.Double when Number(json) is { } text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real):
                return real;
            case FieldType.Int64 when Number(json) is { } text && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer):
                return integer;
            case FieldType.Fixed64 when Number(json) is { } text && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var time):
                return time;
            case FieldType.Enum when json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out var value):
                return value;

            // OTLP allows numbers only, but protobuf's own writers give names.
            case FieldType.Enum when json.ValueKind == JsonValueKind.String && field.EnumType.FindValueByName(json.GetString()!) is { } named:
                return named.Number;
            default:
                throw new FormatException($"{field.JsonName} must be {Wanted(field.FieldType)} and is {Kind(json)}.");
        }
    }

    /// <summary>An id that is not hexadecimal is none, so that its span is refused and not the others.</summary>
    private static ByteString Id(string text)
    {
        Span<byte> bytes = stackalloc byte[16];
        return text.Length <= 32 && Convert.FromHexString(text, bytes, out _, out var written) == System.Buffers.OperationStatus.Done
            ? ByteString.CopyFrom(bytes[..written])
            : ByteString.Empty;
    }

    private static string? Number(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Number => json.GetRawText(),
        JsonValueKind.String => json.GetString(),
        _ => null,
    };

    private static string Wanted(FieldType type) => type switch
    {
        FieldType.String => "a string",
        FieldType.Bool => "true or false",
        FieldType.Bytes => "a string with bytes",
        FieldType.Enum => "a number of its enumeration",
        FieldType.Fixed64 => "a whole number of 64 bits, not negative",
        FieldType.Int64 => "a whole number of 64 bits",
        _ => "a number",
    };

    private static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => $"\"{MLflow.TracePreview.Cut(json.GetString()!, 40)}\"",
        JsonValueKind.Number => MLflow.TracePreview.Cut(json.GetRawText(), 40),
        _ => json.GetRawText(),
    };

    private static FrozenDictionary<string, FieldDescriptor> FieldsOf(MessageDescriptor message)
    {
        var fields = new Dictionary<string, FieldDescriptor>();
        foreach (var field in message.Fields.InFieldNumberOrder())
        {
            fields[field.JsonName] = field;
            fields[field.Name] = field;
        }

        return fields.ToFrozenDictionary();
    }
}
