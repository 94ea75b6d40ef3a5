using Microsoft.Extensions.Time.Testing;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Spans;

/// <summary>Which traces are recorded: by the flow, by the call, and by how they end.</summary>
public sealed class SamplingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task KeepErrors_NothingElseIsChosen_KeepsThemWholeAndForgetsTheRest()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Client(server, o => o.KeepErrors = true);
        for (var i = 0; i < 10; i++)
        {
            using var fine = client.StartSpan("fine");
            using var failing = client.StartSpan("step that failed");
            failing.SetStatus(SpanStatusCode.Error);
        }

        using (var failed = client.StartSpan("failed"))
        {
            using var child = client.StartSpan("child");
            failed.RecordException(new InvalidOperationException("x"));
        }

        using (client.StartSpan("judged"))
        {
            client.UpdateCurrentTrace(new TraceUpdate { State = SpanStatusCode.Error });
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal(["child", "failed", "judged"], server.To("/v1/traces").SelectMany(r => r.Spans).Select(s => s.Name).Order());
        AssertHoldsNothing(client.Outlet.Tail!);
    }

    [Fact]
    public async Task KeepSlowerThan_TracesOfDifferentLength_KeepsTheLongOnes()
    {
        await using var server = await LoopbackServer.StartAsync();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var client = Client(server, o => (o.KeepSlowerThan, o.TimeProvider) = (TimeSpan.FromSeconds(2), time));
        foreach (var seconds in (int[])[1, 2, 0, 3])
        {
            using var span = client.StartSpan($"{seconds} s");
            time.Advance(TimeSpan.FromSeconds(seconds));
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal(["2 s", "3 s"], server.To("/v1/traces").SelectMany(r => r.Spans).Select(s => s.Name).Order());
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task KeepErrors_TraceOfVeryManySpans_IsDecidedBeforeItsEnd(bool fails, int kept)
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Client(server, o => o.KeepErrors = true);
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < ActiveTrace.MaxHeldSpans + 1; i++)
            {
                using var child = client.StartSpan("child");
                child.SetStatus(fails && i == 3 ? SpanStatusCode.Error : SpanStatusCode.Ok);
            }

            AssertHoldsNothing(client.Outlet.Tail!);
            Assert.Equal(kept, client.Outlet.Unfinished);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: kept);
        Assert.Equal(kept * (ActiveTrace.MaxHeldSpans + 2), server.To("/v1/traces").Sum(r => r.Spans.Count()));
    }

    [Fact]
    public async Task KeepErrors_UndecidedTracesHoldTooMuch_AreDecidedAndNoFurtherOnesBegin()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Client(server, o => o.KeepErrors = true);
        var tail = client.Outlet.Tail!;
        tail.Hold(TailSampling.MaxHeldBytes);
        var undecided = client.StartSpanNoContext("root");
        client.StartSpanNoContext("child", parent: undecided).End();
        Assert.Equal(TraceFate.Dropped, undecided.Trace.Fate);
        tail.Hold(1);

        Assert.False(client.StartSpanNoContext("next").IsRecording);
        Assert.True(client.StartSpanNoContext("chosen", options: new SpanOptions { SamplingRatio = 1 }).IsRecording);
    }

    [Fact]
    public async Task UseSamplingRatio_OfAFlowAndOfACall_GoesBeforeWhatIsSet()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Client(server, _ => { });
        client.StartSpan("0").Dispose();
        client.StartSpan("1", options: new SpanOptions { SamplingRatio = 1 }).Dispose();
        using (client.UseSamplingRatio(1))
        {
            await Task.Run(() => client.StartSpan("2").Dispose(), Token);
            client.StartSpan("3", options: new SpanOptions { SamplingRatio = 0 }).Dispose();
            using (client.StartSpan("4"))
            {
                client.StartSpan("5", options: new SpanOptions { SamplingRatio = 0 }).Dispose();
            }
        }

        client.StartSpan("6").Dispose();

        await client.FlushAsync(Token);
        Assert.Equal(["1", "2", "4", "5"], server.To("/v1/traces").SelectMany(r => r.Spans).Select(s => s.Name).Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => client.UseSamplingRatio(1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SpanOptions { SamplingRatio = double.NaN });
    }

    [Fact]
    public async Task Sampler_SaysByNameAndType_GoesBeforeTheRatioAndBehindFlowAndCall()
    {
        await using var server = await LoopbackServer.StartAsync();
        MlflowClient? self = null;
        await using var client = self = Client(server, o => o.Sampler = start =>
        {
            // Of a trace that it begins itself it is not asked.
            self!.StartSpan("own").Dispose();
            return start switch { { SpanType: SpanType.Agent } => 1, { Name: "health" } => 0, _ => null };
        });
        client.StartSpan("agent", SpanType.Agent).Dispose();
        client.StartSpan("else").Dispose();
        client.StartSpan("called", options: new SpanOptions { SamplingRatio = 1 }).Dispose();
        using (client.UseSamplingRatio(1))
        {
            client.StartSpan("health").Dispose();
            client.StartSpan("not called", SpanType.Agent, new SpanOptions { SamplingRatio = 0 }).Dispose();
        }

        using (client.StartSpan("outer", SpanType.Agent))
        {
            client.StartSpan("health").Dispose();
        }

        client.Tracer.StartDetached("detached", SpanType.Agent, parent: null).Dispose();
        await client.FlushAsync(Token);

        Assert.Equal(["agent", "called", "detached", "health", "health", "outer"], server.To("/v1/traces").SelectMany(r => r.Spans).Select(s => s.Name).Order());
    }

    [Theory]
    [InlineData(double.NaN, "its ratio is NaN: it must be from 0 (no trace) to 1 (every trace)")]
    [InlineData(1.5, "its ratio is 1.5: it must be from 0 (no trace) to 1 (every trace)")]
    [InlineData(null, "InvalidOperationException: on purpose")]
    public async Task Sampler_Fails_TraceIsRecordedAsIsSetOtherwiseAndAWarningSaysSo(double? ratio, string said)
    {
        await using var server = await LoopbackServer.StartAsync();
        var log = new RecordingLog();
        await using var client = Client(server, o =>
        {
            o.SamplingRatio = 1;
            o.LoggerFactory = log;
            o.Sampler = _ => ratio ?? throw new InvalidOperationException("on purpose");
        });
        client.StartSpan("first").Dispose();
        client.StartSpan("second").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal($"The sampler failed ({said}); the trace is recorded as is set otherwise. 1 such failure so far.", Assert.Single(log.Lines));
    }

    [Fact]
    public async Task TraceTimeout_TraceThatRunsOn_IsEndedWithAnError()
    {
        await using var server = await LoopbackServer.StartAsync();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var client = Client(server, o => (o.SamplingRatio, o.TraceTimeout, o.TimeProvider) = (1, TimeSpan.FromSeconds(30), time));
        var root = client.StartSpan("root");
        root.SetStatus(SpanStatusCode.Ok);
        var child = client.StartSpan("child");
        var detached = client.Tracer.StartDetached("of a framework", SpanType.Chain, parent: null);

        for (var i = 0; i < 29; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(root.IsRecording);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(root.IsRecording || child.IsRecording || detached.IsRecording);
        child.Dispose();
        root.Dispose();
        Assert.Null(client.GetCurrentActiveSpan());
        Assert.Null(client.Tracer.Current);

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        var spans = server.To("/v1/traces").SelectMany(r => r.Spans).ToDictionary(s => s.Name);
        Assert.Equal(["child", "of a framework", "root"], spans.Keys.Order());
        Assert.Equal("exception", Assert.Single(spans["root"].Events).Name);
        Assert.Contains("more than 30 seconds", spans["child"].Status.Message, StringComparison.Ordinal);
        Assert.All(server.To("/api/3.0/mlflow/traces"), r => Assert.Equal("ERROR", r.Json.GetProperty("trace").GetProperty("trace_info").GetProperty("state").GetString()));
    }

    [Fact]
    public void Options_OutOfTheirRange_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new MlflowClient(new MlflowClientOptions { KeepSlowerThan = TimeSpan.FromSeconds(-1) }));
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => new MlflowClient(new MlflowClientOptions { TraceTimeout = TimeSpan.Zero }));
        Assert.Contains("TraceTimeout is 00:00:00", e.Message, StringComparison.Ordinal);
    }

    /// <summary>All of its memory can be taken, and not a byte more.</summary>
    private static void AssertHoldsNothing(TailSampling tail)
    {
        tail.Hold(TailSampling.MaxHeldBytes);
        Assert.False(tail.IsFull);
        tail.Release(TailSampling.MaxHeldBytes);
    }

    private static MlflowClient Client(LoopbackServer server, Action<MlflowClientOptions> configure)
    {
        var options = new MlflowClientOptions { TrackingUri = server.Address, SamplingRatio = 0, LoggerFactory = new RecordingLog() };
        configure(options);
        return new MlflowClient(options);
    }
}
