using System.Text.Json;

namespace MLflow.Server.Conventions;

/// <summary>Messages of LangChain as LangSmith writes them, serialised objects: <c>{"lc":1,"id":[…,"HumanMessage"],"kwargs":{"content"}}</c>.</summary>
internal static class LangChainMessages
{
    public static string? Inputs(SpanSource source, string key)
    {
        var messages = source.Value(key).Member("messages");
        if (messages.Items().FirstOrDefault() is { ValueKind: JsonValueKind.Array } first)
        {
            messages = first;
        }

        return Turns(messages) is { Count: > 0 } turns ? ChatJson.Inputs(turns, GenAiMessages.Settings(source)) : source.Json(key);
    }

    public static string? Outputs(SpanSource source, string key)
    {
        var value = source.Value(key);
        var generations = value.Member("generations");
        var messages = generations.Items().SelectMany(list => list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : Enumerable.Repeat(list, 1)).Select(generation => generation.Member("message"));
        var turns = messages.Select(Turn).OfType<ChatTurn>().ToList();
        return turns.Count > 0 ? ChatJson.Outputs(turns) : PlainValues.Answer(source, key);
    }

    private static List<ChatTurn> Turns(JsonElement messages)
    {
        var turns = messages.Items().Select(Turn).ToList();
        return turns.Contains(null) ? [] : turns.OfType<ChatTurn>().ToList();
    }

    private static ChatTurn? Turn(JsonElement message)
    {
        var content = message.Member("kwargs");
        if (content.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var type = message.Member("id").Items().LastOrDefault() is { ValueKind: JsonValueKind.String } last ? last.GetString()! : "";
        var role = type switch
        {
            _ when type.StartsWith("Human", StringComparison.Ordinal) => "user",
            _ when type.StartsWith("AI", StringComparison.Ordinal) => "assistant",
            _ when type.StartsWith("System", StringComparison.Ordinal) => "system",
            _ when type.StartsWith("Tool", StringComparison.Ordinal) => "tool",
            _ => content.String("role") ?? "message",
        };
        var turn = new ChatTurn
        {
            Role = role,
            Name = content.String("name"),
            CallId = content.String("tool_call_id"),
            FinishReason = content.Member("response_metadata").String("finish_reason"),
        }.Add(content.Member("content"));
        turn.Calls.AddRange(
            from call in content.Member("tool_calls").Items()
            where call.String("name") is not null
            select new ChatCall(call.String("id"), call.String("name")!, call.Member("args").Shown() ?? ""));
        return turn;
    }
}
