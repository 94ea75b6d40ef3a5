using System.Text.Json;
using MLflow.Server.Traces;

namespace MLflow.Server.Conventions;

/// <summary>Logfire's ways: the events of OpenTelemetry's conventions as a list in one attribute, each with its <c>event.name</c>; an answer as <c>{"message","usage"}</c>.</summary>
internal static class EventLists
{
    public static string? Inputs(SpanSource source, string key) => MessageEvents.Inputs(WithEvents(source, key), ".message");

    public static string? Outputs(SpanSource source, string key) => MessageEvents.Outputs(WithEvents(source, key), MessageEvents.Choice);

    public static string? ResponseData(SpanSource source, string key) =>
        source.Value(key).Member("message") is { ValueKind: JsonValueKind.Object } message ? ChatJson.Choice(message) : source.Json(key);

    private static SpanSource WithEvents(SpanSource source, string key) => new(source.Span with
    {
        Events = [.. source.Value(key).Items().Where(item => item.String("event.name") is not null)
            .Select((item, i) => new SpanEventRecord(item.String("event.name")!, i, [new(SpanEventRecord.Body, item.GetRawText())]))],
    });
}
