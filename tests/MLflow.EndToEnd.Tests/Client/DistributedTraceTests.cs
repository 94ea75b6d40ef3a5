using System.Diagnostics;
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

    [Fact]
    public async Task Trace_OfTwoProcesses_IsOneAndItsUserIsKnownInBoth()
    {
        using var service = Start(ServiceProgram.Argument);
        var address = await service.StandardOutput.ReadLineAsync(Token);
        using var caller = Start(CallingProgram.Argument, address!);
        var said = (await caller.StandardOutput.ReadToEndAsync(Token)).Trim().Split(' ');
        await caller.WaitForExitAsync(Token);
        service.StandardInput.Close();
        await service.WaitForExitAsync(Token);
        Assert.Equal((0, 0), (caller.ExitCode, service.ExitCode));
        Assert.Equal("1", said[1]);

        var trace = await Client.GetTraceAsync(said[0], Token);

        Assert.Equal(["ask", "call the service", "handle", "look up"], trace.Spans.Select(span => span.Name).Order());
        Assert.Equal(["ask", "call the service", "handle"], Above(trace, trace.GetSpan("look up")));
        Assert.Equal((caller.Id, service.Id), (ProcessOf(trace.Root!), ProcessOf(trace.GetSpan("handle"))));
        Assert.Equal(("s, 1", "Zoë", "OK"), (trace.Metadata["mlflow.trace.session"], trace.Metadata["mlflow.trace.user"], trace.State));
        Assert.Equal("handle found", trace.Root!.Outputs?.GetString());

        // Of the other request only the baggage was told: it is a trace of its own, of the same session.
        var later = await Client.SearchTracesAsync("trace.name = 'order'", cancellationToken: Token).SingleAsync(Token);
        Assert.NotEqual(trace.TraceId, later.TraceId);
        Assert.Equal((service.Id, "s, 1", "Zoë"), (ProcessOf(later.Root!), later.Metadata["mlflow.trace.session"], later.Metadata["mlflow.trace.user"]));

        static int ProcessOf(TraceSpan span) => span.Attributes["process"].GetInt32();
    }

    private static IEnumerable<string> Above(TraceRecord trace, TraceSpan span) =>
        trace.ParentOf(span) is { } parent ? Above(trace, parent).Append(parent.Name) : [];

    private Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        Environment = { ["MLFLOW_TRACKING_URI"] = Address, ["MLFLOW_EXPERIMENT_NAME"] = "mine" },
    })!;
}
