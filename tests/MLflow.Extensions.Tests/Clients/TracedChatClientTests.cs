using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Extensions.Tests.Clients;

/// <summary><c>UseMlflowTracing()</c> alone, and next to every other layer that reports the same calls.</summary>
public sealed class TracedChatClientTests : ModelTestBase
{
    public static TheoryData<bool, bool, bool, bool> Layers
    {
        get
        {
            var layers = new TheoryData<bool, bool, bool, bool>();
            for (var i = 0; i < 16; i++)
            {
                layers.Add((i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0);
            }

            return layers;
        }
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task OpenAI_HoweverManyLayersReport_IsOneSpanForEachCallAndTool(bool streams, bool autolog, bool telemetry, bool ownActivities)
    {
        if (autolog)
        {
            Autolog();
        }

        var builder = OpenAIClient(ownActivities).AsIChatClient().AsBuilder().UseFunctionInvocation().Use(Traced);
        using var client = (telemetry ? builder.UseOpenTelemetry(configure: c => c.EnableSensitiveData = true) : builder).Build();
        LiveSpan question;
        using (question = Tracer.StartSpan("question", SpanType.Workflow))
        {
            await AskAsync(client, streams);
            Assert.Same(question, Tracer.Current);
        }

        var spans = await SpansAsync();

        // With telemetry further in, function invocation reports tools there, which only Autolog listens to.
        Assert.Equal(telemetry && !autolog ? "WORKFLOW[CHAT_MODEL TASK CHAT_MODEL]" : "WORKFLOW[CHAT_MODEL TOOL[TASK] CHAT_MODEL]", Tree(spans));
        var calls = spans.Where(span => span.SpanType == SpanType.ChatModel).ToList();
        Assert.All(calls, call => Assert.Equal(autolog ? "AsyncCompletions" : "chat gpt-4o", call.Name));
        Assert.All(calls, call => Assert.Equal("openai", call.Text(AttributeNames.Provider)));
        Assert.All(calls, call => Assert.Equal(11, call.Usage!.Value.TotalTokens));
        Assert.Equal(autolog, calls[0].Has(AttributeNames.HttpStatus));
        Assert.Equal("get_weather", (string?)Node(calls[0], AttributeNames.Outputs)["choices"]![0]!["message"]!["tool_calls"]![0]!["function"]!["name"]);
        Assert.Equal(Answer, (string?)Node(calls[1], AttributeNames.Outputs)["choices"]![0]!["message"]!["content"]);
        if (spans.SingleOrDefault(span => span.SpanType == SpanType.Tool) is { } tool)
        {
            AssertTool(tool);
        }

        Assert.All(Traceparents, Assert.Null);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task OpenAI_TracedBeforeFunctionInvocation_IsAChainOfCallsAndTools(bool streams, bool telemetry)
    {
        Autolog();
        var builder = OpenAIClient().AsIChatClient().AsBuilder().Use(Traced).UseFunctionInvocation();
        using var client = (telemetry ? builder.UseOpenTelemetry() : builder).Build();

        await AskAsync(client, streams);

        var spans = await SpansAsync();
        Assert.Equal("CHAIN[CHAT_MODEL TOOL[TASK] CHAT_MODEL]", Tree(spans));
        AssertTool(Assert.Single(spans, span => span.SpanType == SpanType.Tool));
        Assert.Equal(22, spans[0].Trace.TotalUsage()!.Value.TotalTokens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OtherProvider_WithTools_IsRecordedInTheShapeOfChat(bool streams)
    {
        using var client = new InMemoryChatClient().AsBuilder().UseFunctionInvocation().Use(Traced).Build();

        await AskAsync(client, streams);

        var spans = await SpansAsync();
        Assert.Equal("CHAT_MODEL TOOL[TASK] CHAT_MODEL", Tree(spans));
        AssertTool(spans.Single(span => span.SpanType == SpanType.Tool));
        var last = spans[^1];
        Assert.Equal("chat tiny-1", last.Name);
        Assert.Equal("in-memory", last.Text(AttributeNames.Provider));
        Assert.Equal("tiny-1", last.Text(AttributeNames.Model));
        Assert.Equal("stop", last.Text(AttributeNames.FinishReason));
        Assert.Equal(new TokenUsage { InputTokens = 5, OutputTokens = 3, TotalTokens = 8 }, last.Usage);
        Assert.Equal(0.5, last.Attribute("temperature").Double);
        Assert.Equal("get_weather", (string?)Node(last, AttributeNames.ChatTools)[0]!["function"]!["name"]);
        var messages = Node(last, AttributeNames.Inputs)["messages"]!.AsArray();
        Assert.Equal(["system", "user", "assistant", "tool"], messages.Select(m => (string?)m!["role"]));
        Assert.Equal(Weather, (string?)messages[3]!["content"]);
        Assert.Equal(Answer, (string?)Node(last, AttributeNames.Outputs)["choices"]![0]!["message"]!["content"]);
        if (streams)
        {
            Assert.Equal(StreamEnds.Completed, last.Text(AttributeNames.StreamEnd));
            Assert.Equal(3, last.Attribute(AttributeNames.ChunkCount).Int64);
            Assert.Equal(3, last.Chunks!.Count);
            Assert.True(last.Attribute(AttributeNames.TimeToFirstToken).Double >= 0);
        }
    }

    [Fact]
    public async Task OtherProvider_ToolsAtTheSameTime_AreSiblings()
    {
        using var client = new TwoToolsClient().AsBuilder().UseFunctionInvocation(configure: c => c.AllowConcurrentInvocation = true).Use(Traced).Build();
        var both = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var count = 0;
        async Task<string> Meet(string city)
        {
            if (Interlocked.Increment(ref count) == 2)
            {
                both.SetResult();
            }

            await both.Task.WaitAsync(Token);
            return GetWeather(city);
        }

        await client.GetResponseAsync("Weather?", new ChatOptions { Tools = [AIFunctionFactory.Create(Meet, "get_weather")] }, Token);

        var spans = await SpansAsync();
        Assert.Equal("CHAT_MODEL TOOL[TASK] TOOL[TASK] CHAT_MODEL", Tree(spans));
        Assert.Equal(["Osaka", "Tokyo"], spans.Where(s => s.SpanType == SpanType.Tool).Select(s => (string?)Node(s, AttributeNames.Inputs)["city"]).Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OtherProvider_Failing_IsAnErrorWithTheProgramsException(bool streams)
    {
        using var client = new InMemoryChatClient { BeforeUpdate = i => i == 1 ? throw new InvalidOperationException("broken") : Task.CompletedTask }.AsBuilder().Use(Traced).Build();

        await Assert.ThrowsAsync<InvalidOperationException>(() => AskAsync(client, streams, withTools: false));

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("broken", span.Exception().Text(AttributeNames.ExceptionMessage));
        Assert.True(span.Has(AttributeNames.Inputs));
        Assert.Equal(streams, span.Has(AttributeNames.Outputs));
    }

    [Fact]
    public async Task OtherProvider_StreamCancelled_KeepsWhatCame()
    {
        using var cancellation = new CancellationTokenSource();
        using var client = new InMemoryChatClient { BeforeUpdate = i => i == 1 ? cancellation.CancelAsync() : Task.CompletedTask }.AsBuilder().Use(Traced).Build();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in client.GetStreamingResponseAsync("x", cancellationToken: cancellation.Token))
            {
            }
        });

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(StreamEnds.Cancelled, span.Text(AttributeNames.StreamEnd));
        Assert.Equal("It is ", (string?)Node(span, AttributeNames.Outputs)["choices"]![0]!["message"]!["content"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_LeftByBreak_IsAbandonedOverAnyProvider(bool isOpenAI)
    {
        Autolog();
        using var client = (isOpenAI ? OpenAIClient().AsIChatClient() : new InMemoryChatClient()).AsBuilder().Use(Traced).Build();

        await foreach (var update in client.GetStreamingResponseAsync("x", cancellationToken: Token))
        {
            break;
        }

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.True(span.Has(AttributeNames.Outputs));
        if (!isOpenAI)
        {
            Assert.Equal(StreamEnds.Abandoned, span.Text(AttributeNames.StreamEnd));
        }
    }

    [Fact]
    public async Task Stream_DroppedWithoutDispose_EndsOnceCollected()
    {
        using var client = new InMemoryChatClient().AsBuilder().Use(Traced).Build();

        await DropAsync(client);
        for (var i = 0; i < 50 && Exporter.Spans.Count == 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }

        Assert.Equal(StreamEnds.Dropped, Assert.Single(Exporter.Spans).Text(AttributeNames.StreamEnd));
    }

    [Fact]
    public async Task Stream_SpansOfTheReader_AreNotBelowTheCall()
    {
        using var client = new InMemoryChatClient().AsBuilder().Use(Traced).Build();

        using (Tracer.StartSpan("outer", SpanType.Chain))
        {
            await foreach (var update in client.GetStreamingResponseAsync("x", cancellationToken: Token))
            {
                Tracer.StartSpan("reader", SpanType.Task).Dispose();
            }
        }

        Assert.Equal("CHAIN[CHAT_MODEL TASK TASK TASK]", Tree(await SpansAsync()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenAI_Refused_IsOneErrorWithTheProgramsException(bool streams)
    {
        Autolog();
        using var client = OpenAIClient(ownActivities: true).AsIChatClient().AsBuilder().Use(Traced).UseOpenTelemetry().Build();

        var error = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(client, streams, withTools: false, "fail"));

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(400, span.Attribute(AttributeNames.HttpStatus).Int64);
        Assert.Equal(error.GetType().Name, span.Exception().Text(AttributeNames.ExceptionType));
        Assert.Contains("   at ", span.Exception().Text(AttributeNames.ExceptionStackTrace), StringComparison.Ordinal);
    }

    private static void AssertTool(LiveSpan tool)
    {
        Assert.Equal("get_weather", tool.Name);
        Assert.Equal(City, (string?)Node(tool, AttributeNames.Inputs)["city"]);
        var output = tool.Attribute(AttributeNames.Outputs);
        Assert.Equal(Weather, output.Kind == AttributeValueKind.String ? output.String : (string?)Node(tool, AttributeNames.Outputs));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task DropAsync(IChatClient client)
    {
        var updates = client.GetStreamingResponseAsync("x", cancellationToken: Token).GetAsyncEnumerator(Token);
        Assert.True(await updates.MoveNextAsync());
    }

    private IChatClient Traced(IChatClient inner) => new TracedChatClient(inner, Tracer, Log);

    private string GetWeather(string city)
    {
        Assert.Null(Activity.Current);
        using var span = Tracer.StartSpan("look", SpanType.Task);
        return Weather;
    }

    private async Task AskAsync(IChatClient client, bool streams, bool withTools = true, string question = "Weather?")
    {
        var options = new ChatOptions { Temperature = 0.5f, Instructions = "Be brief." };
        if (withTools)
        {
            options.Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")];
        }

        if (streams)
        {
            await foreach (var update in client.GetStreamingResponseAsync(question, options, Token))
            {
                Assert.Null(Activity.Current);
            }
        }
        else
        {
            await client.GetResponseAsync(question, options, Token);
        }

        Assert.Null(Activity.Current);
    }

    private sealed class TwoToolsClient : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse(messages.Last().Role == ChatRole.Tool
                ? new ChatMessage(ChatRole.Assistant, Answer)
                : new ChatMessage(ChatRole.Assistant, [Call("call_1", "Tokyo"), Call("call_2", "Osaka")])));

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }

        private static FunctionCallContent Call(string id, string city) => new(id, "get_weather", new Dictionary<string, object?> { ["city"] = city });
    }
}
