using System.Text.Json;

namespace MLflow.Cli.Traces;

/// <summary>A span in either of MLflow's two shapes: the API's, whose attributes are OTLP's, and that of <c>traces.json</c>, whose attributes are texts that hold JSON.</summary>
internal static class StoredSpan
{
    public const int TraceIdBytes = 16;
    public const int SpanIdBytes = 8;

    /// <summary>Writes it in the shape of <c>traces.json</c>.</summary>
    public static void Write(Utf8JsonWriter json, JsonElement span)
    {
        if (ApiJson.Member(span, "attributes") is { ValueKind: JsonValueKind.Object })
        {
            span.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        foreach (var member in span.EnumerateObject().Where(member => member.Name is not ("attributes" or "events" or "status" or "parent_span_id")))
        {
            member.WriteTo(json);
        }

        json.WriteString("parent_span_id", ApiJson.Text(span, "parent_span_id"));
        json.WriteStartObject("attributes");
        foreach (var (key, value) in Attributes(span))
        {
            json.WriteString(key, value.GetRawText());
        }

        json.WriteEndObject();
        json.WritePropertyName("events");
        WriteEvents(json, span);
        json.WriteStartObject("status");
        var status = ApiJson.Member(span, "status") ?? default;
        json.WriteString("code", ApiJson.Text(status, "code") ?? "STATUS_CODE_UNSET");
        json.WriteString("message", ApiJson.Text(status, "message") ?? "");
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Writes its events in the shape of <c>traces.json</c>.</summary>
    public static void WriteEvents(Utf8JsonWriter json, JsonElement span)
    {
        json.WriteStartArray();
        foreach (var item in ApiJson.Items(span, "events"))
        {
            json.WriteStartObject();
            json.WriteString("name", ApiJson.Text(item, "name"));
            json.WritePropertyName("time_unix_nano");
            (ApiJson.Member(item, "time_unix_nano") ?? JsonElement.Parse("0")).WriteTo(json);
            json.WriteStartObject("attributes");
            foreach (var (key, value) in Values(ApiJson.Member(item, "attributes"), isJsonText: false))
            {
                json.WritePropertyName(key);
                value.WriteTo(json);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>The attributes as the values that they stand for.</summary>
    public static Dictionary<string, JsonElement> Attributes(JsonElement span)
    {
        var attributes = ApiJson.Member(span, "attributes");

        // A plain "123" and the JSON of 123 look the same; the trace's id, which every span has, tells how this client writes.
        var isPlain = attributes is { } map && ApiJson.Text(map, AttributeNames.TraceRequestId) is { } id && !id.StartsWith('"');
        return Values(attributes, isJsonText: !isPlain);
    }

    /// <param name="attributes">A list of OTLP's pairs, or an object.</param>
    /// <param name="isJsonText">Whether texts of an object hold JSON.</param>
    public static Dictionary<string, JsonElement> Values(JsonElement? attributes, bool isJsonText) => attributes switch
    {
        { ValueKind: JsonValueKind.Array } list => AnyValueReader.ReadAttributes(list),
        { ValueKind: JsonValueKind.Object } map => map.EnumerateObject().DistinctBy(member => member.Name).ToDictionary(
            member => member.Name,
            member => isJsonText && member.Value.ValueKind == JsonValueKind.String ? Decode(member.Value) : member.Value),
        _ => [],
    };

    /// <summary>Lowercase hex of an id that is hex or base64; null where it is neither.</summary>
    public static string? HexTraceId(string? id) => Hex(id, TraceIdBytes);

    /// <summary>As <see cref="HexTraceId"/>.</summary>
    public static string? HexSpanId(string? id) => Hex(id, SpanIdBytes);

    private static string? Hex(string? id, int bytes)
    {
        if (id?.Length == 2 * bytes && id.All(char.IsAsciiHexDigit))
        {
            return id.ToLowerInvariant();
        }

        Span<byte> decoded = stackalloc byte[TraceIdBytes];
        return !string.IsNullOrEmpty(id) && Convert.TryFromBase64String(id, decoded, out var length) && length == bytes ? Convert.ToHexStringLower(decoded[..bytes]) : null;
    }

    private static JsonElement Decode(JsonElement text)
    {
        try
        {
            return JsonElement.Parse(text.GetString()!, TraceDocument.ReaderOptions);
        }
        catch (JsonException)
        {
            // NaN, for example, which Python writes and JSON does not know.
            return text;
        }
    }
}
