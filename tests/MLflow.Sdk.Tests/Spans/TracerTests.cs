using Xunit;

namespace MLflow.Tests.Spans;

public sealed class TracerTests : SpanTestBase
{
    [Fact]
    public async Task StartSpan_AcrossAwaits_NestsBelowTheCurrentSpan()
    {
        using (var root = Start("root"))
        {
            await InnerAsync();
            using var second = Start("second");
            Assert.Equal(root.SpanId, second.ParentId);
        }

        Assert.Equal(["inner", "middle", "second", "root"], Exporter.Exports.Single().Spans.Select(s => s.Name));
        Assert.Null(Tracer.Current);

        async Task InnerAsync()
        {
            using var middle = Start("middle");
            await Task.Yield();
            using var inner = Start("inner");
            await Task.Yield();
            Assert.Equal(middle.SpanId, inner.ParentId);
        }
    }

    [Fact]
    public async Task StartSpan_ParallelChildren_AllHaveTheSameParentAndNotEachOther()
    {
        var root = Start("root");
        using var gate = new Barrier(8);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() =>
        {
            using var child = Start("child " + i);
            gate.SignalAndWait(Token);
            using var grandchild = Start("grandchild");
            Assert.Equal(child.SpanId, grandchild.ParentId);
        })));
        root.Dispose();

        var spans = Exporter.Exports.Single().Spans;
        Assert.Equal(17, spans.Count);
        Assert.All(spans.Where(s => s.Name.StartsWith("child", StringComparison.Ordinal)), s => Assert.Equal(root.SpanId, s.ParentId));
    }

    [Fact]
    public void Dispose_ChildAfterItsRoot_HandsTheTraceOverOnceAndWhole()
    {
        var root = Start("root");
        var child = Tracer.StartDetached("late", SpanType.Unknown, root);
        root.Dispose();
        Assert.Empty(Exporter.Exports);

        child.Dispose();

        var export = Assert.Single(Exporter.Exports);
        Assert.True(export.IsComplete);
        Assert.Equal(["root", "late"], export.Spans.Select(s => s.Name));
    }

    [Fact]
    public void Start_SpanInATraceThatWasHandedOver_IsHandedOverByItself()
    {
        var root = Start("root");
        root.Dispose();
        var late = Tracer.StartDetached("afterwards", SpanType.Unknown, root);
        late.Dispose();

        Assert.Equal(2, Exporter.Exports.Count);
        Assert.True(Exporter.Exports[1].IsComplete);
        Assert.Equal(2, Exporter.Exports[1].Trace.StartedSpans);
        Assert.Equal(0, Outlet.Unfinished);
    }

    [Fact]
    public void End_ManySpans_AreHandedOverInParts()
    {
        var root = Start("root");
        for (var i = 0; i < ActiveTrace.MaxHeldSpans + 10; i++)
        {
            Start("step").Dispose();
        }

        var part = Assert.Single(Exporter.Exports);
        Assert.False(part.IsComplete);
        Assert.Equal(ActiveTrace.MaxHeldSpans, part.Spans.Count);
        root.Dispose();
        Assert.Equal(11, Exporter.Exports[1].Spans.Count);
        Assert.True(Exporter.Exports[1].IsComplete);
    }

    [Fact]
    public async Task LastTraceId_ParallelFlows_NeverShowEachOthersTraces()
    {
        Tracer.WatchFlow();
        using var gate = new Barrier(8);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                string own;
                using (var span = Start("mine"))
                {
                    own = span.TraceId;
                }

                if (i == 0)
                {
                    gate.SignalAndWait(Token);
                }

                Assert.Equal(own, Tracer.LastTraceId);
            }
        })));
    }

    [Fact]
    public void LastTraceId_NoTraceYet_IsNull() => Assert.Null(Tracer.LastTraceId);

    [Fact]
    public void StartSpan_NoType_IsUnknown()
    {
        using var span = Tracer.StartSpan("x", null!);
        Assert.Equal(SpanType.Unknown, span.SpanType);
    }
}
