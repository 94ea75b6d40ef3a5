using System.ClientModel;
using System.Collections.Concurrent;
using MLflow.Sdk.Tests.Capture;
using OpenAI;
using OpenAI.Chat;
using Xunit;
using ModelServer = MLflow.Sdk.Tests.Capture.LoopbackServer;

namespace MLflow.Sdk.Tests.Traces;

[Collection("capture")]
public sealed class TraceCollectorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Traces_OfTheFlow_AreGivenAsTheyWouldBeStored()
    {
        await using var traces = TraceCollector.Start();
        using (var agent = Mlflow.StartSpan("agent", SpanType.Agent))
        {
            agent.SetInputs(new { question = "東京?" });
            Mlflow.UpdateCurrentTrace(new TraceUpdate { Session = "s-1", Tags = { ["tier"] = "gold" } });
            Mlflow.Trace("get_weather", SpanType.Tool, span =>
            {
                span.SetInputs(new { city = "Tokyo" });
                span.SetAttribute("attempts", 2);
                span.AddEvent("looked", [new("where", "cache")]);
                return "sunny";
            });
            Assert.Throws<InvalidOperationException>(() => Mlflow.Trace("fails", SpanType.Task, new Action<LiveSpan>(_ => throw new InvalidOperationException("no"))));
            agent.SetOutputs(new[] { 1, 2 });
        }

        var trace = await traces.GetTraceAsync(cancellationToken: Token);

        Assert.Equal("OK", trace.State);
        Assert.Equal("s-1", trace.Metadata["mlflow.trace.session"]);
        Assert.Equal("gold", trace.Tags["tier"]);
        Assert.Null(trace.ExperimentId);
        Assert.Equal("東京?", trace.Root!.Inputs!.Value.GetProperty("question").GetString());
        Assert.Equal(2, trace.Root.Outputs!.Value.GetArrayLength());
        var tool = trace.GetSpan("get_weather", SpanType.Tool);
        Assert.Equal("Tokyo", tool.Inputs!.Value.GetProperty("city").GetString());
        Assert.Equal("sunny", tool.Outputs!.Value.GetString());
        Assert.Equal(2, tool.Attributes["attempts"].GetInt32());
        Assert.Equal("cache", Assert.Single(tool.Events).Attributes["where"].GetString());
        Assert.Same(trace.Root, trace.ParentOf(tool));
        Assert.Equal(["get_weather", "fails"], trace.ChildrenOf(trace.Root).Select(span => span.Name));
        var failed = trace.GetSpan("fails");
        Assert.Equal(SpanStatusCode.Error, failed.StatusCode);
        Assert.Equal("exception", Assert.Single(failed.Events).Name);
    }

    [Fact]
    public async Task Lambda_WithOptions_IsTheirSpan()
    {
        await using var traces = TraceCollector.Start();
        Assert.Equal(1, Mlflow.Trace("a", SpanType.Tool, Options("a"), _ => 1));
        Mlflow.Trace("b", SpanType.Tool, Options("b"), _ => { });
        Assert.Equal(2, await Mlflow.TraceAsync("c", SpanType.Tool, Options("c"), _ => Task.FromResult(2)));
        await Mlflow.TraceAsync("d", SpanType.Tool, Options("d"), _ => Task.CompletedTask);

        Assert.Equal(["a", "b", "c", "d"], (await traces.GetTracesAsync(cancellationToken: Token)).Select(trace => trace.Root!.Inputs?.GetString()));

        static SpanOptions Options(string name) => new() { Inputs = name, SamplingRatio = 1 };
    }

    [Fact]
    public async Task Trace_ThatCannotBeRecorded_HarmsTheTestNotTheProgram()
    {
        await using var traces = TraceCollector.Start();
        Mlflow.StartSpan("fine").Dispose();
        using (var span = Mlflow.StartSpan("broken"))
        {
            span.AddEvent(new SpanEvent("no attributes", 0, null!));
        }

        var mistake = await Assert.ThrowsAsync<InvalidOperationException>(() => traces.GetTracesAsync(cancellationToken: Token));
        Assert.StartsWith("A trace could not be recorded: 'broken'", mistake.Message, StringComparison.Ordinal);
        Assert.NotNull(mistake.InnerException);
        Assert.Contains("fine", traces.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetSpan_NotThereOrTwice_ShowsTheTree()
    {
        await using var traces = TraceCollector.Start();
        using (Mlflow.StartSpan("agent", SpanType.Agent))
        {
            Mlflow.StartSpan("tool", SpanType.Tool).Dispose();
            using var second = Mlflow.StartSpan("tool", SpanType.Tool);
            second.SetStatus(SpanStatusCode.Error, "no\nway");
        }

        var trace = await traces.GetTraceAsync(cancellationToken: Token);

        var message = Assert.Throws<InvalidOperationException>(() => trace.GetSpan("tool", SpanType.Tool)).Message.ReplaceLineEndings("\n");
        Assert.Equal($"2 spans have the name 'tool' and have the type TOOL, not one:\n{trace.TraceId} (OK)\n  agent [AGENT]\n    tool [TOOL]\n    tool [TOOL] ERROR: no way", message);
        Assert.StartsWith("0 spans have the type RETRIEVER, not one:", Assert.Throws<InvalidOperationException>(() => trace.GetSpan(spanType: SpanType.Retriever)).Message, StringComparison.Ordinal);
        Assert.Equal(2, trace.FindSpans("tool").Count);
        Assert.Equal(3, trace.FindSpans().Count);
        Assert.Contains("  agent [AGENT]", traces.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Collectors_InParallelFlows_NeverSeeEachOthersTraces()
    {
        var seen = new ConcurrentDictionary<int, IReadOnlyList<TraceRecord>>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 50), Token, async (i, token) =>
        {
            await using var traces = TraceCollector.Start();
            for (var n = 0; n < 4; n++)
            {
                await Mlflow.TraceAsync($"work {i}", SpanType.Task, async _ =>
                {
                    await Task.Yield();
                    await Task.Run(() => Mlflow.StartSpan($"step {i}").Dispose(), token);
                });
            }

            seen[i] = await traces.GetTracesAsync(cancellationToken: token);
        });

        Assert.Equal(50, seen.Count);
        Assert.All(seen, each =>
        {
            Assert.Equal(4, each.Value.Count);
            Assert.All(each.Value, trace => Assert.Equal([$"work {each.Key}", $"step {each.Key}"], new[] { trace.Root!.Name, trace.Spans.Single(span => span.ParentId is not null).Name }));
        });
    }

    [Fact]
    public async Task Calls_OfModels_AreThereWithoutAFlush()
    {
        await using var server = await ModelServer.StartAsync((context, number) => number == 1 ? CaptureTestBase.Json(context, CaptureTestBase.Answer) : CaptureTestBase.Json(context, CaptureTestBase.Error429, 429));
        Mlflow.OpenAI.Autolog();
        try
        {
            await using var traces = TraceCollector.Start();
            var client = new ChatClient("gpt-4o", new ApiKeyCredential("sk-test"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
            await client.CompleteChatAsync([new UserChatMessage("first")], cancellationToken: Token);

            // Without a collector's word this one would wait for a second try.
            await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync([new UserChatMessage("second")], cancellationToken: Token));
            var all = await traces.GetTracesAsync(cancellationToken: Token);

            Assert.Equal(["OK", "ERROR"], all.Select(trace => trace.State));
            Assert.Equal("Paris — 東京", all[0].GetSpan(spanType: SpanType.ChatModel).Outputs!.Value.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
            Assert.Single(all[0].Exchanges);
        }
        finally
        {
            Mlflow.OpenAI.Autolog(disable: true);
        }
    }

    [Fact]
    public async Task GetTraces_ASpanStillRuns_SaysWhichAndThenGivesIt()
    {
        await using var traces = TraceCollector.Start();
        var root = Mlflow.StartSpan("root", SpanType.Chain);
        var forgotten = Mlflow.StartSpan("forgotten");
        root.Dispose();

        var error = await Assert.ThrowsAsync<TimeoutException>(() => traces.GetTracesAsync(TimeSpan.FromMilliseconds(1), Token));
        Assert.Contains("'root' ('forgotten' of it)", error.Message, StringComparison.Ordinal);

        var waiting = traces.GetTraceAsync(cancellationToken: Token);
        forgotten.Dispose();
        Assert.Equal(2, (await waiting).Spans.Count);
    }

    [Fact]
    public async Task GetTrace_NoneOrTwo_SaysSo()
    {
        await using var traces = TraceCollector.Start();
        Assert.Contains("No trace was collected", (await Assert.ThrowsAsync<InvalidOperationException>(() => traces.GetTraceAsync(cancellationToken: Token))).Message, StringComparison.Ordinal);

        Mlflow.StartSpan("one").Dispose();
        Mlflow.StartSpan("two").Dispose();
        var message = (await Assert.ThrowsAsync<InvalidOperationException>(() => traces.GetTraceAsync(cancellationToken: Token))).Message;
        Assert.StartsWith("2 traces were collected, not one:", message, StringComparison.Ordinal);
        Assert.Contains("two [UNKNOWN]", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_WithACollector_SendsNothingMeanwhileAndEverythingAfterwards()
    {
        await using var server = await MLflow.Tests.Export.LoopbackServer.StartAsync();
        await using var client = new MlflowClient(new MlflowClientOptions { TrackingUri = server.Address, Experiment = "e" });
        await using (var traces = TraceCollector.Start(client))
        {
            Assert.Throws<InvalidOperationException>(() => TraceCollector.Start(client));

            // As a request of a host: a flow that knows nothing of the test's.
            var done = new TaskCompletionSource();
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                client.StartSpan("collected").Dispose();
                done.SetResult();
            }, null);
            await done.Task;

            Assert.Equal("collected", (await traces.GetTraceAsync(cancellationToken: Token)).Root!.Name);
            Assert.Equal(0, (await client.FlushAsync(Token)).Exported);
        }

        client.StartSpan("sent").Dispose();
        Assert.Equal(1, (await client.FlushAsync(Token)).Exported);
        Assert.Equal(["sent"], server.To("/v1/traces").SelectMany(request => request.Spans).Select(span => span.Name));
    }

    [Fact]
    public async Task Flow_ThatOutlivesItsCollector_GoesOnWithWhatWasBefore()
    {
        await using var outer = TraceCollector.Start();
        var go = new TaskCompletionSource();
        Task late;
        await using (var inner = TraceCollector.Start())
        {
            late = LateAsync();
            Mlflow.StartSpan("inner").Dispose();
            Assert.Equal("inner", (await inner.GetTraceAsync(cancellationToken: Token)).Root!.Name);
        }

        go.SetResult();
        await late;
        Mlflow.StartSpan("outer").Dispose();
        Assert.Equal(["late", "outer"], (await outer.GetTracesAsync(cancellationToken: Token)).Select(trace => trace.Root!.Name));

        async Task LateAsync()
        {
            await go.Task;
            Mlflow.StartSpan("late").Dispose();
        }
    }
}
