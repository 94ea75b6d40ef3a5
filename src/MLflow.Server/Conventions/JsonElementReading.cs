using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>Reading of values whose shape is somebody else's: what is not as expected is absent.</summary>
internal static class JsonElementReading
{
    public static JsonElement Member(this JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    public static string? String(this JsonElement value, string name) =>
        value.Member(name) is { ValueKind: JsonValueKind.String } member ? member.GetString() : null;

    public static IEnumerable<JsonElement> Items(this JsonElement value) => value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    public static bool IsPresent(this JsonElement value) => value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>Text as it is, anything else as JSON without white space; null when absent.</summary>
    public static string? Shown(this JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Object or JsonValueKind.Array => ChatJson.Compact(value),
        _ => value.GetRawText(),
    };
}
