using System.Text.Json;
using System.Text.Json.Nodes;

namespace MLflow;

/// <summary>
/// Merges the events of an assistant's run (<c>thread.run.*</c>, <c>thread.message.*</c>, <c>thread.run.step.*</c>) to the run as it was last said, with
/// its steps under <c>steps</c>, its messages under <c>messages</c> and a thread that was created for it under <c>thread</c>; deltas are joined.
/// </summary>
internal sealed class RunStreamMerge : IStreamMerge
{
    /// <summary>Texts of which deltas bring pieces; other texts are said whole.</summary>
    private static readonly string[] Growing = ["value", "arguments", "input", "logs", "refusal", "text"];

    private readonly Dictionary<string, JsonObject> _steps = [];
    private readonly Dictionary<string, JsonObject> _messages = [];
    private JsonObject? _run;
    private JsonObject? _thread;
    private ApiError? _error;

    public bool TryAdd(ReadOnlySpan<byte> eventName, ReadOnlySpan<byte> data, out bool hasContent)
    {
        hasContent = false;
        if (EventJson.Parse(data) is not { } parsed)
        {
            return false;
        }

        if (eventName.SequenceEqual("error"u8))
        {
            _error = ApiErrorReader.ReadBody(data) ?? _error;
            return true;
        }

        switch (EventJson.Text(parsed, "object"))
        {
            case "thread.run":
                _run = parsed;
                break;
            case "thread":
                _thread = parsed;
                break;
            case "thread.run.step":
                Say(_steps, parsed, "step_details");
                break;
            case "thread.run.step.delta":
                hasContent = Join(_steps, parsed);
                break;
            case "thread.message":
                Say(_messages, parsed, "content");
                break;
            case "thread.message.delta":
                hasContent = Join(_messages, parsed);
                break;
        }

        return true;
    }

    public void Complete(RecordedFields fields)
    {
        var status = EventJson.Text(_run, "status");
        JsonObject answer = _run ?? [];
        if (_thread is not null)
        {
            answer["thread"] = _thread;
        }

        AddList(answer, "steps", _steps);
        AddList(answer, "messages", _messages);
        if (answer.Count > 0)
        {
            ResponseReader.Read(EventJson.ToBytes(answer), fields);
        }

        fields.FinishReason = status;
        fields.Session ??= EventJson.Text(_run, "thread_id");
        fields.IsStreamComplete = status is "completed" or "requires_action" or "failed" or "cancelled" or "expired" or "incomplete";
        fields.Error = _error ?? (status == "failed" && _run!["last_error"] is JsonObject last
            ? new ApiError(EventJson.Text(last, "message"), null, EventJson.Text(last, "code"))
            : null);
    }

    /// <summary>An object as it is now. Its content counts once there is any: while deltas come, it is said to be empty.</summary>
    private static void Say(Dictionary<string, JsonObject> known, JsonObject said, string contentName)
    {
        var id = EventJson.Text(said, "id") ?? "";
        if (known.TryGetValue(id, out var before) && IsEmpty(said[contentName]) && before[contentName] is { } content)
        {
            before.Remove(contentName);
            said[contentName] = content;
        }

        known[id] = said;
    }

    private static bool IsEmpty(JsonNode? content) =>
        content is null or JsonArray { Count: 0 } || (content is JsonObject details && details["tool_calls"] is JsonArray { Count: 0 });

    private static bool Join(Dictionary<string, JsonObject> known, JsonObject parsed)
    {
        if (parsed["delta"] is not JsonObject delta)
        {
            return false;
        }

        var id = EventJson.Text(parsed, "id") ?? "";
        if (!known.TryGetValue(id, out var target))
        {
            known[id] = target = new JsonObject { ["id"] = id };
        }

        Merge(target, delta);
        return true;
    }

    private static void Merge(JsonObject target, JsonObject delta)
    {
        foreach (var (name, value) in delta)
        {
            switch (value)
            {
                case JsonObject child when target[name] is JsonObject before:
                    Merge(before, child);
                    break;
                case JsonObject child:
                    JsonObject added = [];
                    target[name] = added;
                    Merge(added, child);
                    break;
                case JsonArray items:
                    MergeItems(target, name, items);
                    break;
                case JsonValue text when text.GetValueKind() == JsonValueKind.String && Growing.Contains(name) && EventJson.Text(target, name) is { } begin:
                    target[name] = begin + text.GetValue<string>();
                    break;
                case null when target.ContainsKey(name):
                    break;
                default:
                    target[name] = value?.DeepClone();
                    break;
            }
        }
    }

    /// <summary>Items of one <c>index</c> are pieces of one item; the index is not part of the result.</summary>
    private static void MergeItems(JsonObject target, string name, JsonArray items)
    {
        if (target[name] is not JsonArray known)
        {
            target[name] = known = [];
        }

        foreach (var item in items)
        {
            if (item is not JsonObject piece || piece["index"] is not JsonValue position || !position.TryGetValue<int>(out var index) || index < 0 || index > known.Count)
            {
                known.Add(item?.DeepClone());
                continue;
            }

            if (index == known.Count)
            {
                known.Add((JsonNode)new JsonObject());
            }

            if (known[index] is JsonObject before)
            {
                piece.Remove("index");
                Merge(before, piece);
            }
        }
    }

    private static void AddList(JsonObject answer, string name, Dictionary<string, JsonObject> items)
    {
        if (items.Count > 0)
        {
            JsonArray list = [];
            foreach (var item in items.Values)
            {
                list.Add((JsonNode)item);
            }

            answer[name] = list;
        }
    }
}
