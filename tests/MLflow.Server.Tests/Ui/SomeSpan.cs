using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using MLflow.Server.Traces;
using MLflow.Server.Ui.Spans;

namespace MLflow.Server.Tests.Ui;

/// <summary>Spans for tests, with times in milliseconds from one start.</summary>
internal static class SomeSpan
{
    public const long OriginNs = 1_795_399_326_000_000_000;

    private static readonly JsonSerializerOptions AsText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static SpanRecord Of(int number, int parent, string type, double startMs, double? endMs, string? name = null, params (string Key, object Value)[] attributes) => new()
    {
        TraceId = "tr-1",
        OtelTraceId = new string('a', 32),
        SpanId = Id(number),
        ParentSpanId = parent == 0 ? null : Id(parent),
        Name = name ?? $"span{number}",
        Type = type,
        Status = endMs is null ? SpanStatus.Unset : SpanStatus.Ok,
        StartNs = Ns(startMs),
        EndNs = endMs is { } end ? Ns(end) : null,
        Attributes = [.. attributes.Select(attribute => KeyValuePair.Create(attribute.Key, JsonSerializer.Serialize(attribute.Value, AsText)))],
    };

    public static SpanRecord Failed(this SpanRecord span, string type, string message, string? stack = null) => span with
    {
        Status = SpanStatus.Error,
        StatusMessage = message,
        Events = [.. span.Events, Event("exception", span.EndNs ?? span.StartNs, [("exception.type", type), ("exception.message", message), .. stack is null ? Array.Empty<(string, object)>() : [("exception.stacktrace", stack)]])],
    };

    public static SpanRecord Attempted(this SpanRecord span, double atMs, double durationMs, int? status, params (string Key, object Value)[] more) => span with
    {
        Events =
        [
            .. span.Events,
            Event("mlflow.openai.attempt", span.StartNs + (long)(atMs * 1e6),
                [("attempt", span.Events.Count + 1), ("duration_ms", durationMs), .. status is { } code ? [("http.response.status_code", code)] : Array.Empty<(string, object)>(), .. more]),
        ],
    };

    /// <summary>Adds text chunks at times from the start of the span.</summary>
    public static SpanRecord Streamed(this SpanRecord span, params (double AtMs, string Text)[] chunks) => span with
    {
        Events = [.. span.Events, .. chunks.Select((chunk, i) => Event($"mlflow.chunk.item.{i}", span.StartNs + (long)(chunk.AtMs * 1e6),
            [("mlflow.chunk.value", JsonSerializer.Serialize(new { choices = new[] { new { delta = new { content = chunk.Text } } } }, AsText))]))],
    };

    public static SpanTree Tree(params SpanRecord[] spans) => SpanTree.Build(spans);

    public static string Id(int number) => number.ToString("x16", CultureInfo.InvariantCulture);

    public static long Ns(double ms) => OriginNs + (long)(ms * 1e6);

    private static SpanEventRecord Event(string name, long timeNs, (string Key, object Value)[] attributes) =>
        new(name, timeNs, [.. attributes.Select(attribute => KeyValuePair.Create(attribute.Key, JsonSerializer.Serialize(attribute.Value, AsText)))]);
}
