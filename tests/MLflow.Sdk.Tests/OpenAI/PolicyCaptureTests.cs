using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Clients made with <c>AddMlflowTracing()</c>, with HttpClient's diagnostics and where a handler has none.</summary>
public sealed class PolicyCaptureTests : CaptureTestBase
{
    public static TheoryData<bool, bool> Cases => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Chat_Answered_IsOneSpanWithBothBodies(bool isBlind, bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = TracedClient(server, isBlind);
        LiveSpan parent;
        using (parent = Tracer.StartSpan("parent", SpanType.Chain))
        {
            ChatCompletion answer = isAsync
                ? await client.CompleteChatAsync([new UserChatMessage("Capital of Japan?")], cancellationToken: Token)
                : client.CompleteChat([new UserChatMessage("Capital of Japan?")], cancellationToken: Token);
            Assert.Equal("Paris — 東京", answer.Content[0].Text);
            Assert.Same(parent, Tracer.Current);
        }

        var span = await CallSpanAsync(parent);
        Assert.Equal(isAsync ? "AsyncCompletions" : "Completions", span.Name);
        AssertJson(Encoding.UTF8.GetString(server.Bodies.Single()), span.Attribute(AttributeNames.Inputs));
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
        Assert.Equal("req_1", span.Text(AttributeNames.RequestId));
        Assert.Equal(200, span.Attribute(AttributeNames.HttpStatus).Int64);
        Assert.Empty(span.EndedEvents);
        Assert.False(span.Has(AttributeNames.CaptureNote));
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Stream_ReadToItsEnd_IsOneSpanWithChunks(bool isBlind, bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        var client = TracedClient(server, isBlind);
        var text = "";
        LiveSpan parent;
        using (parent = Tracer.StartSpan("parent", SpanType.Chain))
        {
            if (isAsync)
            {
                await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
                {
                    text += string.Concat(update.ContentUpdate.Select(c => c.Text));
                }
            }
            else
            {
                foreach (var update in client.CompleteChatStreaming([new UserChatMessage("x")], cancellationToken: Token))
                {
                    text += string.Concat(update.ContentUpdate.Select(c => c.Text));
                }
            }

            Assert.Same(parent, Tracer.Current);
        }

        Assert.Equal("Hello", text);
        var span = await CallSpanAsync(parent);
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal(Chunks.Length, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.True(span.Has(AttributeNames.TimeToFirstToken));
        Assert.Equal(StreamEnds.Completed, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(11, span.Usage!.Value.TotalTokens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_LeftByBreak_IsAbandoned(bool isBlind)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks[..2], done: false));

        await foreach (var update in TracedClient(server, isBlind).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
        {
            break;
        }

        Assert.Equal("abandoned", (await SingleSpanAsync()).Text(AttributeNames.StreamEnd));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Chat_RetriedOnce_IsOneSpanWithTwoAttempts(bool isBlind, bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, number) =>
        {
            context.Response.Headers["retry-after-ms"] = "1";
            return number == 1 ? Json(context, Error429, 429) : Json(context, Answer);
        });
        var client = TracedClient(server, isBlind);

        _ = isAsync ? await client.CompleteChatAsync("x") : client.CompleteChat("x");

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal([429, 200], span.EndedEvents.Select(e => e.Attributes.Single(a => a.Key == AttributeNames.HttpStatus).Value.Int64));
        Assert.True(span.Has(AttributeNames.Inputs));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Program_EndsDuringTheSecondTry_CallIsRecordedAndLeftAlone(bool isBlind, bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, number) =>
        {
            context.Response.Headers["retry-after-ms"] = "1";
            if (number == 1)
            {
                return Json(context, Error429, 429);
            }

            Capture.CloseOpen();
            return Json(context, Answer);
        });
        LlmCall? call = null;
        var client = Client(server.Address, options =>
        {
            options.AddPolicy(new Watching(() => call = Capture.Held), PipelinePosition.PerTry);
            Trace(options, isBlind);
        });

        ChatCompletion answer = isAsync ? await client.CompleteChatAsync("x") : client.CompleteChat("x");

        Assert.Equal("Paris — 東京", answer.Content[0].Text);
        var span = await SingleSpanAsync();
        Assert.Equal("The program ended before this call was over.", span.Text(AttributeNames.CaptureNote));
        Assert.Equal(isBlind ? 1 : 2, call!.Attempts.Count);
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Chat_RefusedOnEveryTry_IsOneSpanWithTheExceptionOfTheProgram(bool isBlind, bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) =>
        {
            context.Response.Headers["retry-after-ms"] = "1";
            return Json(context, Error429, 429);
        });
        var client = TracedClient(server, isBlind);

        await Assert.ThrowsAsync<ClientResultException>(async () => _ = isAsync ? await client.CompleteChatAsync("x") : client.CompleteChat("x"));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal(4, span.EndedEvents.Count(e => e.Name == AttributeNames.AttemptEvent));
        Assert.Equal(nameof(ClientResultException), span.Exception().Text(AttributeNames.ExceptionType));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_ServerAway_IsOneSpanWithTheBodyThatWasNotSent(bool isBlind)
    {
        Uri address;
        await using (var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer)))
        {
            address = server.Address;
        }

