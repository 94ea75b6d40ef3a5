using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>The parts of a chat completion request that the script looks at.</summary>
internal sealed class ScriptedRequest
{
    private ScriptedRequest(JsonObject body)
    {
        Model = Text(body["model"]) ?? throw Bad("you must provide a model parameter");
        Messages = body["messages"] is JsonArray { Count: > 0 } messages && messages.All(message => message is JsonObject)
            ? [.. messages.Select(message => message!.AsObject())]
            : throw Bad("Missing required parameter: 'messages'.", "messages");
        Tools = body["tools"] is JsonArray tools ? [.. tools.Select(tool => tool?["function"]).OfType<JsonObject>()] : [];
        Stream = IsTrue(body["stream"]);
        IncludeUsage = Stream && body["stream_options"] is JsonObject options && IsTrue(options["include_usage"]);
        if (body["temperature"] is JsonValue temperature && temperature.TryGetValue(out double degree) && degree > 2)
        {
            throw new ScriptedErrorException(ScriptedError.AboveMaximum("temperature", degree, 2));
        }

        MaxTokens = Number(body["max_completion_tokens"]) ?? Number(body["max_tokens"]);
    }

    public string Model { get; }

    public IReadOnlyList<JsonObject> Messages { get; }

    /// <summary>The <c>function</c> part of each tool that is offered.</summary>
    public IReadOnlyList<JsonObject> Tools { get; }

    public bool Stream { get; }

    public bool IncludeUsage { get; }

    public int? MaxTokens { get; }

    /// <summary>What the user said last.</summary>
    public string Question => Content(Messages.LastOrDefault(message => Text(message["role"]) == "user"));

    /// <exception cref="ScriptedErrorException">The body is not a chat completion request.</exception>
    public static async Task<ScriptedRequest> ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        try
        {
            var node = await JsonNode.ParseAsync(body, cancellationToken: cancellationToken);
            return new ScriptedRequest(node as JsonObject ?? throw Bad("The body of your request is not a JSON object."));
        }
        catch (JsonException)
        {
            throw Bad("We could not parse the JSON body of your request.");
        }
    }

    /// <summary>A message's text, whether it came as a string or as parts.</summary>
    public static string Content(JsonObject? message) => message?["content"] switch
    {
        JsonArray parts => string.Concat(parts.OfType<JsonObject>().Select(part => Text(part["text"]))),
        var content => Text(content) ?? "",
    };

    public static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static bool IsTrue(JsonNode? node) => node is JsonValue value && value.TryGetValue(out bool flag) && flag;

    private static int? Number(JsonNode? node) => node is JsonValue value && value.TryGetValue(out int number) ? number : null;

    private static ScriptedErrorException Bad(string message, string? param = null) => new(ScriptedError.BadRequest(message, param));
}
