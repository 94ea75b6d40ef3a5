using Microsoft.Extensions.Time.Testing;
using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Tests.Spans;

public sealed class RunningTracesTests
{
    [Fact]
    public void Trace_ThatRunsForLong_BeatsWithoutWhatItHolds()
    {
        var clock = new FakeTimeProvider();
        var exporter = new RecordingExporter { IsShowingRunning = true };
        TraceOutlet? outlet = null;
        var tracer = new Tracer(() => outlet!, clock);
        outlet = new TraceOutlet(tracer, exporter, () => CollectedTraces.Nowhere);
        using (var root = tracer.StartSpan("agent", SpanType.Agent))
        {
            root.SetInputs(new string('x', 1000));
            for (var second = 0; second < 46; second++)
            {
                clock.Advance(RunningTraces.Period);
            }

            // The first tells what the span holds, the others that it runs.
            Assert.Equal(4, exporter.Exports.Count);
            Assert.All(exporter.Exports, export => Assert.True(export.IsAnnouncement));
            Assert.All(exporter.Spans, span => Assert.Equal((root.SpanId, 0L, 60_000L), (span.SpanId, span.EndNs, span.EndedAttributes.Single(a => a.Key == AttributeNames.Lease).Value.Int64)));
            Assert.Equal([true, false, false, false], exporter.Spans.Select(span => span.EndedAttributes.Any(a => a.Key == AttributeNames.Inputs)));
        }

        Assert.DoesNotContain(exporter.Spans[^1].EndedAttributes, a => a.Key == AttributeNames.Lease);
    }

    [Fact]
    public void Trace_ThatBeginsWhileNothingElseRuns_IsLookedAtAllTheSame()
    {
        var clock = new FakeTimeProvider();
        TraceOutlet? outlet = null;
        var tracer = new Tracer(() => outlet!, clock);
        outlet = new TraceOutlet(tracer, new RecordingExporter(), () => CollectedTraces.Nowhere) { TraceTimeout = TimeSpan.FromSeconds(5) };

        // It begins after the traces were counted and before the look at them is over.
        LiveSpan? span = null;
        tracer.Running.OfCalls = () =>
        {
            span ??= tracer.StartSpan("late", SpanType.Unknown);
            return [];
        };
        tracer.Running.Watch();
        clock.Advance(RunningTraces.Period);
        Assert.False(span!.HasEnded);

        for (var i = 0; i < 6; i++)
        {
            clock.Advance(RunningTraces.Period);
        }

        Assert.True(span.HasEnded, "the trace is older than its timeout and nobody has looked at it");
    }

    [Fact]
    public void Trace_ThatCannotBeShown_KeepsNoOtherFromBeingLookedAt()
    {
        var clock = new FakeTimeProvider();
        var log = new RecordingLog();
        TraceOutlet? outlet = null;
        var tracer = new Tracer(() => outlet!, clock);
        outlet = new TraceOutlet(tracer, new FailingExporter(), () => CollectedTraces.Nowhere) { Log = new SelfLog(log, clock) };
        var other = new TraceOutlet(tracer, new RecordingExporter(), () => CollectedTraces.Nowhere) { TraceTimeout = TimeSpan.FromSeconds(5) };
        tracer.StartNoContext("not shown", SpanType.Unknown, null, outlet, null);
        var span = tracer.StartNoContext("timed", SpanType.Unknown, null, other, null);

        for (var i = 0; i < 6; i++)
        {
            clock.Advance(RunningTraces.Period);
        }

        Assert.True(span.HasEnded, "another trace failed, and nobody looks at this one any more");
        Assert.Contains(log.Lines, line => line.Contains("could not be shown or ended: InvalidOperationException: on purpose", StringComparison.Ordinal));
    }

    private sealed class FailingExporter : ITraceExporter
    {
        public void Enqueue(TraceExport export, bool inBackground) => throw new InvalidOperationException("on purpose");

        public bool ShowsRunning(TraceDestination destination) => throw new InvalidOperationException("on purpose");
    }
}
