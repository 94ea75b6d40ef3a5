using MLflow.Tests.Export;
using MLflow.Tests.Otlp;
using Xunit;

namespace MLflow.Tests.Client;

/// <summary>The lambda forms, by the static face.</summary>
public sealed class MlflowTraceTests : IAsyncLifetime
{
    private LoopbackServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await LoopbackServer.StartAsync();
        Mlflow.SetTrackingUri(_server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await Mlflow.FlushAsync(Token);
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Trace_AllForms_RecordResultAndExceptionAndPassThemOn()
    {
        Assert.Equal(3, Mlflow.Trace("sync", SpanType.Tool, _ => 3));
        Assert.Equal("own", Mlflow.Trace("own output", SpanType.Tool, span =>
        {
            span.SetOutputs("set by hand");
            return "own";
        }));
        Assert.Equal("later", await Mlflow.TraceAsync("async", SpanType.Tool, async _ =>
        {
            await Task.Yield();
            return "later";
        }));
        var ran = false;
        Mlflow.Trace("action", SpanType.Tool, _ => ran = true);
        await Mlflow.TraceAsync("task", SpanType.Tool, _ => Task.CompletedTask);
        Assert.True(ran);
        var boom = new InvalidOperationException("boom");
        Assert.Same(boom, Assert.Throws<InvalidOperationException>(() => Mlflow.Trace<int>("throws", SpanType.Tool, _ => throw boom)));
        Assert.Same(boom, await Assert.ThrowsAsync<InvalidOperationException>(() => Mlflow.TraceAsync("throws later", SpanType.Tool, async _ =>
        {
            await Task.Yield();
            throw boom;
        })));
        await Mlflow.FlushAsync(Token);

        var spans = _server.To("/v1/traces").SelectMany(r => r.Spans).ToDictionary(s => s.Name);
        Assert.Equal(3, Output(spans["sync"])!.IntValue);
        Assert.Equal("set by hand", Output(spans["own output"])!.StringValue);
        Assert.Equal("later", Output(spans["async"])!.StringValue);
        Assert.Null(Output(spans["task"]));
        foreach (var name in (string[])["throws", "throws later"])
        {
            Assert.Equal(2, spans[name].Status.Code);
            Assert.Equal("InvalidOperationException: boom", spans[name].Status.Message);
            Assert.Equal("exception", spans[name].Events.Single().Name);
        }

        Assert.All(spans.Values, s => Assert.Equal(0, s.ParentSpanId.Length));
    }

    [Fact]
    public void UpdateCurrentTrace_ByTheStaticFace_ReachesTheTraceOfTheFlow()
    {
        Mlflow.UpdateCurrentTrace(new TraceUpdate { User = "of no trace" });
        using var span = Mlflow.StartSpan("work");

        Mlflow.UpdateCurrentTrace(new TraceUpdate { User = "u-7" });

        Assert.Equal([new(TraceKeys.User, "u-7")], span.Trace.Metadata());
    }

    [Fact]
    public async Task TraceAsync_BeforeItIsAwaited_IsTheCallersLastTraceButNotItsCurrentSpan()
    {
        var goOn = new TaskCompletionSource();
        string? inside = null;
        var work = Mlflow.TraceAsync("work", SpanType.Chain, async span =>
        {
            inside = span.TraceId;
            await goOn.Task;
        });

        Assert.Equal(inside, Mlflow.GetLastActiveTraceId());
        using (var next = Mlflow.StartSpan("next"))
        {
            Assert.Null(next.ParentId);
        }

        goOn.SetResult();
        await work;
    }

    [Fact]
    public async Task TraceAsync_ParallelRequests_EachSeesItsOwnLastTrace() =>
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            string? own = null;
            await Mlflow.TraceAsync("request " + i, SpanType.Chain, async span =>
            {
                own = span.TraceId;
                await Task.Yield();
            });
            Assert.Equal(own, Mlflow.GetLastActiveTraceId());
        })));

    private static AnyValue? Output(Span span) => span.Attributes.SingleOrDefault(a => a.Key == "mlflow.spanOutputs")?.Value;
}
