using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Conventions;

/// <summary>
/// Messages as semantic conventions 1.28 to 1.36 have them: one event for each, on the span or as a log record. Semantic Kernel writes the body into an
/// attribute of the event, others write it as the record's body.
/// </summary>
internal static class MessageEvents
{
    public const string Choice = "gen_ai.choice";
    private const string Content = "gen_ai.event.content";
    private const string Prefix = "gen_ai.";
    private const string Suffix = ".message";

    public static string? Inputs(SpanSource source, string suffix)
    {
        var turns = InOrder(source).Where(e => e.Name.EndsWith(suffix, StringComparison.Ordinal) && e.Name.StartsWith(Prefix, StringComparison.Ordinal) && e.Name.Length > Prefix.Length + Suffix.Length)
            .Select(e => Turn(e.Name[Prefix.Length..^Suffix.Length], BodyOf(e))).ToList();
        return turns.Count == 0 ? null : ChatJson.Inputs(turns, GenAiMessages.Settings(source));
    }

    public static string? Outputs(SpanSource source, string name)
    {
        var turns = InOrder(source).Where(e => e.Name == name).Select(e => BodyOf(e)).Select(body =>
        {
            var message = body.Member("message") is { ValueKind: JsonValueKind.Object } inner ? inner : body;
            var turn = Turn("assistant", message) with
            {
                FinishReason = body.String("finish_reason"),
                Index = body.Member("index") is { ValueKind: JsonValueKind.Number } index && index.TryGetInt32(out var number) ? number : null,
            };
            if (turn.Calls.Count == 0)
            {
                // openllmetry puts them beside the message.
                turn.Calls.AddRange(Calls(body));
            }

            return turn;
        }).ToList();
        return turns.Count == 0 ? null : ChatJson.Outputs(turns);
    }

    /// <summary>Of conventions up to 1.27: one event with everything in one attribute.</summary>
    public static Func<SpanSource, string, string?> Attribute(string attribute) => (source, name) =>
        source.Span.Events.Where(e => e.Name == name).SelectMany(e => e.Attributes).FirstOrDefault(a => a.Key == attribute).Value is { } json and not ("null" or "\"\"")
            ? SpanSource.Parse(json).GetRawText()
            : null;

    private static IEnumerable<SpanEventRecord> InOrder(SpanSource source) => source.Span.Events.OrderBy(e => e.TimeNs);

    private static JsonElement BodyOf(SpanEventRecord e)
    {
        foreach (var (key, value) in e.Attributes)
        {
            if (key is Content or SpanEventRecord.Body)
            {
                return SpanSource.Parse(value);
            }
        }

        // Later span events have the parts as attributes of their own.
        return JsonElement.Parse(ChatJson.Write(writer =>
        {
            foreach (var (key, value) in e.Attributes.DistinctBy(attribute => attribute.Key))
            {
                writer.WritePropertyName(key);
                SpanSource.Parse(value).WriteTo(writer);
            }
        }));
    }

    private static ChatTurn Turn(string role, JsonElement message)
    {
        var turn = new ChatTurn
        {
            Role = message.String("role")?.ToLowerInvariant() ?? role,
            Name = message.String("name"),
            CallId = role == "tool" ? message.String("id") ?? message.String("tool_call_id") : null,
        }.Add(message.Member("content"));
        turn.Calls.AddRange(Calls(message));
        return turn;
    }

    private static IEnumerable<ChatCall> Calls(JsonElement message) =>
        from call in SpanSource.Unfold(message.Member("tool_calls")).Items()
        let function = call.Member("function")
        where function.String("name") is not null
        select new ChatCall(call.String("id"), function.String("name")!, function.Member("arguments").Shown() ?? "");
}
