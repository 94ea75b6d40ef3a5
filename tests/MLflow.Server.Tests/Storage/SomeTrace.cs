using MLflow.Server.Traces;

namespace MLflow.Server.Tests.Storage;

/// <summary>Spans and infos for tests.</summary>
internal static class SomeTrace
{
    public const long StartMs = 1_795_399_326_000;

    private static int _next;

    public static string NewOtelId() => $"{Interlocked.Increment(ref _next):x8}" + new string('a', 24);

    public static string SpanId(int number) => $"{number:x16}";

    public static SpanRecord Span(
        string otelId,
        int number,
        int? parent = null,
        string name = "span",
        string type = "CHAIN",
        SpanStatus status = SpanStatus.Ok,
        long startMs = 0,
        long? durationMs = 100,
        params (string Key, string Json)[] attributes) => new()
        {
            TraceId = "tr-" + otelId,
            OtelTraceId = otelId,
            SpanId = SpanId(number),
            ParentSpanId = parent is { } p ? SpanId(p) : null,
            Name = name,
            Type = type,
            Status = status,
            StartNs = (StartMs + startMs) * 1_000_000,
            EndNs = durationMs is { } d ? (StartMs + startMs + d) * 1_000_000 : null,
            Attributes = [.. attributes.Select(attribute => KeyValuePair.Create(attribute.Key, attribute.Json))],
        };

    public static TraceInfo Info(string otelId, long experimentId = 0, TraceState state = TraceState.Ok, long startMs = 0) => new()
    {
        TraceId = "tr-" + otelId,
        ExperimentId = experimentId,
        RequestTimeMs = StartMs + startMs,
        DurationMs = 100,
        State = state,
    };

    public static TraceBatch Batch(params SpanRecord[] spans) => new() { Spans = spans };
}
