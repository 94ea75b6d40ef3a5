using System.Net;
using System.Text;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class ChatCaptureTests : CaptureTestBase
{
    [Theory]
    [InlineData(false, "Completions")]
    [InlineData(true, "AsyncCompletions")]
    public async Task Chat_Answered_IsOneSpanWithRequestAndResponse(bool isAsync, string name)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = Client(server.Address);

        ChatCompletion answer = isAsync
            ? await client.CompleteChatAsync([new UserChatMessage("Capital of Japan?")], cancellationToken: Token)
            : client.CompleteChat([new UserChatMessage("Capital of Japan?")], cancellationToken: Token);

        Assert.Equal("Paris — 東京", answer.Content[0].Text);
        var span = await SingleSpanAsync();
        Assert.Equal(name, span.Name);
        Assert.Equal(SpanType.ChatModel, span.SpanType);
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Null(span.Parent);
        AssertJson(Encoding.UTF8.GetString(server.Bodies.Single()), span.Attribute(AttributeNames.Inputs));
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
        Assert.Equal("gpt-4o", span.Text("model"));
        Assert.Equal("gpt-4o", span.Text(AttributeNames.Model));
        Assert.Equal("openai", span.Text(AttributeNames.MessageFormat));
        Assert.Equal("stop", span.Text(AttributeNames.FinishReason));
        Assert.Equal("req_1", span.Text(AttributeNames.RequestId));
        Assert.Equal(200, span.Attribute(AttributeNames.HttpStatus).Int64);
        Assert.Equal(new TokenUsage { InputTokens = 19, OutputTokens = 10, TotalTokens = 29, CacheReadInputTokens = 4 }, span.Usage);
        Assert.Empty(span.EndedEvents);
        Assert.False(span.Has(AttributeNames.CaptureNote));
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Fact]
    public async Task Chat_WithParameters_AreAttributesButMessagesAreNot()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var options = new ChatCompletionOptions { Temperature = 0.5f, MaxOutputTokenCount = 7 };
        options.Tools.Add(ChatTool.CreateFunctionTool("get_weather", "Weather", BinaryData.FromString("""{"type":"object"}""")));

        await Client(server.Address).CompleteChatAsync([new UserChatMessage("x")], options, Token);

        var span = await SingleSpanAsync();
        Assert.Equal(0.5, span.Attribute("temperature").Double);
        Assert.Equal(7, span.Attribute("max_completion_tokens").Int64);
        Assert.False(span.Has("messages"));
        const string Tools = """[{"type":"function","function":{"name":"get_weather","description":"Weather","parameters":{"type":"object"}}}]""";
        AssertJson(Tools, span.Attribute("tools"));
        AssertJson(Tools, span.Attribute(AttributeNames.ChatTools));
    }

    [Fact]
    public async Task Chat_InsideSpan_IsItsChild()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = Client(server.Address);
        LiveSpan parent;
        using (parent = Tracer.StartSpan("parent", SpanType.Agent))
        {
            await client.CompleteChatAsync([new UserChatMessage("a")], cancellationToken: Token);
            client.CompleteChat([new UserChatMessage("b")], cancellationToken: Token);
        }

        var spans = await SpansAsync();
        Assert.Equal(3, spans.Count);
        Assert.All(spans.Where(s => s != parent), s => Assert.Same(parent, s.Parent));
        Assert.True(Assert.Single(Exporter.Exports, e => e.IsComplete).Spans.Count > 0);
    }

    [Fact]
    public async Task Chat_ManyInParallel_AreNotMixedUp()
    {
        await using var server = await LoopbackServer.StartAsync(async (context, n) =>
        {
            // The last answer is held back until all have asked, so that all are under way at once.
            await Json(context, Answer.Replace("chatcmpl-1", context.Request.Headers["x-case"]));
        });
        var client = new HttpClient();

        await Parallel.ForEachAsync(Enumerable.Range(0, 200), Token, async (i, token) =>
        {
            var parent = Tracer.StartSpan("p" + i, SpanType.Chain);
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/v1/chat/completions"))
            {
                Content = new StringContent($$"""{"model":"m{{i}}","messages":[]}"""),
            };
            request.Headers.Add("x-case", "case" + i);
            using var response = await client.SendAsync(request, token);
            Assert.Contains("case" + i + "\"", await response.Content.ReadAsStringAsync(token), StringComparison.Ordinal);
            parent.Dispose();
        });

        var calls = (await SpansAsync()).Where(s => s.SpanType == SpanType.ChatModel).ToList();
        Assert.Equal(200, calls.Count);
        Assert.All(calls, call =>
        {
            var number = call.Parent!.Name[1..];
            Assert.Equal("m" + number, call.Text("model"));
            Assert.Contains($"\"case{number}\"", Encoding.UTF8.GetString(call.Attribute(AttributeNames.Outputs).Json), StringComparison.Ordinal);
        });
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Fact]
    public async Task Chat_CompressedAnswer_IsDecoded()
    {
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = "application/json";
            context.Response.Headers.ContentEncoding = "gzip";
            await using var gzip = new System.IO.Compression.GZipStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest);
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(Answer));
        });
        using var handler = new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All };
        using var http = new HttpClient(handler);
        var client = Client(server.Address, o => o.Transport = new System.ClientModel.Primitives.HttpClientPipelineTransport(http));

        ChatCompletion answer = await client.CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token);

        Assert.Equal("Paris — 東京", answer.Content[0].Text);
        AssertJson(Answer, (await SingleSpanAsync()).Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Chat_LargerThanTheLimit_IsCutAndSaysSo()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        Capture.Configure(new OpenAIAutologOptions { MaxCaptureBytes = 1024 });

        ChatCompletion answer = await Client(server.Address).CompleteChatAsync([new UserChatMessage(new string('x', 5000))], cancellationToken: Token);

        Assert.Equal("Paris — 東京", answer.Content[0].Text);
        var span = await SingleSpanAsync();
        Assert.Equal(1024, span.Text(AttributeNames.Inputs).Length);
        Assert.Contains("request body was cut: 1024 of", span.Text(AttributeNames.CaptureNote), StringComparison.Ordinal);
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Request_WithReadOnceBody_StillArrivesAndContentIsGivenBack()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();
        using var content = new StreamContent(new ReadOnceStream("""{"model":"m","messages":[]}"""u8.ToArray()));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/v1/chat/completions")) { Content = content };

        using var response = await client.SendAsync(request, Token);

        Assert.Same(content, request.Content);
        Assert.Equal("""{"model":"m","messages":[]}""", Encoding.UTF8.GetString(server.Bodies.Single()));
        AssertJson("""{"model":"m","messages":[]}""", (await SingleSpanAsync()).Attribute(AttributeNames.Inputs));
    }

    [Theory]
    [InlineData(HttpCompletionOption.ResponseContentRead)]
    [InlineData(HttpCompletionOption.ResponseHeadersRead)]
    public async Task Request_SentSynchronouslyByHttpClient_IsSeen(HttpCompletionOption option)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/v1/chat/completions"))
        {
            Content = new ByteArrayContent("""{"messages":[]}"""u8.ToArray()),
        };

        using (var response = client.Send(request, option, Token))
        {
            using var reader = new StreamReader(response.Content.ReadAsStream(Token));
            Assert.Equal(Answer, reader.ReadToEnd());
        }

        var span = await SingleSpanAsync();
        Assert.Equal("Completions", span.Name);
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Request_OverHttp2_IsSeen()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer), Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2);
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        var body = $$"""{"messages":["{{new string('x', 100_000)}}"]}""";

        using var response = await client.PostAsync(new Uri(server.Address, "/v1/chat/completions"), new StringContent(body), Token);

        Assert.Equal(Answer, await response.Content.ReadAsStringAsync(Token));
        Assert.Equal(body, Encoding.UTF8.GetString(server.Bodies.Single()));
        var span = await SingleSpanAsync();
        AssertJson(body, span.Attribute(AttributeNames.Inputs));
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions")]
    [InlineData("POST", "/v1/chat/completions/abc/messages")]
    [InlineData("POST", "/v1/traces")]
    [InlineData("POST", "/api/3.0/mlflow/traces")]
    public async Task Request_ThatIsNoModelCall_IsNotSeen(string method, string path)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(server.Address, path));

        using var response = await client.SendAsync(request, Token);

        Assert.Empty(await SpansAsync());
    }

    [Theory]
    [InlineData("/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21")]
    [InlineData("/chat/completions")]
    [InlineData("/serving-endpoints/chat/completions")]
    public async Task Request_ToCompatibleServer_IsSeen(string path)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();

        using var response = await client.PostAsync(new Uri(server.Address, path), new StringContent("""{"messages":[]}"""), Token);

        // Azure names the model in the path; the answer names it too.
        Assert.Equal("gpt-4o-2024-08-06", (await SingleSpanAsync()).Text(AttributeNames.Model));
    }

    [Fact]
    public async Task Autolog_TurnedOff_LeavesNothing()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        var client = Client(server.Address);
        await client.CompleteChatAsync([new UserChatMessage("seen")], cancellationToken: Token);

        Capture.Dispose();
        await client.CompleteChatAsync([new UserChatMessage("not seen")], cancellationToken: Token);

        await SingleSpanAsync();
        using var source = new System.Diagnostics.DiagnosticListener("HttpHandlerDiagnosticListener");
        Assert.False(source.IsEnabled());
    }

    [Fact]
    public async Task Autolog_TurnedOffDuringACall_EndsItsSpan()
    {
        var asked = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            asked.SetResult();
            await goOn.Task;
            await Json(context, Answer);
        });
        var call = Client(server.Address).CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token);
        await asked.Task;

        Capture.Dispose();

        var span = await SingleSpanAsync();
        Assert.Contains("turned off", span.Text(AttributeNames.CaptureNote), StringComparison.Ordinal);
        goOn.SetResult();
        Assert.Equal("Paris — 東京", (await call).Value.Content[0].Text);
    }

    private sealed class ReadOnceStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
