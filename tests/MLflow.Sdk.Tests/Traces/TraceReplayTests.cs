using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Sdk.Tests.Traces;

public sealed class TraceReplayTests : ReplayTestBase
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Replay_RealClient_GetsTheRecordedAnswer(bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        await Client(server.Address).CompleteChatAsync("Which capital?");
        var client = Client((await StoredAsync()).CreateReplayHandler());

        var result = isAsync ? await client.CompleteChatAsync("Which capital?") : client.CompleteChat("Which capital?");

        Assert.Equal("Paris — 東京", result.Value.Content[0].Text);
        Assert.Equal(29, result.Value.Usage.TotalTokenCount);
        Assert.Equal("req_1", result.GetRawResponse().Headers.TryGetValue("x-request-id", out var id) ? id : null);
    }

    [Fact]
    public async Task Replay_StreamThatWasTakenUpAgain_IsOneAnswer()
    {
        await using var server = await LoopbackServer.StartAsync(async (context, number) =>
        {
            context.Response.ContentType = "text/event-stream";
            var part = number == 1 ? Chunks[..2] : Chunks[2..];
            await context.Response.WriteAsync("retry: 1\n" + string.Concat(part.Select((chunk, i) => $"id: {number}-{i}\ndata: {chunk}\n\n")));
        });
        using var http = new HttpClient();
        foreach (var lastId in (string?[])[null, "1-1"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/v1/chat/completions"));
            request.Content = new StringContent("""{"model":"gpt-4o","stream":true,"messages":[]}""", Encoding.UTF8, "application/json");
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);
            using var response = await http.SendAsync(request, Token);
        }

        var exchange = Assert.Single((await StoredAsync()).Exchanges);

        Assert.Equal(Chunks, exchange.Events.Select(item => item.Data));
        Assert.All(exchange.Events, item => Assert.True(item.Time >= TimeSpan.Zero, $"{item.Time} after the beginning"));
        Assert.Equal(0, exchange.EarlierAttempts);
        Assert.Null(exchange.IncompleteReason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Replay_RealClientStreams_GetsTheRecordedUpdates(bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        await foreach (var update in Client(server.Address).CompleteChatStreamingAsync("Hi"))
        {
        }

        var client = Client((await StoredAsync()).CreateReplayHandler());
        var text = new StringBuilder();

        if (isAsync)
        {
            await foreach (var update in client.CompleteChatStreamingAsync("Hi"))
            {
                text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            }
        }
        else
        {
            foreach (var update in client.CompleteChatStreaming("Hi"))
            {
                text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            }
        }

        Assert.Equal("Hello", text.ToString());
    }

    [Fact]
    public async Task Exchanges_OfAStream_AreTheBytesOfTheServer()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        await foreach (var update in Client(server.Address).CompleteChatStreamingAsync("Hi"))
        {
        }

        var exchange = Assert.Single((await StoredAsync()).Exchanges);

        Assert.True(exchange.IsComplete);
        Assert.Equal(("POST", "/v1/chat/completions", 200), (exchange.Method, exchange.Url.AbsolutePath, exchange.Status));
        Assert.Equal("chat.completions.create", exchange.Operation);
        Assert.Equal(string.Concat(Chunks.Append("[DONE]").Select(chunk => $"data: {chunk}\n\n")), Encoding.UTF8.GetString(exchange.ResponseBody.Span));
        Assert.Equal(Encoding.UTF8.GetString(server.Bodies[0]), Encoding.UTF8.GetString(exchange.RequestBody.Span));
        Assert.Equal(exchange.Events.Select(e => e.Time).Order(), exchange.Events.Select(e => e.Time));
        Assert.InRange(exchange.Events[0].Time, TimeSpan.FromTicks(1), exchange.Duration);
    }

    [Fact]
    public async Task Replay_SameRequestTwice_AnswersInOrderAndOnceEach()
    {
        await using var server = await LoopbackServer.StartAsync((context, count) => Json(context, $$"""{"n":{{count}}}"""));
        await RecordAsync(server, "{}", "{}");
        using var handler = (await StoredAsync()).CreateReplayHandler();

        Assert.Equal("""{"n":1}""", await PostAsync(handler, "/v1/responses", "{}"));
        Assert.Equal("""{"n":2}""", await PostAsync(handler, "/v1/responses", "{}"));
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => PostAsync(handler, "/v1/responses", "{}"));
        Assert.Contains("All of its 2 exchanges have answered already", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_OtherBody_SaysWhereItDiffers()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, "{}"));
        await RecordAsync(server, """{"input":"Hi"}""");
        using var handler = (await StoredAsync()).CreateReplayHandler();

        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => PostAsync(handler, "/v1/responses", """{"input":"Hello"}"""));

        Assert.Contains("""POST /v1/responses with the body {"input":"Hello"}""", e.Message, StringComparison.Ordinal);
        Assert.Contains("POST /v1/responses differs at $.input: recorded \"Hi\", sent \"Hello\"", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_OtherBodyAllowed_AnswersInOrder()
    {
        await using var server = await LoopbackServer.StartAsync((context, count) => Json(context, $$"""{"n":{{count}}}"""));
        await RecordAsync(server, """{"input":"a"}""", """{"input":"b"}""");
        using var handler = (await StoredAsync()).CreateReplayHandler(new TraceReplayOptions { MatchBody = false });

        Assert.Equal("""{"n":1}""", await PostAsync(handler, "/v1/responses", """{"input":"x"}"""));
        Assert.Equal("""{"n":2}""", await PostAsync(handler, "/v1/responses", """{"input":"a"}"""));
    }

    [Fact]
    public async Task Replay_OtherPath_ListsWhatWasExpected()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, "{}"));
        await RecordAsync(server, "{}");
        using var handler = (await StoredAsync()).CreateReplayHandler();

        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => PostAsync(handler, "/v1/embeddings", "{}"));

        Assert.Contains("no answer to POST /v1/embeddings", e.Message, StringComparison.Ordinal);
        Assert.Contains("\n  POST /v1/responses", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_ConnectionBroke_BreaksAgain()
    {
        var isRead = new TaskCompletionSource();
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            await Sse(context, Chunks[..2], done: false);

            // A reset may overtake what was sent, so it waits until that has arrived.
            await isRead.Task;
            context.Abort();
        });
        using var direct = new HttpClient { BaseAddress = server.Address };
        Assert.Equal(Chunks[..2], await ReadUntilBrokenAsync(direct, isRead.SetResult));
        var trace = await StoredAsync();

        using var replayed = new HttpClient(trace.CreateReplayHandler()) { BaseAddress = new Uri("http://replayed") };
        Assert.Equal(Chunks[..2], await ReadUntilBrokenAsync(replayed, () => { }));
    }

    [Fact]
    public async Task Replay_NoAnswerCame_FailsAgain()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        await Assert.ThrowsAsync<HttpRequestException>(() => RecordAsync(server, "{}"));
        var trace = await StoredAsync();

        Assert.Contains("No answer came", Assert.Single(trace.Exchanges).IncompleteReason, StringComparison.Ordinal);
        using var handler = trace.CreateReplayHandler();
        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(handler, "/v1/responses", "{}"));
    }

    [Fact]
    public async Task Replay_AnswerWasCut_IsRefused()
    {
        Capture.Configure(new OpenAIAutologOptions { MaxCaptureBytes = 1024 });
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, $$"""{"a":"{{new string('x', 2000)}}"}"""));
        await RecordAsync(server, "{}");
        var trace = await StoredAsync();

        Assert.False(Assert.Single(trace.Exchanges).IsComplete);
        using var handler = trace.CreateReplayHandler();
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => PostAsync(handler, "/v1/responses", "{}"));
        Assert.Contains("1024 of 2008 bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_Form_FitsWhateverItsBoundary()
    {
        Capture.Configure(new OpenAIAutologOptions { Media = MediaCapture.Whole });
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, """{"text":"Hi"}"""));
        using var direct = new HttpClient { BaseAddress = server.Address };
        await PostFormAsync(direct, "one", [0, 1, 255]);
        var trace = await StoredAsync();
        var exchange = Assert.Single(trace.Exchanges);
        Assert.True(exchange.IsComplete, exchange.IncompleteReason);

        using var replayed = new HttpClient(trace.CreateReplayHandler()) { BaseAddress = new Uri("http://replayed") };
        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => PostFormAsync(replayed, "two", [0, 1, 254]));
        Assert.Contains("$.file.sha256: recorded", e.Message, StringComparison.Ordinal);
        Assert.Equal("""{"text":"Hi"}""", await PostFormAsync(replayed, "two", [0, 1, 255]));
    }

    [Fact]
    public async Task Exchanges_MediaTrimmed_SayHowToKeepThem()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, """{"text":"Hi"}"""));
        using var direct = new HttpClient { BaseAddress = server.Address };
        await PostFormAsync(direct, "one", new byte[100_000]);

        var exchange = Assert.Single((await StoredAsync()).Exchanges);

        Assert.Contains("inputs.file", exchange.IncompleteReason, StringComparison.Ordinal);
        Assert.Contains("MediaCapture.Whole", exchange.IncompleteReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exchanges_CallTriedTwice_AreTheLastTry()
    {
        await using var server = await LoopbackServer.StartAsync((context, count) => count == 1 ? Json(context, Error429, 429) : Json(context, Answer));
        await Client(server.Address).CompleteChatAsync("Hi");

        var exchange = Assert.Single((await StoredAsync()).Exchanges);

        Assert.Equal((200, 1), (exchange.Status, exchange.EarlierAttempts));
    }

    [Fact]
    public async Task Exchanges_StreamLeft_SayWhatIsMissing()
    {
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            await Sse(context, Chunks[..2], done: false);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await foreach (var update in Client(server.Address).CompleteChatStreamingAsync("Hi"))
        {
            break;
        }

        var exchange = Assert.Single((await StoredAsync()).Exchanges);

        Assert.Contains("did not read the stream to its end", exchange.IncompleteReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_WithTiming_ComesAsLateAsThen()
    {
        var time = new FakeTimeProvider();
        using var handler = TraceRecord.Parse(TimedTrace).CreateReplayHandler(new TraceReplayOptions { WithTiming = true, TimeProvider = time });
        using var http = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://replayed/v1/responses/r1");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        var buffer = new byte[100];

        var first = body.ReadAsync(buffer, Token).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(first.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("data: a\n\n", Encoding.UTF8.GetString(buffer, 0, await first));

        var second = body.ReadAsync(buffer, Token).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(1999));
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("data: b\n\n", Encoding.UTF8.GetString(buffer, 0, await second));
        Assert.Equal(0, await body.ReadAsync(buffer, Token));
    }

    /// <summary>One event after a second, one after three.</summary>
    private const string TimedTrace =
        """
        {"spans":[{"span_id":"4dc538ff62b0dad8","name":"r","start_time_unix_nano":1000000000,"end_time_unix_nano":4000000000,
        "attributes":{"mlflow.traceRequestId":"\"tr-1\"","openai.operation":"\"responses.retrieve\"","http.request.method":"\"GET\"","url.full":"\"https://api.openai.com/v1/responses/r1\"",
        "http.response.status_code":"200","mlflow.stream.chunk_count":"2"},
        "events":[{"name":"mlflow.chunk.item.1","time_unix_nano":4000000000,"attributes":{"mlflow.chunk.value":"b"}},
        {"name":"mlflow.chunk.item.0","time_unix_nano":2000000000,"attributes":{"mlflow.chunk.value":"a"}}]}]}
        """;

    private static async Task RecordAsync(LoopbackServer server, params string[] bodies)
    {
        using var http = new HttpClient { BaseAddress = server.Address };
        foreach (var body in bodies)
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await http.PostAsync(new Uri("/v1/responses", UriKind.Relative), content, Token);
            await response.Content.ReadAsStringAsync(Token);
        }
    }

    private static async Task<List<string>> ReadUntilBrokenAsync(HttpClient http, Action readTwo)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/responses", UriKind.Relative))
        {
            Content = new StringContent("""{"stream":true}""", Encoding.UTF8, "application/json"),
        };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token));
        var data = new List<string>();
        while (data.Count < 2)
        {
            if (await reader.ReadLineAsync(Token) is ['d', 'a', 't', 'a', ':', ' ', .. var value])
            {
                data.Add(value);
            }
        }

        readTwo();
        await Assert.ThrowsAnyAsync<IOException>(() => reader.ReadToEndAsync(Token));
        return data;
    }

    private static async Task<string> PostFormAsync(HttpClient http, string boundary, byte[] file)
    {
        using var form = new MultipartFormDataContent(boundary)
        {
            { new StringContent("whisper-1"), "model" },
            { new StringContent("word"), "timestamp_granularities[]" },
            { new ByteArrayContent(file), "file", "a.wav" },
        };
        using var response = await http.PostAsync(new Uri("/v1/audio/transcriptions", UriKind.Relative), form, Token);
        return await response.Content.ReadAsStringAsync(Token);
    }
}
