using System.Collections.Concurrent;
using System.Diagnostics;
using MLflow.Sdk.Tests.Capture;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Spans;

/// <summary>Whoever listens is told of every span of the process, so these run one after the other.</summary>
public sealed class SpanMirrorTests : CaptureTestBase
{
    private const string ProgramName = "the program's own";

    private static readonly ActivitySource Program = new(ProgramName);

    private readonly ConcurrentQueue<Activity> _stopped = new();

    [Fact]
    public void Span_NobodyListens_TouchesNoActivity()
    {
        using var listener = Listen("another source");
        using var program = Program.StartActivity("request");
        using var span = Tracer.StartSpan("agent", SpanType.Agent);

        Assert.Same(program, Activity.Current);
        Assert.False(SpanMirror.Any);
    }

    [Fact]
    public void Spans_SomebodyListens_AreChildrenOfTheProgramsActivitiesAndTheirParents()
    {
        using var listener = Listen();
        using (Program.StartActivity("request"))
        {
            using (Tracer.StartSpan("agent", SpanType.Agent))
            {
                using (Program.StartActivity("SELECT"))
                {
                    Tracer.StartSpan("tool", SpanType.Tool).Dispose();
                }
            }

            Assert.Equal("request", Activity.Current!.OperationName);
        }

        Assert.Null(Activity.Current);
        Assert.Equal("tool<SELECT<agent<request", Path("tool"));
        Assert.Equal(["execute_tool tool", "SELECT", "invoke_agent agent", "request"], _stopped.Select(activity => activity.DisplayName));
        Assert.Equal("tool", Of("tool").GetTagItem("gen_ai.tool.name"));
        Assert.Equal(Exporter.Spans[0].TraceId, Of("tool").GetTagItem("mlflow.traceRequestId"));
    }

    [Fact]
    public async Task Span_OfAWokenFlow_KeepsItsDoubleCurrentThereAlone()
    {
        using var listener = Listen();
        using (Program.StartActivity("request"))
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(WorkAsync));
            Assert.Equal("request", Activity.Current!.OperationName);
        }

        Assert.All(Enumerable.Range(0, 8), i => Assert.Equal($"step {i}<work {i}<request", Path($"step {i}")));

        async Task WorkAsync(int i)
        {
            using var work = Tracer.StartSpan($"work {i}", SpanType.Task);
            await Task.Yield();
            using var step = Program.StartActivity($"step {i}");
            await Task.Yield();
        }
    }

    [Fact]
    public void Span_EndedElsewhereOrOutOfOrder_LeavesTheProgramsActivity()
    {
        using var listener = Listen();
        using var request = Program.StartActivity("request");
        var outer = Tracer.StartSpan("outer", SpanType.Task);
        var inner = Tracer.StartSpan("inner", SpanType.Task);
        outer.Dispose();
        Assert.Equal("inner", Activity.Current!.OperationName);
        var later = Program.StartActivity("later");
        inner.Dispose();
        Assert.Same(later, Activity.Current);
        later!.Dispose();
        request!.Dispose();

        Assert.Equal("later<inner<outer<request", Path("later"));
    }

    [Theory]
    [InlineData(ActivitySamplingResult.None)]
    [InlineData(ActivitySamplingResult.PropagationData)]
    public void Span_ListenerWantsNone_IsRecordedByUsAllTheSame(ActivitySamplingResult sampling)
    {
        using var listener = Listen("another source");
        using var mirrors = new ActivityListener { ShouldListenTo = source => source.Name == "MLflow.Tracing", Sample = (ref _) => sampling };
        ActivitySource.AddActivityListener(mirrors);
        using (var request = Program.StartActivity("request"))
        {
            Tracer.StartSpan("work", SpanType.Task).Dispose();
            Assert.Same(request, Activity.Current);
        }

        Assert.Equal("work", Assert.Single(Exporter.Spans).Name);
    }

    [Fact]
    public void Listener_Throws_IsNoConcernOfTheProgram()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "MLflow.Tracing",
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStarted = _ => throw new InvalidOperationException("started"),
            ActivityStopped = _ => throw new InvalidOperationException("stopped"),
        };
        ActivitySource.AddActivityListener(listener);
        Tracer.StartSpan("work", SpanType.Task).Dispose();

        Assert.Single(Exporter.Spans);
        Assert.Null(Activity.Current);
    }

    [Fact]
    public async Task Call_OfAModel_TellsModelAndTokensAndNoContent()
    {
        using var listener = Listen();
        await using var server = await LoopbackServer.StartAsync((context, number) => number == 1 ? Json(context, Answer) : Json(context, Error429, 429));
        using (Program.StartActivity("request"))
        {
            await Client(server.Address, NoRetries).CompleteChatAsync([new UserChatMessage("a secret question")], cancellationToken: Token);
            await Assert.ThrowsAnyAsync<Exception>(() => Client(server.Address, NoRetries).CompleteChatAsync([new UserChatMessage("a secret question")], cancellationToken: Token));
        }

        await SpansAsync();
        var calls = _stopped.Where(activity => activity.Source.Name == "MLflow.Tracing").ToList();
        Assert.Equal(2, calls.Count);
        Assert.All(calls, call =>
        {
            Assert.Equal(("chat gpt-4o", ActivityKind.Client, "request"), (call.DisplayName, call.Kind, call.Parent!.OperationName));
            Assert.Equal(("chat", "gpt-4o"), (call.GetTagItem("gen_ai.operation.name"), call.GetTagItem("gen_ai.request.model")));
            Assert.DoesNotContain("secret", string.Join(' ', call.TagObjects.Select(tag => tag.Value)), StringComparison.Ordinal);
        });
        Assert.Equal((19L, 10L, 4L, "gpt-4o-2024-08-06"), (calls[0].GetTagItem("gen_ai.usage.input_tokens"), calls[0].GetTagItem("gen_ai.usage.output_tokens"), calls[0].GetTagItem("gen_ai.usage.cache_read.input_tokens"), calls[0].GetTagItem("gen_ai.response.model")));
        Assert.Equal((ActivityStatusCode.Error, "rate_limit_exceeded", null), (calls[1].Status, calls[1].GetTagItem("error.type"), calls[1].StatusDescription));
        Assert.Equal(Exporter.Spans.Select(span => UnixNano.ToTime(span.StartNs).UtcDateTime), calls.Select(call => call.StartTimeUtc));
    }

    [Fact]
    public void DetachedSpan_BelowOneThatIsNotCurrent_IsAChildOfItsParentsDouble()
    {
        using var listener = Listen();
        using (Program.StartActivity("request"))
        {
            var parent = Tracer.StartDetached("parent", SpanType.Chain, null);
            Assert.Equal("request", Activity.Current!.OperationName);
            var first = Tracer.StartDetached("first", SpanType.Task, parent);
            parent.End();
            Tracer.StartDetached("second", SpanType.Task, first).End();
            first.End();
        }

        Assert.Equal("second<first<parent<request", Path("second"));
    }

    public override ValueTask DisposeAsync()
    {
        Activity.Current = null;
        return base.DisposeAsync();
    }

    private ActivityListener Listen(string ours = "MLflow.Tracing")
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ProgramName || source.Name == ours,
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _stopped.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private Activity Of(string name) => _stopped.Single(activity => activity.OperationName == name);

    /// <summary>The activity and those above it, as they were exported: by id.</summary>
    private string Path(string name)
    {
        var activity = Of(name);
        return _stopped.SingleOrDefault(other => other.SpanId == activity.ParentSpanId) is { } parent ? $"{name}<{Path(parent.OperationName)}" : name;
    }
}
