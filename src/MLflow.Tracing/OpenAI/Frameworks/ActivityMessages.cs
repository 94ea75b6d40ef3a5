using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>Turns the messages that frameworks write into their activities (OpenTelemetry's semantic conventions for generative AI, 1.38) to the shape of chat completions.</summary>
internal static class ActivityMessages
{
    /// <summary>Messages as <c>[{"role":"user","parts":[{"type":"text","content":"…"}]}]</c>. Null when the text is something else.</summary>
    public static JsonObject? Inputs(string? instructions, string messages)
    {
        if (Parse(messages) is not JsonArray array)
        {
            return null;
        }

        var result = new List<JsonObject>();
        if (instructions is not null && Parse(instructions) is JsonArray parts)
        {
            result.AddRange(Builder("system", null, parts).Build());
        }

        foreach (var message in array.OfType<JsonObject>())
        {
            result.AddRange(Builder(message).Build());
        }

        return ChatMessageBuilder.Inputs(result);
    }

    public static JsonObject? Outputs(string messages)
    {
        if (Parse(messages) is not JsonArray array)
        {
            return null;
        }

        var choices = new JsonArray();
        foreach (var message in array.OfType<JsonObject>())
        {
            choices.Add((JsonNode)ChatMessageBuilder.Choice(choices.Count, Builder(message).Message(), Text(message["finish_reason"])));
        }

        return new JsonObject { ["choices"] = choices };
    }

    /// <summary>Tools as <c>[{"type":"function","name":"…","parameters":{…}}]</c>.</summary>
    public static JsonArray? Tools(string definitions)
    {
        if (Parse(definitions) is not JsonArray array)
        {
            return null;
        }

        return new JsonArray([.. array.OfType<JsonObject>().Select(tool => Text(tool["name"]) is { } name
            ? ChatMessageBuilder.Tool(name, Text(tool["description"]), tool["parameters"]?.DeepClone())
            : tool.DeepClone())]);
    }

    public static JsonNode? Parse(string json)
    {
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ChatMessageBuilder Builder(JsonObject message) =>
        Builder(Text(message["role"]) ?? "user", Text(message["name"]), message["parts"] as JsonArray ?? []);

    private static ChatMessageBuilder Builder(string role, string? name, JsonArray parts)
    {
        var builder = new ChatMessageBuilder(role, name);
        foreach (var part in parts.OfType<JsonObject>())
        {
            switch (Text(part["type"]))
            {
                case "text":
                    builder.AddText(Text(part["content"]) ?? "");
                    break;
                case "reasoning":
                    builder.AddReasoning(Text(part["content"]) ?? "");
                    break;
                case "tool_call":
                    builder.AddToolCall(Text(part["id"]), Text(part["name"]) ?? "", Text(part["arguments"]) ?? "{}");
                    break;
                case "tool_call_response":
                    builder.AddToolResult(Text(part["id"]), Text(part["response"] ?? part["result"]) ?? "");
                    break;
                default:
                    builder.AddPart((JsonObject)part.DeepClone());
                    break;
            }
        }

        return builder;
    }

    /// <summary>Text as it is, and anything else as JSON.</summary>
    private static string? Text(JsonNode? node) => node switch
    {
        null => null,
        JsonValue value when value.TryGetValue<string>(out var text) => text,
        _ => System.Text.Encoding.UTF8.GetString(ChatMessageBuilder.Encode(node).Json),
    };
}
