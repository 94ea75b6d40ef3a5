using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>What the program and the server see of a traced call is what they would see of an untraced one.</summary>
public sealed class NeverHarmsTests : CaptureTestBase
{
    [Fact]
    public async Task Response_OverHttp2WithTrailers_IsUnchanged()
    {
        await using var server = await LoopbackServer.StartAsync(
            async (context, _) =>
            {
                context.Response.DeclareTrailer("x-checksum");
                await Sse(context, Chunks);
                context.Response.AppendTrailer("x-checksum", "42");
            },
            HttpProtocols.Http2);
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var response = await client.PostAsync(new Uri(server.Address, "/v1/chat/completions"), new StringContent("{}"), Token);

        Assert.Equal(HttpVersion.Version20, response.Version);
        Assert.Equal("42", Assert.Single(response.TrailingHeaders.GetValues("x-checksum")));
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("completed", (await SingleSpanAsync()).Text(AttributeNames.StreamEnd));
    }

    [Fact]
    public async Task Headers_OfRequestAndResponse_AreTheSameWithAndWithoutTracing()
    {
        var seen = new List<string>();
        await using var server = await LoopbackServer.StartAsync((context, _) =>
        {
            seen.Add(string.Join('\n', context.Request.Headers.OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key}: {h.Value}")));
            context.Response.Headers["x-custom"] = "kept";
            return Json(context, Answer);
        });
        using var client = new HttpClient();

        var traced = await PostAsync(client, server.Address);
        await SingleSpanAsync();
        Capture.Dispose();
        var untraced = await PostAsync(client, server.Address);

        Assert.Equal(untraced, traced);
        Assert.Equal(seen[1], seen[0]);
        Assert.Contains("Content-Length", seen[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task Response_Compressed_IsDecompressedByTheHandlerAsEver(string encoding)
    {
        await using var server = await LoopbackServer.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = "application/json";
            context.Response.Headers.ContentEncoding = encoding;
            using var memory = new MemoryStream();
            await using (Stream compressed = encoding switch
            {
                "gzip" => new System.IO.Compression.GZipStream(memory, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true),
                "br" => new System.IO.Compression.BrotliStream(memory, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true),
                _ => new System.IO.Compression.ZLibStream(memory, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true),
            })
            {
                await compressed.WriteAsync(Encoding.UTF8.GetBytes(Answer));
            }

            await context.Response.Body.WriteAsync(memory.ToArray());
        });
        using var handler = new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All };
        using var client = new HttpClient(handler);

        using var response = await client.PostAsync(new Uri(server.Address, "/v1/chat/completions"), new StringContent("{}"), Token);

        Assert.Equal(Answer, await response.Content.ReadAsStringAsync(Token));
        Assert.Empty(response.Content.Headers.ContentEncoding);
        AssertJson(Answer, (await SingleSpanAsync()).Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Traffic_OfOthers_KeepsItsContents()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();
        using var content = new StringContent("""{"order":1}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/orders")) { Content = content };
        var types = new List<string>();

        using (var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token))
        {
            types.Add(response.Content.GetType().FullName!);
        }

        Capture.Dispose();
        using var again = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/orders")) { Content = new StringContent("""{"order":1}""") };
        using (var response = await client.SendAsync(again, HttpCompletionOption.ResponseHeadersRead, Token))
        {
            types.Add(response.Content.GetType().FullName!);
        }

        Assert.Equal(types[1], types[0]);
        Assert.Same(content, request.Content);
        Assert.Empty(Exporter.Spans);
    }

    [Fact]
    public async Task Exception_OfTheProgramsOwnStream_ReachesItUnchanged()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();
        using var content = new StreamContent(new FailingStream());

        var thrown = await Assert.ThrowsAsync<HttpRequestException>(() => client.PostAsync(new Uri(server.Address, "/v1/chat/completions"), content, Token));

        Assert.Equal("the program's own fault", Assert.IsType<IOException>(thrown.InnerException).Message);
        Assert.Equal(SpanStatusCode.Error, (await SingleSpanAsync()).StatusCode);
    }

    [Fact]
    public async Task Recorder_ThatThrows_CostsOneCountAndANoteButNotTheSpan()
    {
        var operation = ApiCatalog.ChatCompletions with { Recorder = new ThrowingRecorder() };
        var call = new LlmCall(Capture, operation, new object(), Tracer.TimeProvider.GetTimestamp());
        call.StartOwnSpan(null);
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://x/v1/chat/completions");
        var attempt = call.AddAttempt(request, Tracer.TimeProvider.GetTimestamp())!;
        attempt.RequestBody.Append("""{"model":"m"}"""u8, 1);
        using var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(Answer) };
        attempt.SetResponse(response);
        attempt.BodyRead(Encoding.UTF8.GetBytes(Answer), isEnd: true);

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal(Answer, span.Text(AttributeNames.Outputs));
        Assert.Contains("on purpose", span.Text(AttributeNames.CaptureNote), StringComparison.Ordinal);
        Assert.Equal(2, Capture.RecorderFailures);
    }

    [Fact]
    public async Task Autolog_OnAndOffAThousandTimes_LeavesNothing()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        Capture.Dispose();
        var captures = new List<WeakReference>();
        await SwitchAsync(server.Address, captures);

        for (var i = 0; i < 10 && captures.Take(900).Any(c => c.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        // The pool of connections keeps the flow of its last request, and with it that request's capture, until the next one.
        Assert.Equal([], Enumerable.Range(0, 900).Where(i => captures[i].IsAlive));
        Assert.Equal(1000, captures.Count);
        using var source = new System.Diagnostics.DiagnosticListener("HttpHandlerDiagnosticListener");
        Assert.False(source.IsEnabled());
        Assert.Equal(10, Exporter.Spans.Count);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private async Task SwitchAsync(Uri address, List<WeakReference> captures)
    {
        var client = Client(address);
        for (var i = 0; i < 1000; i++)
        {
            var capture = new HttpCapture(Tracer, Log, new OpenAIAutologOptions());
            capture.Listen();
            if (i % 100 == 0)
            {
                await client.CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token);
                await capture.DrainAsync(Token);
            }

            capture.Dispose();
            captures.Add(new WeakReference(capture));
        }
    }

    private static async Task<string> PostAsync(HttpClient client, Uri address)
    {
        using var response = await client.PostAsync(new Uri(address, "/v1/chat/completions"), new StringContent("""{"messages":[]}"""), Token);
        var headers = response.Headers.Concat(response.Content.Headers).Where(h => h.Key != "Date").Select(h => $"{h.Key}: {string.Join(',', h.Value)}");
        return string.Join('\n', headers) + await response.Content.ReadAsStringAsync(Token);
    }

    private sealed class ThrowingRecorder : IRecorder
    {
        public void RecordRequest(in RecordedBody body, RecordedFields fields) => throw new InvalidOperationException("on purpose");

        public void RecordResponse(in RecordedBody body, RecordedFields fields) => throw new InvalidOperationException("on purpose");

        public void RecordStream(in RecordedBody body, ReadOnlySpan<BodyMark> marks, RecordedFields fields) => throw new InvalidOperationException("on purpose");
    }

    private sealed class FailingStream : MemoryStream
    {
        public override bool CanSeek => false;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("the program's own fault");

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => throw new IOException("the program's own fault");
    }
}
