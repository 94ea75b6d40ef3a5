using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <content>Spans of a trace without their contents, and the contents of some of them.</content>
public abstract partial class TraceStoreConformance
{
    [Fact]
    public async Task Skeleton_OfATrace_HasTheOrderAndTheFiguresOfItsSpans()
    {
        var id = NewOtelId();
        await Store.WriteAsync(
            Batch(
                Span(id, 1, name: "ask 東京", type: "AGENT", attributes: [("mlflow.spanInputs", """{"q": "東京?"}""")]),
                Span(id, 2, 1, type: "CHAT_MODEL", startMs: 1, attributes: [("mlflow.llm.model", "\"gpt-4o\""), ("mlflow.chat.tokenUsage", """{"input_tokens": 9, "output_tokens": 2, "total_tokens": 12, "cache_read_input_tokens": 4}"""),
                    ("mlflow.llm.cost", """{"input_cost": 0.5, "output_cost": 0.25, "total_cost": 0.75}"""), ("mlflow.stream.time_to_first_token_ms", "17"), ("mlflow.stream.end", "\"truncated\"")]),
                Span(id, 3, 1, status: SpanStatus.Error, startMs: 2) with
                {
                    StatusMessage = "no \"way\"",
                    Events = [new SpanEventRecord("exception", 7, [new("exception.type", "\"A.B\""), new("exception.message", "\"no \\\"way\\\"\"")])],
                },
                Span(id, 4, 1, status: SpanStatus.Error, startMs: 3) with { StatusMessage = "told in the status only" },
                Span(id, 5, 99, startMs: 4, durationMs: null)),
            Cancellation);

        var whole = await Store.GetSpansAsync("tr-" + id, Cancellation);
        var skeleton = await Store.GetSkeletonAsync("tr-" + id, Cancellation);

        Assert.Equal(whole.Select(SpanFacts.From), skeleton.Select(SpanFacts.From));
        Assert.Equal(whole.Select(span => (span.TraceId, span.OtelTraceId, span.Type, span.StatusMessage)), skeleton.Select(span => (span.TraceId, span.OtelTraceId, span.Type, span.StatusMessage)));
        Assert.All(skeleton, span => Assert.True(span.IsSkeleton));
        Assert.Null(skeleton[0]["mlflow.spanInputs"]);
        Assert.Empty(await Store.GetSkeletonAsync("tr-" + NewOtelId(), Cancellation));
    }

    [Fact]
    public async Task GetSpans_SomeOfATrace_AreThoseOfTheWhole()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Conversation(id)), Cancellation);
        await Store.WriteLogsAsync([new SpanLogRecord(id, SpanId(3), new SpanEventRecord("log", 1, [])), new SpanLogRecord(id, SpanId(4), new SpanEventRecord("log", 1, []))], Cancellation);
        var whole = await Store.GetSpansAsync("tr-" + id, Cancellation);

        foreach (var some in (int[][])[[3], [1], [Turns], [2, 3, 9], [.. Enumerable.Range(1, Turns)], []])
        {
            var read = await Store.GetSpansAsync("tr-" + id, [.. some.Select(SpanId), "ffffffffffffffff"], Cancellation);

            Assert.Equivalent(whole.Where(span => some.Contains(Convert.ToInt32(span.SpanId, 16))), read, strict: true);
        }

        Assert.Empty(await Store.GetSpansAsync("tr-" + NewOtelId(), [SpanId(1)], Cancellation));
    }
}
