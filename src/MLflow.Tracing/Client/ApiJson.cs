using System.Text.Json;

namespace MLflow;

/// <summary>Reads the answers of a tracking server, and writes its simplest requests.</summary>
internal static class ApiJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = AnyValueReader.MaxDepth };

    /// <exception cref="FormatException">The answer is not what it should be.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> answer, Func<JsonElement, T> read)
    {
        try
        {
            return read(JsonElement.Parse(answer.Span, Options));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new FormatException($"This is no answer as a tracking server of MLflow gives it: {e.Message}", e);
        }
    }

    /// <summary>A member that is there and not null.</summary>
    public static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A member as text: what is no string as its JSON.</summary>
    public static string? Text(JsonElement element, string name) => Member(element, name) is { } value ? Text(value) : null;

    public static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => value.GetRawText(),
    };

    /// <summary>The items of a list; none where it is absent, as lists are that are empty.</summary>
    public static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    /// <summary>An object with these fields.</summary>
    public static byte[] Fields(params ReadOnlySpan<(string Name, string Value)> fields) => ScratchJson.Write(fields.ToArray(), static (json, s) =>
    {
        json.WriteStartObject();
        foreach (var (name, value) in s)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    });
}