        var client = Client(address, options =>
        {
            NoRetries(options);
            Trace(options, isBlind);
        });
        var error = await Assert.ThrowsAnyAsync<Exception>(() => client.CompleteChatAsync([new UserChatMessage("lost")], cancellationToken: Token));

        var span = await SingleSpanAsync();
        Assert.Equal(error.GetType().Name, span.Exception().Text(AttributeNames.ExceptionType));
        Assert.Contains("lost", Encoding.UTF8.GetString(span.Attribute(AttributeNames.Inputs).Json), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_CancelledBeforeItWasSent_IsASpan()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            TracedClient(server, isBlind: false).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: cancelled.Token));

        Assert.Empty(server.Bodies);
        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Contains("Cancel", span.Exception().Text(AttributeNames.ExceptionType), StringComparison.Ordinal);
        Assert.True(span.Has(AttributeNames.Inputs));
    }

    [Fact]
    public async Task Chat_OverATransportOfTheProgram_IsSeen()
    {
        var options = new OpenAI.OpenAIClientOptions { Transport = new HttpClientPipelineTransport(new HttpClient(new CannedHandler())) };
        Trace(options, isBlind: null);

        ChatCompletion answer = await new ChatClient("gpt-4o", new ApiKeyCredential("sk-test"), options).CompleteChatAsync([new UserChatMessage("canned")], cancellationToken: Token);

        Assert.Equal("Paris — 東京", answer.Content[0].Text);
        var span = await SingleSpanAsync();
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
        Assert.Contains("canned", Encoding.UTF8.GetString(span.Attribute(AttributeNames.Inputs).Json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_ManyAtOnce_AreOneSpanEach(bool isBlind)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = TracedClient(server, isBlind);

        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => client.CompleteChatAsync([new UserChatMessage($"question {i}.")], cancellationToken: Token)));

        var spans = await SpansAsync();
        Assert.Equal(50, spans.Count);
        for (var i = 0; i < 50; i++)
        {
            Assert.Single(spans, span => Encoding.UTF8.GetString(span.Attribute(AttributeNames.Inputs).Json).Contains($"question {i}.", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Policy_CaptureTurnedOff_TracesNothing()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = TracedClient(server, isBlind: true);
        Capture.Dispose();

        await client.CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token);

        Assert.Empty(await SpansAsync());
    }

    [Fact]
    public async Task Program_WithoutDiagnostics_WarnsOnceAndTracesClientsThatOptIn()
    {
        await using var model = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        await using var tracking = await MLflow.Tests.Export.LoopbackServer.StartAsync();
        using var program = BlindProgram.Start(model.Address, new Uri(tracking.Address));

        var errors = program.StandardError.ReadToEndAsync(Token);
        var output = await program.StandardOutput.ReadToEndAsync(Token);
        await program.WaitForExitAsync(Token);

        Assert.Equal(0, program.ExitCode);
        Assert.Equal("exported 1", output.Trim());
        var warning = Assert.Single((await errors).Split('\n'), line => line.Contains("EnableActivityPropagation", StringComparison.Ordinal));
        Assert.Contains("AddMlflowTracing()", warning, StringComparison.Ordinal);
        Assert.Equal(2, model.Bodies.Count);
    }

    private ChatClient TracedClient(LoopbackServer server, bool isBlind) => Client(server.Address, options => Trace(options, isBlind));

    private void Trace(ClientPipelineOptions options, bool? isBlind)
    {
        if (isBlind == true)
        {
            // Without a propagator the handler has no diagnostics.
            options.Transport = new HttpClientPipelineTransport(new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }));
        }

        options.AddMlflowTracing(() => Capture);
    }

    private async Task<LiveSpan> CallSpanAsync(LiveSpan parent)
    {
        var span = Assert.Single(await SpansAsync(), span => span != parent);
        Assert.Same(parent, span.Parent);
        return span;
    }

    private sealed class Watching(Action watch) : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            watch();
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            watch();
            return ProcessNextAsync(message, pipeline, currentIndex);
        }
    }

    private sealed class CannedHandler : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage { Content = new StringContent(Answer, Encoding.UTF8, "application/json"), RequestMessage = request });
    }
}
