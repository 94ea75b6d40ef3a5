using System.Globalization;
using System.Text.Json;
using CsCheck;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <content>Parts of a trace that come in any order, more than once, from many writers, or not at all.</content>
public abstract partial class TraceStoreConformance
{
    private static readonly TimeSpan AnHour = TimeSpan.FromHours(1);

    [Fact]
    public async Task Write_ProcessStopsBeating_IsInterruptedUntilItIsHeardAgain()
    {
        var id = NewOtelId();
        var beat = Span(id, 1, durationMs: null) with { LeaseMs = 60_000 };
        await Store.WriteAsync(Batch(beat with { Name = "agent", Attributes = [new("mlflow.spanInputs", "\"q\"")] }), Cancellation);
        Clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False((await InfoAsync(id)).IsInterrupted);

        // A beat says that the trace is alive, and nothing that would be news of its span.
        await Store.WriteAsync(Batch(beat), Cancellation);
        Clock.Advance(TimeSpan.FromSeconds(59));
        var alive = await InfoAsync(id);
        Assert.Equal((false, "\"q\"", "agent"), (alive.IsInterrupted, alive.RequestPreview, alive.Facts.Name));
        Assert.Equal(["tr-" + id], await FoundAsync("status = 'IN_PROGRESS'"));
        Assert.Empty(await FoundAsync("status = 'INTERRUPTED'"));

        Clock.Advance(TimeSpan.FromSeconds(2));
        var interrupted = await InfoAsync(id);
        Assert.Equal((true, TraceState.InProgress, "true"), (interrupted.IsInterrupted, interrupted.State, interrupted.Metadata["mlflow.trace.interrupted"]));
        Assert.Equal(["tr-" + id], await FoundAsync("status = 'INTERRUPTED'"));
        Assert.Empty(await FoundAsync("status IN ('IN_PROGRESS', 'OK')"));

        await Store.WriteAsync(Batch(Span(id, 2, parent: 1)), Cancellation);
        Assert.False((await InfoAsync(id)).IsInterrupted);
        Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.True((await InfoAsync(id)).IsInterrupted);

        await Store.WriteAsync(Batch(Span(id, 1)), Cancellation);
        Clock.Advance(AnHour * 2);
        var healed = await InfoAsync(id);
        Assert.Equal((false, TraceState.Ok, false), (healed.IsInterrupted, healed.State, healed.Metadata.ContainsKey("mlflow.trace.interrupted")));

        async Task<IEnumerable<string>> FoundAsync(string filter) =>
            (await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter }, Cancellation)).Traces.Select(trace => trace.TraceId);
    }

    [Fact]
    public async Task Write_BeatBeforeAnythingElse_ShowsTheTraceAndIsReplaced()
    {
        var id = NewOtelId();
        await Store.WriteAsync(Batch(Span(id, 1, name: "agent", durationMs: null) with { LeaseMs = 60_000 }), Cancellation);
        Assert.Equal((TraceState.InProgress, "agent"), ((await InfoAsync(id)).State, (await InfoAsync(id)).Facts.Name));

        await Store.WriteAsync(Batch(Span(id, 1, durationMs: null, attributes: [("mlflow.spanInputs", "\"q\"")]), Span(id, 1, durationMs: null) with { LeaseMs = 60_000 }), Cancellation);

        Assert.Equal("\"q\"", (await InfoAsync(id)).RequestPreview);
        Assert.Equal("\"q\"", Assert.Single(await Store.GetSpansAsync("tr-" + id, Cancellation))["mlflow.spanInputs"]);
    }

    [Fact]
    public async Task Write_TraceOfWhoDoesNotBeat_IsInterruptedAfterAnHourOfSilence()
    {
        var (spans, info) = (NewOtelId(), NewOtelId());
        await Store.WriteAsync(Batch(Span(spans, 2, parent: 1)), Cancellation);
        await Store.WriteAsync(new TraceBatch { Infos = [Info(info, state: TraceState.InProgress)] }, Cancellation);
        Clock.Advance(AnHour);
        Assert.False((await InfoAsync(spans)).IsInterrupted);
        Assert.False((await InfoAsync(info)).IsInterrupted);

        Clock.Advance(TimeSpan.FromMilliseconds(1));

        Assert.True((await InfoAsync(spans)).IsInterrupted);
        Assert.True((await InfoAsync(info)).IsInterrupted);
    }

    [Fact]
    public async Task Write_PartsInAnyOrderAndAgain_EndTheSame()
    {
        var expected = await ShownAsync(Parts(out var first), first);
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var parts = Parts(out var id);
                List<Func<Task>> again = [.. parts, .. parts.Where(_ => random.Next(2) == 0)];
                random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(again));
                var shown = ShownAsync(again, id).GetAwaiter().GetResult();
                Assert.True(expected == shown, $"expected {expected}\nshown    {shown}");
            },
            iter: 60,
            threads: 1);
    }

    [Fact]
    public async Task Write_SixtyFourWritersOnOneTrace_LoseNothingAndCountOnce()
    {
        const int Writers = 64;
        const int Calls = 5;
        var id = NewOtelId();
        var ready = new Barrier(Writers);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Factory.StartNew(
            async () =>
            {
                ready.SignalAndWait(Cancellation);
                for (var call = 0; call < Calls; call++)
                {
                    var batch = Batch(Span(id, 2 + writer * Calls + call, parent: 1, startMs: writer, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 1000, "output_tokens": 100}"""), ("mlflow.llm.model", "\"gpt-4o\"")]));
                    await Store.WriteAsync(batch, Cancellation);

                    // Everybody sends the root, and what was sent already.
                    await Store.WriteAsync(batch with { Spans = [.. batch.Spans, Span(id, 1, name: "root", durationMs: 500)] }, Cancellation);
                }
            },
            Cancellation,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).Unwrap()));

        var info = await InfoAsync(id);
        Assert.Equal((TraceState.Ok, "root", 1 + Writers * Calls), (info.State, info.Facts.Name, info.Facts.SpanCount));
        Assert.Equal((1000L * Writers * Calls, 100L * Writers * Calls), (info.Facts.InputTokens, info.Facts.OutputTokens));
        Assert.Equal(new CallCost(2_500_000_000L * Writers * Calls, 1_000_000_000L * Writers * Calls), info.Facts.Cost);
        Assert.Equal(1 + Writers * Calls, (await Store.GetSpansAsync("tr-" + id, Cancellation)).DistinctBy(span => span.SpanId).Count());
    }

    [Fact]
    public async Task Write_SeveralRootsOrphansAndACircle_AreAllThere()
    {
        var id = NewOtelId();
        (string, string)[] usage = [("mlflow.chat.tokenUsage", """{"input_tokens": 10, "output_tokens": 1}""")];
        await Store.WriteAsync(
            Batch(
                Span(id, 1, name: "second", startMs: 5), Span(id, 2, name: "first"), Span(id, 3, parent: 99, name: "orphan", startMs: -1, attributes: usage),
                Span(id, 4, parent: 5, startMs: 1, attributes: usage), Span(id, 5, parent: 6, startMs: 2, attributes: usage), Span(id, 6, parent: 4, startMs: 3)),
            Cancellation);

        var info = await InfoAsync(id);
        Assert.Equal(("first", TraceState.Ok, StartMs - 1, 6), (info.Facts.Name, info.State, info.RequestTimeMs, info.Facts.SpanCount));

        // The last of a circle is its root, so that 4 is below 5.
        Assert.Equal(20, info.Facts.InputTokens);
        Assert.Equal([2, 1, 3, 4, 5, 6], (await Store.GetSpansAsync("tr-" + id, Cancellation)).Select(span => int.Parse(span.SpanId, NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Write_WrapperThatSaysOtherThanItsCalls_CountsTheCalls()
    {
        var id = NewOtelId();
        await Store.WriteAsync(
            Batch(
                Span(id, 1, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 999, "output_tokens": 999}""")]),
                Span(id, 2, parent: 1),
                Span(id, 3, parent: 2, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 3, "output_tokens": 4}""")]),
                Span(id, 4, parent: 2, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 5, "output_tokens": 6}""")])),
            Cancellation);

        var facts = (await InfoAsync(id)).Facts;

        Assert.Equal((8L, 10L, 18L), (facts.InputTokens, facts.OutputTokens, facts.TotalTokens));
    }

    [Fact]
    public async Task Search_ByCost_KnowsOnlyWholeSums()
    {
        var (cheap, dear, unknown, none) = (NewOtelId(), NewOtelId(), NewOtelId(), NewOtelId());
        await Store.WriteAsync(
            Batch(
                Span(cheap, 1, attributes: [("mlflow.llm.cost", """{"input_cost": 0.01, "output_cost": 0.0005, "total_cost": 0.0105}""")]),
                Span(dear, 1, attributes: [("mlflow.llm.cost", """{"input_cost": 2.5, "output_cost": 0.1, "total_cost": 2.6}""")]),
                Span(unknown, 1, attributes: [("mlflow.llm.cost", """{"input_cost": 9, "output_cost": 0, "total_cost": 9}""")]),
                Span(unknown, 2, attributes: [("mlflow.chat.tokenUsage", """{"input_tokens": 1000}"""), ("mlflow.llm.model", "\"kite-1\"")]),
                Span(none, 1)),
            Cancellation);

        Assert.Equal(["tr-" + cheap], await FoundAsync("trace.cost = 0.0105"));
        Assert.Equal(["tr-" + dear], await FoundAsync("cost > 0.0105"));
        Assert.Equal(["tr-" + dear, "tr-" + cheap], await FoundAsync("attributes.cost >= '0.0105'", "trace.cost DESC"));
        Assert.Equal(["tr-" + cheap, "tr-" + dear], (await FoundAsync("", "cost")).Take(2));

        async Task<IReadOnlyList<string>> FoundAsync(string filter, params string[] orderBy) =>
            [.. (await Store.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter, OrderBy = orderBy }, Cancellation)).Traces.Select(trace => trace.TraceId)];
    }

    /// <summary>Everything that comes of one trace, each as somebody would send it.</summary>
    private List<Func<Task>> Parts(out string id)
    {
        var of = id = NewOtelId();
        (string, string)[] usage = [("mlflow.chat.tokenUsage", """{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}"""), ("mlflow.llm.model", "\"gpt-4o\"")];
        (string, string)[] asked = [("mlflow.spanInputs", "\"in\"")];
        var root = Span(of, 1, name: "root", durationMs: 300, attributes: [.. asked, ("mlflow.spanOutputs", "\"out\""), ("session.id", "\"s\"")]);
        TraceBatch[] batches =
        [
            Batch(root with { EndNs = null, Status = SpanStatus.Unset, Attributes = [new("mlflow.spanInputs", "\"in\"")] }, Span(of, 2, parent: 1, durationMs: null)),
            Batch(Span(of, 1, name: "root", durationMs: null) with { LeaseMs = 60_000 }),
            Batch(Span(of, 2, parent: 1, startMs: 1)),
            Batch(Span(of, 3, parent: 2, type: "UNKNOWN", startMs: 2, attributes: [("gen_ai.operation.name", "\"chat\""), ("gen_ai.request.model", "\"gpt-4o\""), ("gen_ai.usage.input_tokens", "5")])),
            Batch(Span(of, 4, parent: 2, startMs: 3, status: SpanStatus.Error, attributes: usage) with { StatusMessage = "boom" }, Span(of, 5, parent: 1, startMs: 4, attributes: usage)),
            Batch(Span(of, 6, parent: 99, name: "orphan", startMs: -2)),
            Batch(Span(of, 7, name: "another root", startMs: 50, attributes: [("mlflow.spanInputs", "\"other\""), ("mlflow.spanOutputs", "\"other\"")])),
            Batch(root),
            new TraceBatch
            {
                Infos = [Info(of, startMs: 0) with { ClientRequestId = "r", DurationMs = 302, Metadata = new Dictionary<string, string> { ["m"] = "1", ["mlflow.trace.sizeStats"] = """{"num_spans": 7}""" }, Tags = new Dictionary<string, string> { ["t"] = "1" } }],
            },
        ];
        return
        [
            .. batches.Select(batch => (Func<Task>)(() => Store.WriteAsync(batch, Cancellation))),
            () => Store.WriteLogsAsync([new SpanLogRecord(of, SpanId(3), new SpanEventRecord("gen_ai.user.message", 1, [new("body", """{"content":"hi"}""")]))], Cancellation),
            () => Store.WriteLogsAsync([new SpanLogRecord(of, SpanId(3), new SpanEventRecord("gen_ai.choice", 2, [new("body", """{"message":{"content":"yes"}}""")]))], Cancellation),
        ];
    }

    /// <summary>What is shown of the trace when all of it has come.</summary>
    private async Task<string> ShownAsync(IEnumerable<Func<Task>> parts, string id)
    {
        foreach (var part in parts)
        {
            await part();
        }

        var info = await InfoAsync(id);
        var spans = await Store.GetSpansAsync("tr-" + id, Cancellation);
        return JsonSerializer.Serialize(new
        {
            Info = info with { Tags = new SortedDictionary<string, string>(info.Tags.ToDictionary()), Metadata = new SortedDictionary<string, string>(info.Metadata.ToDictionary()) },
            Spans = spans,
        }).Replace(id, "id", StringComparison.Ordinal);
    }
}
