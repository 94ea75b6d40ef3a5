using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>Builds a message in the shape of OpenAI's chat completions, which is the shape that MLflow shows, from what other libraries call parts.</summary>
internal sealed class ChatMessageBuilder
{
    private readonly string _role;
    private readonly string? _name;
    private readonly JsonArray _content = [];
    private readonly JsonArray _toolCalls = [];
    private readonly List<JsonObject> _toolResults = [];
    private string? _reasoning;
    private bool _isTextOnly = true;

    public ChatMessageBuilder(string role, string? name = null)
    {
        _role = role;
        _name = name;
    }

    public static AttributeValue Encode(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            node.WriteTo(writer);
        }

        return AttributeValue.FromJson(buffer.WrittenSpan.ToArray());
    }

    public static JsonObject Inputs(IEnumerable<JsonObject> messages) => new() { ["messages"] = new JsonArray([.. messages]) };

    /// <summary>A tool as MLflow shows it.</summary>
    public static JsonObject Tool(string name, string? description, JsonNode? parameters)
    {
        var function = new JsonObject { ["name"] = name };
        if (description is not null)
        {
            function["description"] = description;
        }

        if (parameters is not null)
        {
            function["parameters"] = parameters;
        }

        return new JsonObject { ["type"] = "function", ["function"] = function };
    }

    public static JsonObject Choice(int index, JsonObject message, string? finishReason) =>
        new() { ["index"] = index, ["message"] = message, ["finish_reason"] = finishReason };

    public void AddText(string text) => _content.Add((JsonNode)new JsonObject { ["type"] = "text", ["text"] = text });

    public void AddImage(string url) => AddPart(new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = url } });

    public void AddReasoning(string text) => _reasoning += text;

    public void AddPart(JsonObject part)
    {
        _isTextOnly = false;
        _content.Add((JsonNode)part);
    }

    /// <param name="id">The call's id.</param>
    /// <param name="name">Name of the function.</param>
    /// <param name="arguments">JSON text.</param>
    public void AddToolCall(string? id, string name, string arguments) => _toolCalls.Add((JsonNode)new JsonObject
    {
        ["id"] = id,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = name, ["arguments"] = arguments },
    });

    public void AddToolResult(string? id, string result) =>
        _toolResults.Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = id, ["content"] = result });

    /// <summary>The message; the results of tools are messages of their own.</summary>
    public IEnumerable<JsonObject> Build()
    {
        if (_content.Count > 0 || _toolCalls.Count > 0 || _reasoning is not null || _toolResults.Count == 0)
        {
            yield return Message();
        }

        foreach (var result in _toolResults)
        {
            yield return result;
        }
    }

    /// <summary>The message itself.</summary>
    public JsonObject Message()
    {
        var message = new JsonObject { ["role"] = _role };
        if (_name is not null)
        {
            message["name"] = _name;
        }

        message["content"] = _content.Count == 0 ? null
            : _isTextOnly ? string.Concat(_content.Select(part => (string?)part!["text"]))
            : _content;
        if (_reasoning is not null)
        {
            message["reasoning_content"] = _reasoning;
        }

        if (_toolCalls.Count > 0)
        {
            message["tool_calls"] = _toolCalls;
        }

        return message;
    }
}
