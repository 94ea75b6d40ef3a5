using Microsoft.Extensions.Time.Testing;
using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Tests.Spans;

public sealed class RunningTracesTests
{
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
}
