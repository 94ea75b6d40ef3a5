using System.Text.Json.Nodes;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>One answer in the shape of a <c>chat.completion</c> or of its <c>chat.completion.chunk</c>s.</summary>
internal sealed class ScriptedCompletion
{
    private readonly ScriptedRequest _request;
    private readonly ScriptedAnswer _answer;
    private readonly string _id = ScriptedId.Completion();
    private readonly long _created;
    private readonly IReadOnlyList<string> _pieces;
    private readonly string _finishReason;

    public ScriptedCompletion(ScriptedRequest request, ScriptedAnswer answer, DateTimeOffset created)
    {
        _request = request;
        _answer = answer;
        _created = created.ToUnixTimeSeconds();
        (_pieces, var isCut) = answer.Take(request.MaxTokens);
        _finishReason = isCut ? "length" : answer.ToolCalls.Count > 0 ? "tool_calls" : "stop";
    }

    public int PieceCount => Math.Max(1, _pieces.Count);

    public JsonObject ToJson()
    {
        var message = new JsonObject { ["role"] = "assistant", ["content"] = _answer.Text is null ? null : string.Concat(_pieces) };
        if (_answer.ToolCalls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. _answer.ToolCalls.Select(call => ToolCall(call.Id, call.Name, call.Arguments))]);
        }

        message["refusal"] = null;
        message["annotations"] = new JsonArray();
        var completion = Envelope("chat.completion");
        completion["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = message,
            ["logprobs"] = null,
            ["finish_reason"] = _finishReason,
        });
        completion["usage"] = Usage();
        return completion;
    }

    public IEnumerable<JsonObject> ToChunks()
    {
        foreach (var delta in Deltas())
        {
            yield return Chunk(delta, finishReason: null);
        }

        yield return Chunk([], _finishReason);
        if (_request.IncludeUsage)
        {
            var last = Envelope("chat.completion.chunk");
            last["choices"] = new JsonArray();
            last["usage"] = Usage();
            yield return last;
        }
    }

    private IEnumerable<JsonObject> Deltas()
    {
        yield return new JsonObject { ["role"] = "assistant", ["content"] = _answer.Text is null ? null : "", ["refusal"] = null };
        foreach (var piece in _pieces)
        {
            yield return new JsonObject { ["content"] = piece };
        }

        for (var index = 0; index < _answer.ToolCalls.Count; index++)
        {
            var call = _answer.ToolCalls[index];
            var begin = ToolCall(call.Id, call.Name, "");
            begin.Insert(0, "index", index);
            yield return new JsonObject { ["tool_calls"] = new JsonArray(begin) };
            foreach (var piece in TextPieces.Split(call.Arguments))
            {
                var more = new JsonObject { ["index"] = index, ["function"] = new JsonObject { ["arguments"] = piece } };
                yield return new JsonObject { ["tool_calls"] = new JsonArray(more) };
            }
        }
    }

    private JsonObject Chunk(JsonObject delta, string? finishReason)
    {
        var chunk = Envelope("chat.completion.chunk");
        chunk["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["delta"] = delta,
            ["logprobs"] = null,
            ["finish_reason"] = finishReason,
        });
        if (_request.IncludeUsage)
        {
            chunk["usage"] = null;
        }

        return chunk;
    }

    private JsonObject Envelope(string kind) => new()
    {
        ["id"] = _id,
        ["object"] = kind,
        ["created"] = _created,
        ["model"] = _request.Model,
        ["service_tier"] = "default",
        ["system_fingerprint"] = "fp_scripted",
    };

    private static JsonObject ToolCall(string id, string name, string arguments) => new()
    {
        ["id"] = id,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = name, ["arguments"] = arguments },
    };

    private JsonObject Usage()
    {
        var prompt = _request.Conversation.Tokens;
        var completion = _pieces.Count + _answer.ToolTokens;
        return new JsonObject
        {
            ["prompt_tokens"] = prompt,
            ["completion_tokens"] = completion,
            ["total_tokens"] = prompt + completion,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = 0, ["audio_tokens"] = 0 },
            ["completion_tokens_details"] = new JsonObject
            {
                ["reasoning_tokens"] = 0,
                ["audio_tokens"] = 0,
                ["accepted_prediction_tokens"] = 0,
                ["rejected_prediction_tokens"] = 0,
            },
        };
    }
}
