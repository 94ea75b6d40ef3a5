using System.Text;
using Microsoft.AspNetCore.Http;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class ChatStreamCaptureTests : CaptureTestBase
{
    private const string Merged =
        """{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_ReadToItsEnd_IsMergedWithChunkEvents(bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        var client = Client(server.Address);
        var text = new StringBuilder();

        if (isAsync)
        {
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
            {
                text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            }
        }
        else
        {
            foreach (var update in client.CompleteChatStreaming([new UserChatMessage("x")], cancellationToken: Token))
            {
                text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            }
        }

        Assert.Equal("Hello", text.ToString());
        var span = await SingleSpanAsync();
        Assert.Equal(isAsync ? "AsyncCompletions" : "Completions", span.Name);
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        AssertJson(Merged, span.Attribute(AttributeNames.Outputs));
        Assert.True(span.Attribute("stream").Boolean);
        Assert.Equal(5, span.AllEvents.Count());
        Assert.All(span.AllEvents, (e, i) =>
        {
            Assert.Equal("mlflow.chunk.item." + i, e.Name);
            Assert.Equal(Chunks[i], e.Text(AttributeNames.ChunkValue));
            Assert.InRange(e.TimeNs, span.StartNs, span.EndNs);
        });
        Assert.True(span.AllEvents.Select(e => e.TimeNs).SequenceEqual(span.AllEvents.Select(e => e.TimeNs).Order()));
        Assert.Equal(new TokenUsage { InputTokens = 9, OutputTokens = 2, TotalTokens = 11 }, span.Usage);
        Assert.Equal(5, span.Attribute(AttributeNames.ChunkCount).Int64);
        Assert.True(span.Attribute(AttributeNames.TimeToFirstToken).Double > 0);
        Assert.Equal("completed", span.Text(AttributeNames.StreamEnd));
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Fact]
    public async Task Stream_ChunksComeSlowly_EventsHaveTheirTimes()
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
            // The server sends the next chunk only now: nothing was read ahead, and no two chunks came in one read.
            read.Release();
        }

        var times = (await SingleSpanAsync()).AllEvents.Select(e => e.TimeNs).ToList();
        Assert.Equal(5, times.Distinct().Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_LeftByBreak_IsAbandonedWithPartialOutput(bool isAsync)
    {
        await using var server = await LoopbackServer.StartAsync(HoldAfterTwoChunks);
        var client = Client(server.Address);

        if (isAsync)
        {
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
            {
                if (update.ContentUpdate.Any(part => part.Text == "Hel"))
                {
                    break;
                }
            }
        }
        else
        {
            foreach (var update in client.CompleteChatStreaming([new UserChatMessage("x")], cancellationToken: Token))
            {
                if (update.ContentUpdate.Any(part => part.Text == "Hel"))
                {
                    break;
                }
            }
        }

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal("abandoned", span.Text(AttributeNames.StreamEnd));
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_Cancelled_IsAnErrorWithPartialOutput()
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using var server = await LoopbackServer.StartAsync(HoldAfterTwoChunks);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in Client(server.Address).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: cancel.Token))
            {
                if (update.ContentUpdate.Any(part => part.Text == "Hel"))
                {
                    cancel.CancelAfter(20);
                }
            }
        });

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("cancelled", span.Text(AttributeNames.StreamEnd));
        Assert.Equal("TaskCanceledException", span.Exception().Text(AttributeNames.ExceptionType));
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_OpenWhenTheProgramEnds_IsRecordedAsFarAsItCame()
    {
        await using var server = await LoopbackServer.StartAsync(HoldAfterTwoChunks);
        var stream = Client(server.Address).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token);
        await using var updates = stream.GetAsyncEnumerator(Token);
        Assert.True(await updates.MoveNextAsync());
        Assert.True(await updates.MoveNextAsync());

        Capture.CloseOpen();

        var span = await SingleSpanAsync();
        Assert.Contains("The program ended", span.Text(AttributeNames.CaptureNote), StringComparison.Ordinal);
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_ResetByServer_IsAnErrorWithPartialOutputAndTheRealException()
    {
        var isRead = new TaskCompletionSource();
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            await Sse(context, Chunks.Take(2), done: false);

            // A reset may overtake what was sent, so it waits until that has arrived.
            await isRead.Task;
            context.Abort();
        });

        var thrown = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var update in Client(server.Address).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
            {
                if (update.ContentUpdate.Any(part => part.Text == "Hel"))
                {
                    isRead.SetResult();
                }
            }
        });

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("connection_lost", span.Text(AttributeNames.StreamEnd));
        Assert.Equal(thrown.GetType().Name, span.Exception().Text(AttributeNames.ExceptionType));
        Assert.Equal(thrown.Message, span.Exception().Text(AttributeNames.ExceptionMessage));
        Assert.NotNull(span.Exception().Text(AttributeNames.ExceptionStackTrace));
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_EndedWithoutTerminator_IsTruncated()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks.Take(2), done: false));

        await foreach (var update in Client(server.Address).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
        {
        }

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal("truncated", span.Text(AttributeNames.StreamEnd));
        AssertJson(Partial, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_WithErrorInTheMiddle_IsAnErrorWithPartialOutput()
    {
        const string Error = """{"error":{"message":"The server had an error","type":"server_error","code":null}}""";
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, [.. Chunks.Take(2), Error], done: false));
        using var http = new HttpClient();

        using var response = await http.PostAsync(new Uri(server.Address, "/v1/chat/completions"), new StringContent("{}"), Token);

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("server_error", span.Exception().Text(AttributeNames.ExceptionType));
        Assert.Equal("server_error: The server had an error", span.Exception().Text(AttributeNames.ExceptionMessage));
        Assert.Contains("\"Hel\"", Encoding.UTF8.GetString(span.Attribute(AttributeNames.Outputs).Json), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_DroppedWithoutDispose_IsRecordedOnceCollected()
    {
        await using var server = await LoopbackServer.StartAsync(HoldAfterTwoChunks);
        await StartAndForgetAsync(server.Address);

        for (var i = 0; i < 50 && Exporter.Spans.Count == 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Capture.DrainAsync(Token);
        }

        Assert.Equal("dropped", Assert.Single(Exporter.Spans).Text(AttributeNames.StreamEnd));
    }

    [Fact]
    public async Task Stream_EnumeratedTwice_IsTwoSpans()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        var stream = Client(server.Address).CompleteChatStreaming([new UserChatMessage("x")], cancellationToken: Token);

        Assert.Equal(5, stream.Count());
        Assert.Equal(5, stream.Count());

        Assert.Equal(2, (await SpansAsync()).Count);
    }

    [Fact]
    public async Task Stream_MoreChunksThanTheLimit_AreMergedAndCounted()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(context, Chunks));
        Capture.Configure(new OpenAIAutologOptions { MaxChunkEvents = 2 });

        Assert.Equal(5, Client(server.Address).CompleteChatStreaming([new UserChatMessage("x")], cancellationToken: Token).Count());

        var span = await SingleSpanAsync();
        Assert.Equal(2, span.AllEvents.Count());
        Assert.Equal(3, span.Attribute(AttributeNames.ChunksOmitted).Int64);
        AssertJson(Merged, span.Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Stream_Compressed_IsDecodedAndKeepsItsTimes()
    {
        var read = new SemaphoreSlim(0);
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.ContentEncoding = "gzip";
            await using var gzip = new System.IO.Compression.GZipStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest);
            foreach (var chunk in Chunks)
            {
                await gzip.WriteAsync(Encoding.UTF8.GetBytes("data: " + chunk + "\n\n"));
                await gzip.FlushAsync();
                await context.Response.Body.FlushAsync();
                await read.WaitAsync(context.RequestAborted);
            }
        });
        using var handler = new SocketsHttpHandler { AutomaticDecompression = System.Net.DecompressionMethods.All };
        using var http = new HttpClient(handler);
        var client = Client(server.Address, o => o.Transport = new System.ClientModel.Primitives.HttpClientPipelineTransport(http));

        await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token))
        {
            read.Release();
        }

        var span = await SingleSpanAsync();
        AssertJson(Merged, span.Attribute(AttributeNames.Outputs));
        Assert.Equal(5, span.AllEvents.Select(e => e.TimeNs).Distinct().Count());
        Assert.False(span.Has(AttributeNames.CaptureNote));
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static async Task StartAndForgetAsync(Uri address)
    {
        var stream = Client(address).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Token);
        var enumerator = stream.GetAsyncEnumerator(Token);
        await enumerator.MoveNextAsync();
    }
}
