using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>The parts of a chat completion request that the script looks at.</summary>
internal sealed class ScriptedRequest
{
    /// <exception cref="ScriptedErrorException">The body is not a chat completion request.</exception>
    public ScriptedRequest(JsonObject body)
    {
        Model = ScriptedModels.Require(ScriptedJson.Text(body["model"]), ScriptedModelUse.Chat);
        var messages = body["messages"] is JsonArray { Count: > 0 } list && list.All(message => message is JsonObject)
            ? list.Select(message => message!.AsObject()).ToList()
            : throw ScriptedError.Missing("messages").ToException();
        IReadOnlyList<JsonObject> tools = body["tools"] is JsonArray offered && ScriptedJson.Text(body["tool_choice"]) != "none"
            ? [.. offered.Select(tool => tool?["function"]).OfType<JsonObject>()]
            : [];
        Conversation = new ScriptedConversation(messages, tools, Schema(body["response_format"]));
        Stream = ScriptedJson.IsTrue(body["stream"]);
        IncludeUsage = Stream && body["stream_options"] is JsonObject options && ScriptedJson.IsTrue(options["include_usage"]);
        if (ScriptedJson.Degree(body["temperature"]) is { } degree && degree > 2)
        {
            throw ScriptedError.AboveMaximum("temperature", degree, 2).ToException();
        }

        MaxTokens = ScriptedJson.Number(body["max_completion_tokens"]) ?? ScriptedJson.Number(body["max_tokens"]);
    }

    public string Model { get; }

    public ScriptedConversation Conversation { get; }

    public bool Stream { get; }

    public bool IncludeUsage { get; }

    public int? MaxTokens { get; }

    private static JsonObject? Schema(JsonNode? format) => ScriptedJson.Text(format?["type"]) switch
    {
        null or "text" => null,
        "json_object" => Script.AnyObject,
        "json_schema" => format!["json_schema"]?["schema"] as JsonObject ?? throw ScriptedError.Missing("response_format.json_schema.schema").ToException(),
        var type => throw ScriptedError.UnsupportedValue("response_format.type", type, "text", "json_object", "json_schema").ToException(),
    };
}
