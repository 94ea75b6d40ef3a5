using MLflow.Tests.Export;
using Xunit;
using SomeOutlet = MLflow.Sdk.Tests.Capture.SomeOutlet;

namespace MLflow.Tests.Spans;

public sealed class NotRecordedTests : SpanTestBase
{
    [Fact]
    public void Disabled_SpansOfANewTrace_HaveNoEffect()
    {
        using (Start("before"))
        {
        }

        var last = Tracer.LastTraceId;
        Tracer.IsEnabled = false;
        var evaluated = false;
        using (var root = Start("root"))
        {
            Assert.Same(root, Tracer.Current);
            root.SetInputs(new Lazy<bool>(() => evaluated = true));
            root.SetAttribute("k", new { Value = 1 });
            root.AddEvent("e");
            root.RecordException(new InvalidOperationException("x"));
            root.Trace.Update(new TraceUpdate { Session = "s", Tags = { ["a"] = "b" } });
            Assert.True(root.Trace.TryAdd(new NewAssessment { Kind = AssessmentKind.Feedback, TraceId = root.TraceId, Name = "x", Value = default, Source = AssessmentSource.Code(), Time = default }));
            using var child = Start("child");
            Assert.Same(root, child.Parent);
            root.Trace.Announce();
            Assert.Empty(root.EndedAttributes);
            Assert.Empty(root.EndedEvents);
        }

        Assert.Null(Tracer.Current);
        Assert.False(evaluated);
        Assert.Equal("before", Assert.Single(Exporter.Spans).Name);
        Assert.Equal((last, 0), (Tracer.LastTraceId, Outlet.Unfinished));
        using var next = Start("next");
        Assert.Empty(next.Trace.Tags());
        Assert.Empty(next.Trace.Metadata());
        Assert.Empty(next.Trace.Assessments());
    }

    [Fact]
    public void Disabled_WhileATraceRuns_LetsItGoOn()
    {
        using (Start("root"))
        {
            Tracer.IsEnabled = false;
            Start("child").Dispose();
        }

        using (Start("off"))
        {
            Tracer.IsEnabled = true;
            Start("child of off").Dispose();
        }

        Start("after").Dispose();

        Assert.Equal(["child", "root", "after"], Exporter.Spans.Select(span => span.Name));
    }

    [Fact]
    public void Disabled_SpanThatIsEndedTwice_LeavesTheFlowOnce()
    {
        Tracer.IsEnabled = false;
        var outer = Start("outer");
        var inner = Start("inner");
        inner.End();
        Assert.Same(outer, Tracer.Current);
        inner.End();
        Assert.Same(outer, Tracer.Current);
        outer.End();
        Assert.Null(Tracer.Current);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0.5, 800, 1200)]
    [InlineData(1, 2000, 2000)]
    public void SamplingRatio_ManyTraces_RecordsThatPartWhole(double ratio, int least, int most)
    {
        var tracer = SomeOutlet.Of(Exporter, ratio).Tracer;

        for (var i = 0; i < 2000; i++)
        {
            using var root = tracer.StartSpan("root", SpanType.Unknown);
            tracer.StartSpan("child", SpanType.Unknown).Dispose();
        }

        Assert.InRange(Exporter.Exports.Count, least, most);
        Assert.All(Exporter.Exports, export => Assert.Equal(2, export.Spans.Count));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void SamplingRatio_OutOfItsRange_IsRefused(double ratio)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => new MlflowClient(new MlflowClientOptions { SamplingRatio = ratio }));

        Assert.Contains("from 0 (no trace) to 1 (every trace)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_SwitchedOffAndOn_SendsWhatWasMadeWhileItWasOn()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);

        client.StartSpan("1").Dispose();
        client.IsEnabled = false;
        using (var off = client.StartSpan("2"))
        {
            await client.LogFeedbackAsync(off.TraceId, "good", true, cancellationToken: Token);
            await client.SetTraceTagAsync(off.TraceId, "k", "v", Token);
        }

        client.IsEnabled = true;
        client.StartSpan("3").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Equal(["1", "3"], server.To("/v1/traces").SelectMany(r => r.Spans).Select(s => s.Name));
        Assert.DoesNotContain(server.Requests, r => r.Path.Contains("/assessments", StringComparison.Ordinal) || r.Path.Contains("/tags", StringComparison.Ordinal));
    }
}
