using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using OpenAI;
using OpenAI.Responses;
using Xunit;

#pragma warning disable OPENAI001 // The Responses API's client is the one that reconnects.

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Streams that break and are taken up again, by the package itself or by a client of the test's own: one call, one span.</summary>
public sealed class ReconnectTests : CaptureTestBase
{
    private const string Created = """{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-4o","output":[]}}""";
    private const string Added = """{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}""";
    private const string Completed = """{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","object":"response","status":"completed","model":"gpt-4o","output":[{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello world","annotations":[]}]}],"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}}""";

    // What the server sends in answer to the n-th request, and whether it then breaks the connection.
    private readonly ConcurrentDictionary<int, (string Events, bool Breaks)> _script = new();
    private readonly ConcurrentQueue<string> _lastIds = new();

    public static TheoryData<bool?> Policies => new((bool?[])[null, false, true]);

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task Response_TakenUpByThePackage_IsOneSpanOfBothParts(bool? isBlind)
    {
        await using var server = await ServeAsync(
            (Event(Created, "a") + Event(Added, "b") + Event(Delta("Hello"), "c"), true),
            (Event(Delta(" world"), "d") + Event(Completed, "e"), false));

        var text = await ReadAsync(Responses(server, isBlind));

        Assert.Equal("Hello world", text);
        Assert.Equal(["", "c"], _lastIds);
        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal(StreamEnds.Completed, span.Text(AttributeNames.StreamEnd));
        Assert.Equal("Hello world", (string?)Parse(Encoding.UTF8.GetString(span.Attribute(AttributeNames.Outputs).Json))["output"]![0]!["content"]![0]!["text"]);
        Assert.Equal(5, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.Equal(7, span.Usage!.Value.TotalTokens);
        Assert.Equal("req_2", span.Text(AttributeNames.RequestId));
        Assert.False(span.Has(AttributeNames.CaptureNote));

        var attempts = Attempts(span);
        Assert.Equal([200, 200], attempts.Select(e => Value(e, AttributeNames.HttpStatus).Int64));
        Assert.Equal(["req_1", "req_2"], attempts.Select(e => e.Text(AttributeNames.RequestId)));
        Assert.NotNull(attempts[0].Text(AttributeNames.ExceptionMessage));
        Assert.True(Value(attempts[1], AttributeNames.AttemptReconnect).Boolean);
        Assert.Equal("c", attempts[1].Text(AttributeNames.AttemptLastEventId));
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task StoredResponse_RefusedTwice_IsOneSpanWithThreeAttempts(bool? isBlind)
    {
        await using var server = await ServeAsync(("503", false), ("429", false), (Event(Created) + Event(Completed), false));

        await foreach (var update in await Responses(server, isBlind).GetResponseStreamingAsync("resp_1", Token))
        {
        }

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal([503, 429, 200], Attempts(span).Select(e => Value(e, AttributeNames.HttpStatus).Int64));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task StoredResponse_AskedForAgainByTheProgram_IsTwoSpans(bool? isBlind)
    {
        await using var server = await ServeAsync(("503", false), (Event(Created) + Event(Completed), false));
        var client = Responses(server, isBlind, NoRetries);

        await Assert.ThrowsAsync<ClientResultException>(() => client.GetResponseStreamingAsync("resp_1", Token));
        await foreach (var update in await client.GetResponseStreamingAsync("resp_1", Token))
        {
        }

        Assert.Equal([503, 200], (await SpansAsync()).OrderBy(span => span.StartNs).Select(span => span.Attribute(AttributeNames.HttpStatus).Int64));
    }

    [Fact]
    public async Task Response_TakenUpAgain_HasTheFiguresOfTheWhole()
    {
        await using var server = await ServeAsync(
            ("retry: 150\n" + Event(Created, "a") + Event(Added, "b") + Event(Delta("Hello"), "c"), true),
            (Event(Delta(" world"), "d") + Event(Completed, "e"), false));

        await ReadAsync(Responses(server));

        var span = await SingleSpanAsync();
        var attempts = Attempts(span);
        var times = span.AllEvents.Where(e => e.Name.StartsWith(AttributeNames.ChunkEventPrefix, StringComparison.Ordinal)).Select(e => e.TimeNs).ToList();

        // Whatever the machine does meanwhile, the second request stands between the two texts, and the figures are those of the whole.
        Assert.InRange(attempts[1].TimeNs, times[2], times[3]);
        Assert.Equal((times[2] - attempts[0].TimeNs) / 1e6, span.Attribute(AttributeNames.TimeToFirstToken).Double, 0.001);
        Assert.Equal((times[3] - times[2]) / 1e6, span.Attribute(AttributeNames.LongestGap).Double, 0.001);
    }

    [Fact]
    public async Task Response_BrokenTwiceAndRefusedInBetween_IsOneSpan()
    {
        await using var server = await ServeAsync(
            (Event(Created, "a") + Event(Added, "b") + Event(Delta("Hello"), "c"), true),
            ("503", false),
            (Event(Delta(" "), "d"), true),
            (Event(Delta("world"), "e") + Event(Completed, "f"), false));

        Assert.Equal("Hello world", await ReadAsync(Responses(server)));

        Assert.Equal(["", "c", "c", "d"], _lastIds);
        var span = await SingleSpanAsync();
        Assert.Equal(StreamEnds.Completed, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(6, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.Equal([200, 503, 200, 200], Attempts(span).Select(e => Value(e, AttributeNames.HttpStatus).Int64));
    }

    [Fact]
    public async Task Response_ServerRefusesTheRest_KeepsThePartAndTheError()
    {
        await using var server = await ServeAsync(
            (Event(Created, "a") + Event(Added, "b") + Event(Delta("Hello"), "c"), true),
            ("400", false));

        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => ReadAsync(Responses(server)));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Contains("400", span.StatusMessage, StringComparison.Ordinal);
        Assert.Equal(StreamEnds.ConnectionLost, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(3, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.Contains("Hello", Encoding.UTF8.GetString(span.Attribute(AttributeNames.Outputs).Json), StringComparison.Ordinal);
        Assert.Equal(200, span.Attribute(AttributeNames.HttpStatus).Int64);
    }

    [Fact]
    public async Task Response_ServerHasNoRest_IsTruncated()
    {
        await using var server = await ServeAsync(
            (Event(Created, "a") + Event(Added, "b") + Event(Delta("Hello"), "c"), true),
            ("204", false));

        Assert.Equal("Hello", await ReadAsync(Responses(server)));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal(StreamEnds.Truncated, span.Text(AttributeNames.StreamEnd));
        Assert.Equal([200, 204], Attempts(span).Select(e => Value(e, AttributeNames.HttpStatus).Int64));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task Response_CancelledWhileItReconnects_IsCancelledWithItsPart(bool? isBlind)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using var server = await LoopbackServer.StartAsync(async (context, number) =>
        {
            if (number == 2)
            {
                await cancel.CancelAsync();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
            }

            var events = "retry: 1\n" + Event(Created, "a") + Event(Added, "b") + Event(Delta("Hello"), "c");
            context.Response.ContentType = "text/event-stream";
            context.Response.ContentLength = events.Length + 1;
            await context.Response.WriteAsync(events);
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAsync(Responses(server, isBlind, NoRetries), cancel.Token));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal(StreamEnds.Cancelled, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(nameof(TaskCanceledException), span.Exception().Text(AttributeNames.ExceptionType));
        Assert.Contains("Hello", Encoding.UTF8.GetString(span.Attribute(AttributeNames.Outputs).Json), StringComparison.Ordinal);
        Assert.Equal(2, Attempts(span).Count);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public async Task StoredResponse_WithoutIds_IsReadAgainAndStillOneSpan(bool? isBlind)
    {
        await using var server = await ServeAsync(
            ("retry: 1\n" + Event(Created) + Event(Added) + Event(Delta("Hel")), true),
            (Event(Created) + Event(Added) + Event(Delta("Hello world")) + Event(Completed), false));

        await foreach (var update in await Responses(server, isBlind).GetResponseStreamingAsync("resp_1", Token))
        {
        }

        Assert.Equal(["", ""], _lastIds);
        var span = await SingleSpanAsync();
        Assert.Equal(StreamEnds.Completed, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(4, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.Contains("3 events came again", span.Text(AttributeNames.CaptureNote), StringComparison.Ordinal);
        Assert.Equal([200, 200], Attempts(span).Select(e => Value(e, AttributeNames.HttpStatus).Int64));
    }

    [Fact]
    public async Task Responses_EqualAndBrokenAtTheSameEvent_StayTwoWithTheirOwnParts()
    {
        // Both streams break at once; each connection then gets the rest of its own answer.
        var both = new TaskCompletionSource();
        var started = 0;
        await using var server = await LoopbackServer.StartAsync(async (context, number) =>
        {
            context.Response.ContentType = "text/event-stream";
            if (context.Request.Headers["Last-Event-ID"].Count == 0)
            {
                var name = Interlocked.Increment(ref started) == 1 ? "one" : "two";
                context.Response.Headers["x-request-id"] = name;
                var events = "retry: 20\n" + Event(Created, "a") + Event(Added, "b") + Event(Delta(name + ":"), "c");
                context.Response.ContentLength = events.Length + 1;
                await context.Response.WriteAsync(events);
                if (name == "two")
                {
                    both.SetResult();
                }

                await both.Task;
                return;
            }

            // The client says which of the two it is; the package repeats all headers of the first request.
            var rest = context.Request.Headers["x-client"].ToString();
            await context.Response.WriteAsync(Event(Delta(rest), "d"));
        });

        var texts = await Task.WhenAll(
            ReadAsync(Responses(server, configure: o => o.AddPolicy(new HeaderPolicy("first"), PipelinePosition.PerCall))),
            ReadAsync(Responses(server, configure: o => o.AddPolicy(new HeaderPolicy("second"), PipelinePosition.PerCall))));

        var spans = await SpansAsync();
        Assert.Equal(2, spans.Count);
        Assert.Equal(texts.Order(), spans.Select(span => string.Concat(span.AllEvents.Select(e => e.Text(AttributeNames.ChunkValue)).OfType<string>()
            .Select(Parse).Where(e => (string?)e["type"] == "response.output_text.delta").Select(e => (string?)e["delta"]))).Order());
        Assert.All(spans, span => Assert.Equal(2, Attempts(span).Count));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task OwnClient_SendsTheSameWithTheLastId_IsOneSpan(bool breaks, bool isAsync)
    {
        await using var server = await ServeAsync(
            (ChatEvent(Chunks[0], "1") + ChatEvent(Chunks[1], "2"), breaks),
            (ChatEvent(Chunks[2], "3") + ChatEvent(Chunks[3], "4") + ChatEvent(Chunks[4], "5") + "data: [DONE]\n\n", false));
        using var http = new HttpClient();

        await AskAsync(http, server, null, isAsync);
        await AskAsync(http, server, "2", isAsync);

        var span = await SingleSpanAsync();
        Assert.Equal(StreamEnds.Completed, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal("Hello", (string?)Parse(Encoding.UTF8.GetString(span.Attribute(AttributeNames.Outputs).Json))["choices"]![0]!["message"]!["content"]);
        Assert.Equal(5, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.Equal(2, Attempts(span).Count);
    }

    [Theory]
    [InlineData("1", """{"stream":true}""")]
    [InlineData(null, """{"stream":true}""")]
    [InlineData("2", """{"stream":true,"n":2}""")]
    public async Task OwnClient_AsksSomethingElse_IsASpanOfItsOwn(string? lastId, string secondBody)
    {
        await using var server = await ServeAsync(
            (ChatEvent(Chunks[0], "1") + ChatEvent(Chunks[1], "2"), true),
            (ChatEvent(Chunks[2], "3") + "data: [DONE]\n\n", false));
        using var http = new HttpClient();

        await AskAsync(http, server, null);
        await AskAsync(http, server, lastId, body: secondBody);

        var spans = await SpansAsync();
        Assert.Equal([StreamEnds.Completed, StreamEnds.ConnectionLost], spans.Select(span => span.Text(AttributeNames.StreamEnd)).Order());
    }

    [Fact]
    public async Task OwnClient_BelowAnotherSpan_IsASpanOfItsOwn()
    {
        await using var server = await ServeAsync(
            (ChatEvent(Chunks[0], "1") + ChatEvent(Chunks[1], "2"), false),
            (ChatEvent(Chunks[2], "3") + "data: [DONE]\n\n", false));
        using var http = new HttpClient();

        await Task.Run(() => AskAsync(http, server, null), Token);
        using (Tracer.StartSpan("elsewhere", SpanType.Chain))
        {
            await AskAsync(http, server, "2");
        }

        Assert.Equal(3, (await SpansAsync()).Count);
    }

    [Fact]
    public async Task Stream_Compressed_IsTakenUpAgain()
    {
        await using var server = await ServeAsync(
            (ChatEvent(Chunks[0], "1") + ChatEvent(Chunks[1], "2"), true),
            (ChatEvent(Chunks[2], "3") + ChatEvent(Chunks[3], "4") + "data: [DONE]\n\n", false));
        using var http = new HttpClient(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All });

        await AskAsync(http, server, null);
        await AskAsync(http, server, "2");

        var span = await SingleSpanAsync();
        Assert.Equal("Hello", (string?)Parse(Encoding.UTF8.GetString(span.Attribute(AttributeNames.Outputs).Json))["choices"]![0]!["message"]!["content"]);
    }

    [Fact]
    public async Task Stream_BrokenAndLeft_IsRecordedByItselfSoon()
    {
        Capture.Dispose();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var exporter = new RecordingExporter();
        using var capture = new HttpCapture(SomeOutlet.Of(exporter, time: time).Tracer, Log, new OpenAIAutologOptions());
        capture.Listen();
        await using var server = await ServeAsync((ChatEvent(Chunks[0], "1") + ChatEvent(Chunks[1], "2"), true));
        using var http = new HttpClient();

        await AskAsync(http, server, null);
        time.Advance(TimeSpan.FromSeconds(0.95));
        await capture.DrainAsync([], Token);
        Assert.True(capture.Budget.Held > 0, "it waits for the rest");
        Assert.Empty(exporter.Spans);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(SpinWait.SpinUntil(() => exporter.Spans.Count > 0, TimeSpan.FromMinutes(1)), "never recorded");

        var span = Assert.Single(exporter.Spans);
        Assert.Equal(StreamEnds.ConnectionLost, span.Text(AttributeNames.StreamEnd));
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.True(span.EndNs - span.StartNs < 1_000_000_000, "the wait is not the call's time");
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
        Assert.Empty(Attempts(span));
    }

    [Fact]
    public async Task Stream_BothPartsLarge_StayWithinTheLimit()
    {
        Capture.Configure(new OpenAIAutologOptions { MaxCaptureBytes = 1024 });
        var chunk = """{"id":"c1","choices":[{"index":0,"delta":{"content":"0123456789012345678901234567890123456789"},"finish_reason":null}]}""";
        var part = string.Concat(Enumerable.Range(0, 6).Select(i => ChatEvent(chunk, "n" + i)));
        await using var server = await ServeAsync((part, true), (part + "data: [DONE]\n\n", false));
        using var http = new HttpClient();

        await AskAsync(http, server, null);
        Assert.InRange(Capture.Budget.Held, 1, 8 << 10);
        await AskAsync(http, server, "n5");

        var span = await SingleSpanAsync();
        Assert.Contains("The response body was cut", span.Text(AttributeNames.CaptureNote), StringComparison.Ordinal);
        Assert.Equal(StreamEnds.NotSeen, span.Text(AttributeNames.StreamEnd));
        Assert.InRange(span.Attribute(AttributeNames.ChunkCount).Int64, 6, 9);
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Theory]
    [InlineData("id: 1\ndata: {}\n\nid: 2\ndata: {}\n\n", BodyEnd.Faulted, "2")]
    [InlineData("id: 1\ndata: {}\n\nid: 2\ndata: {}\n\n", BodyEnd.Completed, "2")]
    [InlineData("id: 1\n\ndata: {}\n\n", BodyEnd.Faulted, "1")]
    [InlineData("id: 1\r\ndata: {}\r\n\r\nid: 2\r\ndata: {", BodyEnd.Faulted, "1")]
    [InlineData("id: 1\ndata: {}\n\ndata: [DONE]\n\n", BodyEnd.Completed, null)]
    [InlineData("id: 1\nevent: response.completed\ndata: {}\n\n", BodyEnd.Completed, null)]
    [InlineData("id: 1\ndata: {\"type\":\"response.incomplete\"}\n\n", BodyEnd.Completed, null)]
    [InlineData("id: 1\nevent: response.completed\ndata: {", BodyEnd.Faulted, null)]
    [InlineData("id: 1\ndata: {}\n\nid\ndata: {}\n\n", BodyEnd.Faulted, null)]
    [InlineData("id: 1\ndata: {}\n\n", BodyEnd.Disposed, null)]
    [InlineData("id: 1\ndata: {}\n\n", BodyEnd.Canceled, null)]
    [InlineData("data: {\"id\":1}\n\n", BodyEnd.Faulted, null)]
    [InlineData("", BodyEnd.Faulted, null)]
    internal void Broken_ByItsBytes_IsWhereTheRestCanBeAskedFor(string body, BodyEnd end, string? lastId)
    {
        using var response = new HttpResponseMessage { Content = new StringContent("", Encoding.UTF8, "text/event-stream") };
        var attempt = SomeCall().AddAttempt(new HttpRequestMessage(HttpMethod.Post, "http://localhost/"), 0)!;
        attempt.SetResponse(response);
        attempt.BodyRead(Encoding.UTF8.GetBytes(body), isEnd: false);
        attempt.EndBody(end, end == BodyEnd.Faulted ? new IOException() : null);

        Assert.Equal(lastId, BrokenStream.Of(attempt)?.LastEventId);
    }

    [Theory]
    [InlineData("", 4.75)]
    [InlineData("retry: 0\n", 1)]
    [InlineData("retry: 8000\n", 11)]
    [InlineData("retry: 2147483647\n", 120)]
    [InlineData("retry: 99999999999999999999\n", 4.75)]
    [InlineData("retry: soon\n", 4.75)]
    public void Broken_ByWhatTheServerAskedFor_Waits(string retry, double seconds)
    {
        using var response = new HttpResponseMessage { Content = new StringContent("", Encoding.UTF8, "text/event-stream") };
        var attempt = SomeCall().AddAttempt(new HttpRequestMessage(HttpMethod.Post, "http://localhost/"), 0)!;
        attempt.SetResponse(response);
        attempt.BodyRead(Encoding.UTF8.GetBytes(retry + "id: 1\ndata: {}\n\n"), isEnd: false);
        attempt.EndBody(BodyEnd.Faulted, new IOException());

        Assert.Equal(seconds, BrokenStream.Of(attempt)!.Wait.TotalSeconds, 3);
    }

    [Theory]
    [InlineData("id: 1\ndata: a\n\ndata: b\n\ndata: c", "id: 2\ndata: d\n\n", "id: 1\ndata: a\n\nid: 2\ndata: d\n\n", 1)]
    [InlineData("data: a\n\ndata: b\n\n", "data: a\n\n", "data: a\n\n", 2)]
    [InlineData("id: 1\ndata: a\n\ndata: b\n\ndata: c", ": nothing\n\n", "id: 1\ndata: a\n\ndata: b\n\n: nothing\n\n", 0)]
    [InlineData("id: 1\ndata: a\n\n", "data: b", "id: 1\ndata: a\n\ndata: b", 0)]
    [InlineData("\uFEFFid: 1\ndata: a\n\n", "\uFEFFdata: b\n\n", "id: 1\ndata: a\n\ndata: b\n\n", 0)]
    [InlineData("data: a", "", "", 0)]
    public void Parts_Joined_AreWhatTheProgramReadWithoutWhatCameAgain(string first, string second, string joined, int repeated)
    {
        using var body = StreamParts.Join([Part(first, 10), Part(second, 20)], out var count);

        Assert.Equal(joined, Encoding.UTF8.GetString(body.Bytes));
        Assert.Equal(repeated, count);
    }

    [Fact]
    public void Parts_JoinedWithMarks_KeepTheirTimes()
    {
        using var body = StreamParts.Join([Part("id: 1\ndata: a\n\n", 10), Part("data: b\n\n", 20)], out _);

        Assert.Equal([new BodyMark(0, 10), new BodyMark(15, 20)], body.Marks.ToArray());
    }

    private static CapturedBody Part(string text, long time)
    {
        var capture = new BodyCapture(new CaptureBudget(), 1 << 20, keepsMarks: true);
        capture.Append(Encoding.UTF8.GetBytes(text), time);
        return capture.Take();
    }

    private LlmCall SomeCall()
    {
        var call = new LlmCall(Capture, ApiCatalog.ChatCompletions, new object(), 0);
        call.StartOwnSpan(null);
        return call;
    }

    private static string Delta(string text) =>
        $$"""{"type":"response.output_text.delta","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"{{text}}"}""";

    private static string Event(string data, string? id = null) => $"{(id is null ? "" : $"id: {id}\n")}event: {Parse(data)["type"]}\ndata: {data}\n\n";

    private static string ChatEvent(string data, string id) => $"retry: 1\nid: {id}\ndata: {data}\n\n";

    private static List<SpanEvent> Attempts(LiveSpan span) => [.. span.EndedEvents.Where(e => e.Name == AttributeNames.AttemptEvent)];

    private static AttributeValue Value(SpanEvent item, string key) => item.Attributes.Single(a => a.Key == key).Value;

    private static async Task<string> ReadAsync(ResponsesClient client, CancellationToken? token = null)
    {
        var text = "";
        await foreach (var update in await client.CreateResponseStreamingAsync("gpt-4o", "Hello?", cancellationToken: token ?? Token))
        {
            text += update is StreamingResponseOutputTextDeltaUpdate delta ? delta.Delta : "";
        }

        return text;
    }

    /// <summary>Asks as a client does that knows of event streams, and reads as far as the answer goes.</summary>
    private static async Task AskAsync(HttpClient http, LoopbackServer server, string? lastId, bool isAsync = true, string body = """{"stream":true}""")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/v1/chat/completions")) { Content = new StringContent(body) };
        if (lastId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastId);
        }

        using var response = isAsync ? await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token) : http.Send(request, HttpCompletionOption.ResponseHeadersRead, Token);
        try
        {
            await using var stream = isAsync ? await response.Content.ReadAsStreamAsync(Token) : response.Content.ReadAsStream(Token);
            var buffer = new byte[256];
            while ((isAsync ? await stream.ReadAsync(buffer, Token) : stream.Read(buffer)) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Broken, as the test wants it.
        }
    }

    private ResponsesClient Responses(LoopbackServer server, bool? isBlind = null, Action<OpenAIClientOptions>? configure = null)
    {
        var options = new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1") };
        if (isBlind == true)
        {
            // Without a propagator the handler has no diagnostics.
            options.Transport = new HttpClientPipelineTransport(new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }));
        }

        if (isBlind is not null)
        {
            options.AddMlflowTracing(() => Capture);
        }

        configure?.Invoke(options);
        return new OpenAIClient(new ApiKeyCredential("sk-test"), options).GetResponsesClient();
    }

    private async Task<LoopbackServer> ServeAsync(params (string Events, bool Breaks)[] answers)
    {
        for (var i = 0; i < answers.Length; i++)
        {
            _script[i + 1] = answers[i];
        }

        return await LoopbackServer.StartAsync(async (context, number) =>
        {
            _lastIds.Enqueue(context.Request.Headers["Last-Event-ID"].ToString());
            context.Response.Headers["x-request-id"] = "req_" + number;
            context.Response.Headers["retry-after-ms"] = "1";
            var (events, breaks) = _script[number];
            if (int.TryParse(events, out var status))
            {
                context.Response.StatusCode = status;
                if (status != 204)
                {
                    await Json(context, Error429, status);
                }

                return;
            }

            context.Response.ContentType = "text/event-stream";
            if (!events.StartsWith("retry:", StringComparison.Ordinal))
            {
                events = "retry: 1\n" + events;
            }

            var bytes = Encoding.UTF8.GetBytes(events);
            if (context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.Ordinal))
            {
                context.Response.Headers.ContentEncoding = "gzip";
                using var packed = new MemoryStream();
                await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                {
                    await gzip.WriteAsync(bytes);
                }

                bytes = packed.ToArray();
            }

            if (breaks)
            {
                // More is announced than comes. A reset might overtake what was sent.
                context.Response.ContentLength = bytes.Length + 1;
            }

            await context.Response.Body.WriteAsync(bytes);
        });
    }

    private sealed class HeaderPolicy(string value) : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Set("x-client", value);
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Set("x-client", value);
            return ProcessNextAsync(message, pipeline, currentIndex);
        }
    }
}
