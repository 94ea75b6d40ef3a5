using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Spans;

public sealed class SpanProcessorTests : SpanTestBase
{
    [Fact]
    public async Task Processors_AtTheEnd_ReadAndChangeWhatIsSent()
    {
        await using var collector = TraceCollector.Start();
        var seen = new List<string>();
        await using var client = new MlflowClient(new MlflowClientOptions
        {
            SpanProcessors =
            {
                span => seen.Add($"{span.Name}: {span.Inputs?.GetProperty("card")} {span.StatusCode} {span.EndTime is not null} {span.IsRecording}"),
                span => span.SetInputs("hidden"),
                span => span.SetAttribute("before", span.Inputs?.GetString()),
            },
        });

        using (var span = client.StartSpan("pay"))
        {
            span.SetInputs(new { card = "4242" });
            span.SetStatus(SpanStatusCode.Error, "declined");
        }

        var recorded = (await collector.GetTraceAsync(cancellationToken: Token)).GetSpan("pay");
        Assert.Equal(["pay: 4242 Error True True"], seen);
        Assert.Equal(("hidden", "hidden", SpanStatusCode.Error), (recorded.Inputs?.GetString(), recorded.Attributes["before"].GetString(), recorded.StatusCode));
    }

    [Fact]
    public async Task Processor_ThatThrows_CostsAWarningAndANoteAndNothingElse()
    {
        await using var collector = TraceCollector.Start();
        var log = new RecordingLog();
        await using var client = Some.Client("http://127.0.0.1:1", log: log);
        client.SetSpanProcessors([_ => throw new InvalidOperationException("boom"), span => span.SetAttribute("second", true)]);

        for (var i = 0; i < 3; i++)
        {
            client.StartSpan("x").Dispose();
        }

        var traces = await collector.GetTracesAsync(cancellationToken: Token);
        Assert.Equal(3, traces.Count);
        Assert.All(traces, trace => Assert.True(trace.GetSpan("x").Attributes["second"].GetBoolean()));
        Assert.All(traces, trace => Assert.Equal("A span processor failed: InvalidOperationException", trace.GetSpan("x").Attributes[AttributeNames.CaptureNote].GetString()));
        Assert.Contains("InvalidOperationException: boom", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Processor_WhoseExceptionFailsItself_CostsNoMoreThanAnother()
    {
        await using var collector = TraceCollector.Start();
        var log = new RecordingLog();
        await using var client = Some.Client("http://127.0.0.1:1", log: log);
        client.SetSpanProcessors([_ => throw new HostileException(), span => span.SetAttribute("second", true)]);

        client.StartSpan("x").Dispose();
        client.StartSpan("y").Dispose();

        var traces = await collector.GetTracesAsync(cancellationToken: Token);
        Assert.Equal(2, traces.Count);
        Assert.All(traces, trace => Assert.True(trace.Root!.Attributes["second"].GetBoolean()));
        Assert.Contains("HostileException", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Processor_ThatMakesSpansAndEndsItsOwn_ComesToAnEnd()
    {
        await using var collector = TraceCollector.Start();
        await using var client = new MlflowClient();
        var calls = 0;
        client.SetSpanProcessors([span =>
        {
            calls++;
            client.StartSpanNoContext("extra", parent: span).Dispose();
            span.Dispose();
        }]);

        client.StartSpan("x").Dispose();

        Assert.Equal(1, calls);
        Assert.Equal(["extra", "x"], (await collector.GetTraceAsync(cancellationToken: Token)).Spans.Select(s => s.Name).Order());
    }

    [Fact]
    public async Task Span_EndedByManyThreads_IsProcessedOnce()
    {
        await using var collector = TraceCollector.Start();
        await using var client = new MlflowClient();
        var calls = 0;
        client.SetSpanProcessors([_ => Interlocked.Increment(ref calls)]);
        var span = client.StartSpanNoContext("x");

        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(span.End, Token)));

        Assert.Equal(1, calls);
        Assert.Single((await collector.GetTraceAsync(cancellationToken: Token)).Spans);
    }

    [Fact]
    public async Task Announce_WithProcessors_TellsOnlyOfWhatPassedThem()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        await using var client = Some.Client(server);
        client.SetSpanProcessors([span => span.SetInputs("hidden")]);
        using (var root = client.StartSpan("root"))
        {
            root.SetInputs("secret");
            client.StartSpan("done").Dispose();
            var told = await server.NextAsync("/v1/traces");
            Assert.Equal(["done"], told.Spans.Select(span => span.Name));
        }

        await client.FlushAsync(Token);
        Assert.DoesNotContain(server.Requests, request => System.Text.Encoding.UTF8.GetString(request.Body).Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reset_AfterChanges_IsAsWhenTheClientWasMade()
    {
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = "http://127.0.0.1:1", Experiment = "a" });
        client.SetTrackingUri("http://127.0.0.1:2");
        client.SetExperiment("b");
        client.SetSpanProcessors([_ => { }]);
        client.IsEnabled = false;

        client.Reset();

        Assert.Equal(("http://127.0.0.1:1", "a"), (client.TrackingUri, client.Outlet.Destination.ExperimentName));
        Assert.Equal((true, false), (client.IsEnabled, client.Outlet.Processing?.IsOn));
    }
}
