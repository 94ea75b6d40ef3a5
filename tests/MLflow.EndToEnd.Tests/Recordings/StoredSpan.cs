using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>A span as the server's API tells it, with attributes decoded to JSON.</summary>
public sealed class StoredSpan
{
    public StoredSpan(JsonElement span)
    {
        Name = span.GetProperty("name").GetString()!;
        var status = span.GetProperty("status");
        StatusCode = status.TryGetProperty("code", out var code) ? code.GetString()! : "STATUS_CODE_UNSET";
        StatusMessage = status.TryGetProperty("message", out var message) ? message.GetString()! : "";
        Attributes = KeyValues(span, "attributes");
        Events = span.TryGetProperty("events", out var events)
            ? [.. events.EnumerateArray().Select(e => (e.GetProperty("name").GetString()!, KeyValues(e, "attributes")))]
            : [];
    }

    public string Name { get; }

    public string StatusCode { get; }

    public string StatusMessage { get; }

    public JsonObject Attributes { get; }

    public IReadOnlyList<(string Name, JsonObject Attributes)> Events { get; }

    private static JsonObject KeyValues(JsonElement element, string name)
    {
        var result = new JsonObject();
        if (element.TryGetProperty(name, out var list))
        {
            foreach (var pair in list.EnumerateArray())
            {
                result[pair.GetProperty("key").GetString()!] = pair.TryGetProperty("value", out var value) ? Decode(value) : null;
            }
        }

        return result;
    }

    private static JsonNode? Decode(JsonElement anyValue)
    {
        foreach (var kind in anyValue.EnumerateObject())
        {
            switch (kind.Name)
            {
                case "array_value":
                    var items = kind.Value.TryGetProperty("values", out var values) ? values.EnumerateArray().Select(Decode) : [];
                    return new JsonArray([.. items]);
                case "kvlist_value":
                    return KeyValues(kind.Value, "values");
                default:
                    return JsonNode.Parse(kind.Value.GetRawText());
            }
        }

        return null;
    }
}
