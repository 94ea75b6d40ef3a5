using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>One answer in the shape of a <c>response</c> or of the events that stream it.</summary>
internal sealed class ScriptedResponse
{
    private readonly ResponseRequest _request;
    private readonly ScriptedAnswer _answer;
    private readonly IReadOnlyList<string> _pieces;
    private readonly bool _isCut;
    private readonly long _created;
    private readonly string _messageId = ScriptedId.Message();
    private readonly IReadOnlyList<string> _callItemIds;
    private int _sequenceNumber;

    public ScriptedResponse(ResponseRequest request, ScriptedAnswer answer, DateTimeOffset created)
    {
        _request = request;
        _answer = answer;
        _created = created.ToUnixTimeSeconds();
        (_pieces, _isCut) = answer.Take(request.MaxTokens);
        _callItemIds = [.. answer.ToolCalls.Select(_ => ScriptedId.FunctionCall())];
    }

    public string Id { get; } = ScriptedId.Response();

    public int PieceCount => Math.Max(1, _pieces.Count);

    /// <summary>The conversation with this answer in it.</summary>
    public IReadOnlyList<JsonObject> History =>
    [
        .. _request.History,
        .. _answer.Text is null ? [] : new[] { ResponseRequest.Message("assistant", string.Concat(_pieces)) },
        .. _answer.ToolCalls.Select(call => ResponseRequest.ToolCall(call.Id, call.Name, call.Arguments)),
    ];

    private string Status => _isCut ? "incomplete" : "completed";

    public JsonObject ToJson(DateTimeOffset completed)
    {
        var response = Envelope(Status);
        response["completed_at"] = _isCut ? null : completed.ToUnixTimeSeconds();
        response["output"] = new JsonArray([.. Output()]);
        response["usage"] = Usage();
        return response;
    }

    public IEnumerable<JsonObject> ToEvents(TimeProvider timeProvider)
    {
        yield return Event("response.created", ("response", Envelope("in_progress")));
        yield return Event("response.in_progress", ("response", Envelope("in_progress")));
        foreach (var each in _answer.Text is null ? CallEvents() : MessageEvents())
        {
            yield return each;
        }

        yield return Event("response." + Status, ("response", ToJson(timeProvider.GetUtcNow())));
    }

    private IEnumerable<JsonObject> MessageEvents()
    {
        const int Index = 0;
        var text = string.Concat(_pieces);
        yield return Event("response.output_item.added", ("output_index", Index), ("item", Message("in_progress")));
        yield return Event("response.content_part.added", ("item_id", _messageId), ("output_index", Index), ("content_index", 0), ("part", Part("")));
        foreach (var piece in _pieces)
        {
            yield return Event("response.output_text.delta", ("item_id", _messageId), ("output_index", Index), ("content_index", 0), ("delta", piece), ("logprobs", new JsonArray()));
        }

        yield return Event("response.output_text.done", ("item_id", _messageId), ("output_index", Index), ("content_index", 0), ("text", text), ("logprobs", new JsonArray()));
        yield return Event("response.content_part.done", ("item_id", _messageId), ("output_index", Index), ("content_index", 0), ("part", Part(text)));
        yield return Event("response.output_item.done", ("output_index", Index), ("item", Message(Status)));
    }

    private IEnumerable<JsonObject> CallEvents()
    {
        for (var index = 0; index < _answer.ToolCalls.Count; index++)
        {
            var call = _answer.ToolCalls[index];
            var itemId = _callItemIds[index];
            yield return Event("response.output_item.added", ("output_index", index), ("item", FunctionCall(index, "in_progress", arguments: "")));
            foreach (var piece in TextPieces.Split(call.Arguments))
            {
                yield return Event("response.function_call_arguments.delta", ("item_id", itemId), ("output_index", index), ("delta", piece));
            }

            yield return Event("response.function_call_arguments.done", ("item_id", itemId), ("output_index", index), ("name", call.Name), ("arguments", call.Arguments));
            yield return Event("response.output_item.done", ("output_index", index), ("item", FunctionCall(index, "completed", call.Arguments)));
        }
    }

    private JsonObject Event(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> fields)
    {
        var data = new JsonObject { ["type"] = type, ["sequence_number"] = _sequenceNumber++ };
        foreach (var (name, value) in fields)
        {
            data[name] = value;
        }

        return data;
    }

    private IEnumerable<JsonObject> Output() =>
        _answer.Text is null ? _answer.ToolCalls.Select((call, index) => FunctionCall(index, "completed", call.Arguments)) : [Message(Status)];

    private JsonObject Message(string status) => new()
    {
        ["id"] = _messageId,
        ["type"] = "message",
        ["status"] = status,
        ["content"] = status == "in_progress" ? new JsonArray() : new JsonArray(Part(string.Concat(_pieces))),
        ["role"] = "assistant",
    };

    private static JsonObject Part(string text) => new()
    {
        ["type"] = "output_text",
        ["annotations"] = new JsonArray(),
        ["logprobs"] = new JsonArray(),
        ["text"] = text,
    };

    private JsonObject FunctionCall(int index, string status, string arguments) => new()
    {
        ["id"] = _callItemIds[index],
        ["type"] = "function_call",
        ["status"] = status,
        ["arguments"] = arguments,
        ["call_id"] = _answer.ToolCalls[index].Id,
        ["name"] = _answer.ToolCalls[index].Name,
    };

    private JsonObject Envelope(string status) => new()
    {
        ["id"] = Id,
        ["object"] = "response",
        ["created_at"] = _created,
        ["status"] = status,
        ["background"] = false,
        ["completed_at"] = null,
        ["error"] = null,
        ["incomplete_details"] = status == "incomplete" ? new JsonObject { ["reason"] = "max_output_tokens" } : null,
        ["instructions"] = Asked("instructions"),
        ["max_output_tokens"] = _request.MaxTokens,
        ["max_tool_calls"] = null,
        ["model"] = _request.Model,
        ["output"] = new JsonArray(),
        ["parallel_tool_calls"] = Asked("parallel_tool_calls") ?? true,
        ["previous_response_id"] = Asked("previous_response_id"),
        ["reasoning"] = new JsonObject { ["effort"] = null, ["summary"] = null },
        ["service_tier"] = "default",
        ["store"] = _request.IsStored,
        ["temperature"] = Asked("temperature") ?? 1.0,
        ["text"] = Asked("text") ?? new JsonObject { ["format"] = new JsonObject { ["type"] = "text" }, ["verbosity"] = "medium" },
        ["tool_choice"] = Asked("tool_choice") ?? "auto",
        ["tools"] = Asked("tools") ?? new JsonArray(),
        ["top_p"] = Asked("top_p") ?? 1.0,
        ["truncation"] = "disabled",
        ["usage"] = null,
        ["user"] = Asked("user"),
        ["metadata"] = Asked("metadata") ?? new JsonObject(),
    };

    private JsonNode? Asked(string name) => _request.Body[name]?.DeepClone();

    private JsonObject Usage()
    {
        var input = _request.Conversation.Tokens;
        var output = _pieces.Count + _answer.ToolTokens;
        return new JsonObject
        {
            ["input_tokens"] = input,
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = 0 },
            ["output_tokens"] = output,
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0 },
            ["total_tokens"] = input + output,
        };
    }
}
