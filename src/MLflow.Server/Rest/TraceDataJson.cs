using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Rest;

/// <summary>
/// The spans of a trace as in MLflow's <c>traces.json</c>: <c>{"spans":[{"trace_id":"rj1W…","span_id":"Jl5Sh1+ucl8=","parent_span_id":null,…}]}</c>,
/// ids in base64, each attribute a string that holds JSON. TypeScript clients send attributes as plain values and wrong trace ids.
/// </summary>
internal static class TraceDataJson
{
    /// <summary>Bytes of ids; clients send them in base64 or in hexadecimal.</summary>
    private const int TraceIdBytes = 16;
    private const int SpanIdBytes = 8;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = StoredJson.MaxDepth };

    /// <param name="writer">Within an object.</param>
    /// <param name="spans">All spans of a trace.</param>
    /// <param name="plain">Attributes as plain values, as TypeScript clients write and read them.</param>
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<SpanRecord> spans, bool plain) =>
        writer.WriteArray("spans", spans, (w, span) => WriteSpan(w, span, plain));

    /// <exception cref="MlflowException">BAD_REQUEST: not such a document.</exception>
    public static IReadOnlyList<SpanRecord> Read(ReadOnlyMemory<byte> json, string traceId)
    {
        try
        {
            using var document = JsonDocument.Parse(RequestJson.WholeCharacters(json), Options);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("spans", out var spans) && spans.ValueKind == JsonValueKind.Array
                ? [.. spans.EnumerateArray().Select(span => ReadSpan(span, traceId))]
                : throw new MlflowException(ErrorCode.BAD_REQUEST, "traces.json must be an object with the list 'spans'.");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new MlflowException(ErrorCode.BAD_REQUEST, $"traces.json of trace '{traceId}' cannot be read: {e.Message}");
        }
    }

    private static void WriteSpan(Utf8JsonWriter writer, SpanRecord span, bool plain)
    {
        writer.WriteStartObject();
        writer.WriteBase64String("trace_id", Convert.FromHexString(span.OtelTraceId));
        writer.WriteBase64String("span_id", Convert.FromHexString(span.SpanId));
        if (span.ParentSpanId is null && plain)
        {
            writer.WriteString("parent_span_id", string.Empty);
        }
        else if (span.ParentSpanId is null)
        {
            writer.WriteNull("parent_span_id");
        }
        else
        {
            writer.WriteBase64String("parent_span_id", Convert.FromHexString(span.ParentSpanId));
        }

        writer.WriteString("name", span.Name);
        writer.WriteNumber("start_time_unix_nano", span.StartNs);
        writer.WritePropertyName("end_time_unix_nano");
        if (span.EndNs is { } end)
        {
            writer.WriteNumberValue(end);
        }
        else
        {
            writer.WriteNullValue();
        }

        writer.WriteArray("events", span.Events, WriteEvent);
        writer.WriteStartObject("status");
        writer.WriteString("code", $"STATUS_CODE_{span.Status.ToString().ToUpperInvariant()}");
        writer.WriteString("message", span.StatusMessage ?? string.Empty);
        writer.WriteEndObject();
        writer.WriteStartObject("attributes");
        if (span[AttributeNames.TraceRequestId] is null)
        {
            WriteAttribute(writer, AttributeNames.TraceRequestId, StoredJson.Quote(span.TraceId), plain);
        }

        foreach (var (key, value) in span.Attributes)
        {
            WriteAttribute(writer, key, value, plain);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteAttribute(Utf8JsonWriter writer, string key, string json, bool plain)
    {
        writer.WritePropertyName(key);
        if (plain)
        {
            writer.WriteRawValue(json, skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(json);
        }
    }

    private static void WriteEvent(Utf8JsonWriter writer, SpanEventRecord @event)
    {
        writer.WriteStartObject();
        writer.WriteString("name", @event.Name);
        writer.WriteNumber("time_unix_nano", @event.TimeNs);
        writer.WriteStartObject("attributes");
        foreach (var (key, value) in @event.Attributes)
        {
            writer.WritePropertyName(key);
            writer.WriteRawValue(value, skipInputValidation: true);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static SpanRecord ReadSpan(JsonElement span, string traceId)
    {
        if (Optional(span, "context") is { ValueKind: JsonValueKind.Object } context)
        {
            return ReadOldSpan(span, context, traceId);
        }

        var attributes = ReadAttributes(span);
        var parent = Optional(span, "parent_span_id")?.GetString();
        var status = Optional(span, "status") is { ValueKind: JsonValueKind.Object } value ? value : (JsonElement?)null;
        return new SpanRecord
        {
            TraceId = traceId,
            OtelTraceId = OtelTraceId(traceId, span),
            SpanId = Id(Text(span, "span_id"), SpanIdBytes),
            ParentSpanId = string.IsNullOrEmpty(parent) ? null : Id(parent, SpanIdBytes),
            Name = Optional(span, "name")?.GetString() ?? string.Empty,
            Type = TypeOf(attributes),
            Status = StatusOf(status is { } s ? Optional(s, "code")?.GetString() : null),
            StatusMessage = status is { } t && Optional(t, "message")?.GetString() is { Length: > 0 } message ? message : null,
            StartNs = span.GetProperty("start_time_unix_nano").GetInt64(),
            EndNs = Optional(span, "end_time_unix_nano")?.GetInt64(),
            Attributes = attributes,
            Events = [.. (Optional(span, "events")?.EnumerateArray() ?? default).Select(ReadEvent)],
        };
    }

    /// <summary>As clients before 3.0 write it: <c>{"name":…,"context":{"trace_id":"0x…","span_id":"0x…"},"parent_id":null,"start_time":…,"status_code":"OK",…}</c></summary>
    private static SpanRecord ReadOldSpan(JsonElement span, JsonElement context, string traceId)
    {
        var attributes = ReadAttributes(span);
        var parent = Optional(span, "parent_id")?.GetString();
        return new SpanRecord
        {
            TraceId = traceId,
            OtelTraceId = OldId(Text(context, "trace_id"), TraceIdBytes),
            SpanId = OldId(Text(context, "span_id"), SpanIdBytes),
            ParentSpanId = string.IsNullOrEmpty(parent) ? null : OldId(parent, SpanIdBytes),
            Name = Optional(span, "name")?.GetString() ?? string.Empty,
            Type = TypeOf(attributes),
            Status = StatusOf(Optional(span, "status_code")?.GetString()),
            StatusMessage = Optional(span, "status_message")?.GetString() is { Length: > 0 } message ? message : null,
            StartNs = span.GetProperty("start_time").GetInt64(),
            EndNs = Optional(span, "end_time")?.GetInt64(),
            Attributes = attributes,
            Events = [.. (Optional(span, "events")?.EnumerateArray() ?? default).Select(ReadEvent)],
        };
    }

    // Some wrote the number as it is, without leading zeros.
    private static string OldId(string text, int bytes) => Id(text.StartsWith("0x", StringComparison.Ordinal) ? text[2..].PadLeft(2 * bytes, '0') : text, bytes);

    private static string TypeOf(List<KeyValuePair<string, string>> attributes) =>
        attributes.Find(attribute => attribute.Key == AttributeNames.SpanType).Value is { } type && StoredJson.String(type) is { Length: > 0 } name ? name : SpanType.Unknown;

    private static SpanStatus StatusOf(string? code) => code switch
    {
        "STATUS_CODE_OK" or "OK" => SpanStatus.Ok,
        "STATUS_CODE_ERROR" or "ERROR" => SpanStatus.Error,
        _ => SpanStatus.Unset,
    };

    private static SpanEventRecord ReadEvent(JsonElement @event) => new(
        Optional(@event, "name")?.GetString() ?? string.Empty,
        (Optional(@event, "time_unix_nano") ?? Optional(@event, "timestamp"))?.GetInt64() ?? 0,
        Optional(@event, "attributes") is { ValueKind: JsonValueKind.Object } attributes
            ? [.. attributes.EnumerateObject().Select(attribute => KeyValuePair.Create(attribute.Name, attribute.Value.GetRawText()))]
            : []);

    private static List<KeyValuePair<string, string>> ReadAttributes(JsonElement span)
    {
        if (Optional(span, "attributes") is not { ValueKind: JsonValueKind.Object } attributes)
        {
            return [];
        }

        // A plain "123" and the JSON of 123 look the same; the trace's id, which every span has, tells how this client writes.
        var plain = attributes.TryGetProperty(AttributeNames.TraceRequestId, out var id) && id.ValueKind == JsonValueKind.String && !id.GetString()!.StartsWith('"');
        return [.. attributes.EnumerateObject().Select(attribute => KeyValuePair.Create(attribute.Name, AttributeText(attribute.Value, plain)))];
    }

    private static string AttributeText(JsonElement value, bool plain)
    {
        if (plain || value.ValueKind != JsonValueKind.String)
        {
            return StoredJson.Structure(value.GetRawText());
        }

        var text = value.GetString()!;
        return StoredJson.IsJson(text) ? StoredJson.Structure(text) : StoredJson.Quote(text);
    }

    private static string OtelTraceId(string traceId, JsonElement span)
    {
        const string Prefix = "tr-";
        return traceId.StartsWith(Prefix, StringComparison.Ordinal) && IsHex(traceId[Prefix.Length..], TraceIdBytes)
            ? traceId[Prefix.Length..]
            : Id(Text(span, "trace_id"), TraceIdBytes);
    }

    private static string Id(string text, int bytes)
    {
        if (IsHex(text, bytes))
        {
            return text.ToLowerInvariant();
        }

        var id = Convert.FromBase64String(text);
        return id.Length == bytes ? Convert.ToHexStringLower(id) : throw new FormatException($"the id '{text}' must have {bytes} bytes");
    }

    private static bool IsHex(string text, int bytes) => text.Length == 2 * bytes && text.All(char.IsAsciiHexDigit);

    private static string Text(JsonElement value, string property) =>
        value.GetProperty(property).GetString() ?? throw new FormatException($"'{property}' must be a text and not null");

    private static JsonElement? Optional(JsonElement value, string property) =>
        value.TryGetProperty(property, out var found) && found.ValueKind != JsonValueKind.Null ? found : null;
}
