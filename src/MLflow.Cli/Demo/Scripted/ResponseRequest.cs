using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>The parts of a request to the Responses API that the script looks at, with the conversation that it continues.</summary>
internal sealed class ResponseRequest
{
    private const int MaxCharacters = 512 * 1024;

    /// <exception cref="ScriptedErrorException">The body is not a request for a response that can be given.</exception>
    public ResponseRequest(JsonObject body, ResponseMemory memory)
    {
        Body = body;
        Model = ScriptedModels.Require(ScriptedJson.Text(body["model"]), ScriptedModelUse.Chat);
        if (ScriptedJson.IsTrue(body["background"]))
        {
            throw ScriptedError.UnsupportedValue("background", "true", "false").ToException();
        }

        if (ScriptedJson.Degree(body["temperature"]) is { } degree && degree > 2)
        {
            throw ScriptedError.AboveMaximum("temperature", degree, 2).ToException();
        }

        var input = Messages(body["input"]);
        History = ScriptedJson.Text(body["previous_response_id"]) is { } previous ? [.. memory.Recall(previous), .. input] : input;
        if (History.Sum(message => ScriptedConversation.Content(message).Length + (message["tool_calls"]?.ToJsonString().Length ?? 0)) > MaxCharacters)
        {
            throw ScriptedError.ContextTooLong.ToException();
        }

        // Instructions hold for one response: they are not part of what is remembered.
        IReadOnlyList<JsonObject> messages = ScriptedJson.Text(body["instructions"]) is { } instructions ? [Message("system", instructions), .. History] : History;
        Conversation = new ScriptedConversation(messages, Tools(body), Schema(body["text"]?["format"]));
        Stream = ScriptedJson.IsTrue(body["stream"]);
        MaxTokens = ScriptedJson.Number(body["max_output_tokens"]);
    }

    /// <summary>The request as it came: a response repeats much of it.</summary>
    public JsonObject Body { get; }

    public string Model { get; }

    public ScriptedConversation Conversation { get; }

    /// <summary>What a later request may continue.</summary>
    public IReadOnlyList<JsonObject> History { get; }

    public bool Stream { get; }

    public int? MaxTokens { get; }

    public bool IsStored => ScriptedJson.Flag(Body["store"]) ?? true;

    public static JsonObject Message(string role, string? content) => new() { ["role"] = role, ["content"] = content };

    public static JsonObject ToolCall(string id, string name, string arguments)
    {
        var message = Message("assistant", content: null);
        message["tool_calls"] = new JsonArray(new JsonObject
        {
            ["id"] = id,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = name, ["arguments"] = arguments },
        });
        return message;
    }

    private static List<JsonObject> Messages(JsonNode? input) => input switch
    {
        JsonArray { Count: > 0 } items => [.. items.SelectMany((item, index) => FromItem(item as JsonObject ?? [], $"input[{index}]"))],
        _ when ScriptedJson.Text(input) is { } text => [Message("user", text)],
        _ => throw ScriptedError.Missing("input").ToException(),
    };

    private static IEnumerable<JsonObject> FromItem(JsonObject item, string param)
    {
        string Required(string name) => ScriptedJson.Text(item[name]) ?? throw ScriptedError.Missing($"{param}.{name}").ToException();
        return (ScriptedJson.Text(item["type"]) ?? "message") switch
        {
            "message" => [Message(Required("role"), ScriptedConversation.ContentOf(item["content"]))],
            "function_call" => [ToolCall(Required("call_id"), Required("name"), Required("arguments"))],
            "function_call_output" => [ToolResult(Required("call_id"), ScriptedConversation.ContentOf(item["output"]))],
            "reasoning" => [],
            var type => throw ScriptedError.UnsupportedValue($"{param}.type", type, "message", "function_call", "function_call_output", "reasoning").ToException(),
        };
    }

    private static JsonObject ToolResult(string callId, string output)
    {
        var message = Message("tool", output);
        message["tool_call_id"] = callId;
        return message;
    }

    private static List<JsonObject> Tools(JsonObject body)
    {
        var tools = new List<JsonObject>();
        foreach (var tool in (body["tools"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (ScriptedJson.Text(tool["type"]) is var type && type != "function")
            {
                throw ScriptedError.UnsupportedValue($"tools[{tools.Count}].type", type ?? "", "function").ToException();
            }

            tools.Add(tool);
        }

        return ScriptedJson.Text(body["tool_choice"]) == "none" ? [] : tools;
    }

    private static JsonObject? Schema(JsonNode? format) => ScriptedJson.Text(format?["type"]) switch
    {
        null or "text" => null,
        "json_object" => Script.AnyObject,
        "json_schema" => format!["schema"] as JsonObject ?? throw ScriptedError.Missing("text.format.schema").ToException(),
        var type => throw ScriptedError.UnsupportedValue("text.format.type", type, "text", "json_object", "json_schema").ToException(),
    };
}
