using Xunit;

namespace MLflow.EndToEnd.Tests.Client;

/// <summary>One trace of two programs, which meet at the server alone.</summary>
public sealed class DistributedTraceTests : ClientTestBase
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Trace_ContinuedByAnotherProgram_IsOneTraceWhicheverIsSentFirst(bool callerFirst)
    {
        await using var service = new MlflowClient(new MlflowClientOptions { TrackingUri = Address, Experiment = "mine" });
        var elsewhere = new TaskCompletionSource<string>();
        string traceId, callId, cause;
        using (var other = Client.StartSpan("cause"))
        {
            cause = other.SpanId;
        }

        var root = Client.StartSpan("ask", SpanType.Agent);
        root.SetInputs("q");
        Client.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", Tags = { ["tier"] = "gold" } });
        using (var call = Client.StartSpan("call the service", SpanType.Tool))
        {
            (traceId, callId) = (call.TraceId, call.SpanId);
            call.AddLink(traceId, cause);
            var header = Client.GetTraceContext()["traceparent"];
            await Task.Run(
                () =>
                {
                    using var scope = service.UseTraceContext(header);
                    using var handle = service.StartSpan("handle", SpanType.Chain);
                    using var inner = service.StartSpan("look up", SpanType.Retriever);
                    elsewhere.SetResult(handle.SpanId);
                },
                Token);
        }

        root.SetOutputs("a");
        root.Dispose();
        foreach (var client in callerFirst ? (MlflowClient[])[Client, service] : [service, Client])
        {
            var result = await client.FlushAsync(Token);
            Assert.Equal((client == Client ? 2 : 1, 0L, 0L), (result.Exported, result.Pending, result.Dropped));
        }

        // Feedback by the other program, where the trace did not begin.
        await service.LogFeedbackAsync(traceId, "useful", true, cancellationToken: Token);
        var trace = await Client.GetTraceAsync(traceId, Token);

        Assert.Equal(["ask", "call the service", "handle", "look up"], trace.Spans.Select(span => span.Name).Order());
        Assert.Equal(callId, trace.GetSpan("handle").ParentId);
        Assert.Equal(await elsewhere.Task, trace.GetSpan("look up").ParentId);
        Assert.Equal("ask", trace.Root?.Name);
        Assert.Equal(("s-1", "gold", "ask"), (trace.Metadata["mlflow.trace.session"], trace.Tags["tier"], trace.Tags["mlflow.traceName"]));
        Assert.Equal("useful", Assert.Single(trace.Assessments).Name);
        var found = await Client.SearchTracesAsync("span.name = 'look up' AND trace.status = 'OK'", cancellationToken: Token).SingleAsync(Token);
        Assert.Equal((traceId, "\"q\"", "\"a\""), (found.TraceId, found.RequestPreview, found.ResponsePreview));
    }
}
