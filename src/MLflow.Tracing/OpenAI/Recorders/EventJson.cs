using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>Events of a stream as objects that can be put together.</summary>
internal static class EventJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = JsonText.MaxDepth, AllowDuplicateProperties = false };

    /// <summary>The event's data, or null for what is no JSON object.</summary>
    public static JsonObject? Parse(ReadOnlySpan<byte> data)
    {
        try
        {
            return JsonNode.Parse(JsonText.ReplaceLoneSurrogates(data), documentOptions: Options) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static byte[] ToBytes(JsonObject value)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, JsonText.WriterOptions);
        value.WriteTo(json);
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    public static string? Text(JsonObject? value, string name) => value?[name] is JsonValue text && text.TryGetValue<string>(out var result) ? result : null;

    /// <summary>Moves the fields to another object, but for those named. What the other has already is replaced, though not by null.</summary>
    public static void MoveTo(JsonObject source, JsonObject target, params ReadOnlySpan<string> omitted)
    {
        foreach (var (name, value) in source.ToArray())
        {
            if (!omitted.Contains(name) && (value is not null || !target.ContainsKey(name)))
            {
                source.Remove(name);
                target[name] = value;
            }
        }
    }

    /// <summary>The error that an event reports: <c>{"error":{…}}</c>, or the fields of an event that is one.</summary>
    public static ApiError? Error(ReadOnlySpan<byte> data, JsonObject parsed, ReadOnlySpan<byte> eventName) =>
        eventName.SequenceEqual("error"u8) || Text(parsed, "type") == "error" || parsed["error"] is not null ? ApiErrorReader.ReadBody(data) : null;
}
