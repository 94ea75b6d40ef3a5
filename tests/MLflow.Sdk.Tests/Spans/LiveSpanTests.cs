using Xunit;

namespace MLflow.Tests.Spans;

public sealed class LiveSpanTests : SpanTestBase
{
    [Fact]
    public void End_StatusNotSaid_IsOk() => Assert.Equal(SpanStatusCode.Ok, Ended(_ => { }).StatusCode);

    [Fact]
    public void SetStatus_Unset_IsIgnored() =>
        Assert.Equal(SpanStatusCode.Error, Ended(s =>
        {
            s.SetStatus(SpanStatusCode.Error, "no");
            s.SetStatus(SpanStatusCode.Unset);
        }).StatusCode);

    [Fact]
    public void SetStatus_Ok_IsFinalAndTakesTheMessageAway()
    {
        var span = Ended(s =>
        {
            s.SetStatus(SpanStatusCode.Error, "no");
            s.SetStatus(SpanStatusCode.Ok);
            s.SetStatus(SpanStatusCode.Error, "again");
        });

        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Null(span.StatusMessage);
    }

    [Fact]
    public void RecordException_IsAnEventAndAnErrorStatus()
    {
        var span = Ended(s => s.RecordException(new InvalidOperationException("boom")));

        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("InvalidOperationException: boom", span.StatusMessage);
        var recorded = Assert.Single(span.EndedEvents);
        Assert.Equal("exception", recorded.Name);
        Assert.Equal("boom", recorded.Attributes.Single(a => a.Key == "exception.message").Value.String);
    }

    [Fact]
    public void RecordException_WhoseMembersThrow_DoesNotThrow() =>
        Assert.Equal(SpanStatusCode.Error, Ended(s => s.RecordException(new HostileException())).StatusCode);

    [Fact]
    public void Members_AfterTheEnd_HaveNoEffect()
    {
        var span = Ended(s => s.SetAttribute("a", 1));
        var end = span.EndNs;

        span.SetAttribute("b", 2);
        span.SetSpanType("LATE");
        span.AddEvent("late");
        span.SetStatus(SpanStatusCode.Error, "late");
        span.Dispose();

        Assert.Equal("a", Assert.Single(span.EndedAttributes).Key);
        Assert.Empty(span.EndedEvents);
        Assert.Equal((SpanType.Unknown, SpanStatusCode.Ok, end), (span.SpanType, span.StatusCode, span.EndNs));
        Assert.Single(Exporter.Exports);
    }

    [Fact]
    public void AddEvent_AttributesWithoutAName_AreLeftOut() =>
        Assert.Equal("k", Assert.Single(Assert.Single(Ended(s => s.AddEvent("e", [new("", 1), new(null!, 2), new("k", 3)])).EndedEvents).Attributes).Key);

    [Fact]
    public void Attributes_SetFromManyThreads_AreAllThere()
    {
        var span = Ended(s => Parallel.For(0, 200, i => s.SetAttribute("k" + (i % 50), i)));
        Assert.Equal(50, span.EndedAttributes.Count);
    }

    [Fact]
    public void TotalUsage_WrapperAndModelCallReport_CountsTheWrapperOnly()
    {
        using (var root = Start("agent"))
        {
            using (var wrapper = Start("wrapper"))
            {
                using (var call = Start("call"))
                {
                    call.SetUsage(Tokens(10, 5));
                }

                wrapper.SetUsage(Tokens(10, 5));
            }

            using (var second = Start("second call"))
            {
                second.SetUsage(Tokens(1, 2));
            }
        }

        Assert.Equal(Tokens(11, 7), Exporter.Exports.Single().Trace.TotalUsage());
    }

    [Fact]
    public void TotalUsage_CallEndsAfterTheSpanAboveIt_IsCountedUnlessThatReported()
    {
        var root = Start("root");
        var silent = Tracer.StartDetached("silent", SpanType.Unknown, root);
        var reporting = Tracer.StartDetached("reporting", SpanType.Unknown, root);
        reporting.SetUsage(Tokens(3, 3));
        var underSilent = Tracer.StartDetached("a", SpanType.ChatModel, silent);
        var underReporting = Tracer.StartDetached("b", SpanType.ChatModel, reporting);
        silent.Dispose();
        reporting.Dispose();
        root.Dispose();
        underSilent.SetUsage(Tokens(1, 1));
        underSilent.Dispose();
        underReporting.SetUsage(Tokens(100, 100));
        underReporting.Dispose();

        Assert.Equal(Tokens(4, 4), Exporter.Exports.Single().Trace.TotalUsage());
    }

    private static TokenUsage Tokens(long input, long output) => new() { InputTokens = input, OutputTokens = output, TotalTokens = input + output };

    private LiveSpan Ended(Action<LiveSpan> work)
    {
        var span = Start("x");
        work(span);
        span.Dispose();
        return span;
    }

    private sealed class HostileException : Exception
    {
        public override string Message => throw new InvalidOperationException("not even a message");
    }
}
