using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.AspNetCore.Http;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Ways in which a stream ends besides those of <see cref="ChatStreamCaptureTests"/>: a span each time, with what came, and how it ended.</summary>
public sealed class StreamEndTests : CaptureTestBase
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_SlowerThanTheClientsLimit_HasTimedOut(bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync(HoldAfterTwoChunks);
        var client = Client(server.Address, options =>
        {
            options.NetworkTimeout = TimeSpan.FromMilliseconds(300);
            NoRetries(options);
        });

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            if (isAsync)
            {
                await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
                {
                }
            }
            else
            {
                foreach (var update in client.CompleteChatStreaming([new UserChatMessage("x")], cancellationToken: Token))
                {
                }
            }
        });

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("timed_out", span.Text(AttributeNames.StreamEnd));
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_DisposedBeforeAnythingWasRead_IsUnread()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        var content = BinaryContent.Create(BinaryData.FromString("""{"model":"m","stream":true,"messages":[]}"""));

        var result = await Client(server.Address).CompleteChatAsync(content, new RequestOptions { BufferResponse = false });
        result.GetRawResponse().Dispose();

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal("unread", span.Text(AttributeNames.StreamEnd));
        Assert.False(span.Has(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_NeverReadAndDropped_IsUnreadOnceCollected()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        await AskAndForgetAsync(server.Address);

        for (var i = 0; i < 50 && Exporter.Spans.Count == 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Capture.DrainAsync(Token);
        }

        Assert.Equal("unread", Assert.Single(Exporter.Spans).Text(AttributeNames.StreamEnd));
    }

    [Fact]
    public async Task Stream_ErrorEventReadByThePackage_IsTheServersError()
    {
        const string Error = """{"error":{"message":"The server had an error","type":"server_error","param":null,"code":"oops"}}""";
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, [.. Chunks.Take(2), Error], done: false));

        try
        {
            await foreach (var update in Client(server.Address).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
            {
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // What the package makes of the event is its own affair.
        }

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("server_error", span.Text(AttributeNames.StreamEnd));
        Assert.Contains("The server had an error", span.StatusMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_CancelledWhileNothingComes_IsCancelledWithPartialOutput()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using var server = await LoopbackServer.StartAsync(HoldAfterTwoChunks);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/v1/chat/completions")) { Content = new StringContent("{}") };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var sent = Chunks.Take(2).Sum(chunk => System.Text.Encoding.UTF8.GetByteCount($"data: {chunk}\n\n"));
        await stream.ReadExactlyAsync(new byte[sent], Token);

        var waiting = stream.ReadAsync(new byte[100], cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("cancelled", span.Text(AttributeNames.StreamEnd));
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_ReadSlowly_HasItsFigures()
    {
        var read = new SemaphoreSlim(0);
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            foreach (var chunk in Chunks)
            {
                await context.Response.WriteAsync("data: " + chunk + "\n\n");
                await context.Response.Body.FlushAsync();
                await read.WaitAsync(context.RequestAborted);
            }

            await context.Response.WriteAsync("data: [DONE]\n\n");
        });

        await foreach (var update in Client(server.Address).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
        {
            read.Release();
        }

        // Two chunks have content, and two tokens were counted: one after the first.
        var span = await SingleSpanAsync();
        var times = span.AllEvents.Select(e => e.TimeNs).ToList();
        var gap = times[2] - times[1];
        Assert.Equal(Math.Round(gap / 1e6, 3), span.Attribute(AttributeNames.LongestGap).Double);
        Assert.Equal(Math.Round(1 / (gap / 1e9), 3), span.Attribute(AttributeNames.TokensPerSecond).Double);
        Assert.True(span.Attribute(AttributeNames.StreamDone).Boolean);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PassedAnswer_ClosedUnread_IsCancelledWhereItsReaderHasGone(bool hasGone)
    {
        using var gone = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://localhost/");
        using var response = new HttpResponseMessage { Content = new StringContent("data: {}\n\n") };
        var attempt = HttpCapture.Try(Capture.Pass(ApiCatalog.ChatCompletions)!, request, "{}"u8)!;
        HttpCapture.Answer(attempt, response, gone.Token);
        var body = await response.Content.ReadAsStreamAsync(Token);
        if (hasGone)
        {
            await gone.CancelAsync();
        }

        await body.DisposeAsync();

        Assert.Equal(hasGone ? BodyEnd.Canceled : BodyEnd.Disposed, attempt.End);
        Capture.Settle(attempt.Call, null);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static async Task AskAndForgetAsync(Uri address)
    {
        var content = BinaryContent.Create(BinaryData.FromString("""{"model":"m","stream":true,"messages":[]}"""));
        var result = await Client(address).CompleteChatAsync(content, new RequestOptions { BufferResponse = false });
        Assert.NotNull(result.GetRawResponse().ContentStream);
    }
}
