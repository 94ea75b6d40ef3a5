using System.Net;
using System.Text;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class NotRecordedCallTests : CaptureTestBase
{
    [Theory]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    [InlineData(true, true, false)]
    public async Task Call_OfATraceThatIsNotRecorded_IsNotLookedAt(bool isBelowASpan, bool isDisabled, bool isSeen)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var http = new HttpClient();
        Tracer.IsEnabled = !isDisabled;
        using var parent = isBelowASpan ? Tracer.StartSpan("off", SpanType.Chain) : null;

        // The lot of the parent counts, not what was set since.
        Tracer.IsEnabled = !isDisabled || isBelowASpan;
        using var body = new WatchedContent("""{"model":"gpt-4o","messages":[]}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address, "/v1/chat/completions")) { Content = body };

        using var response = await http.SendAsync(request, Token);

        Assert.Equal(Answer, await response.Content.ReadAsStringAsync(Token));
        await Capture.DrainAsync(Token);
        Assert.Equal((isSeen, isSeen, isSeen ? 1 : 0), (body.WentThroughATee, response.Content is TeeResponseContent, Exporter.Spans.Count));
    }

    [Fact]
    public async Task Call_ThatIsSampledOut_IsNotLookedAt()
    {
        var outlet = SomeOutlet.Of(Exporter, samplingRatio: 0);
        Capture.Dispose();
        using var capture = new HttpCapture(outlet.Tracer, Log, new OpenAIAutologOptions());
        capture.Listen();
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));

        var answer = await Client(server.Address).CompleteChatAsync([new OpenAI.Chat.UserChatMessage("hi")], null, Token);

        Assert.Equal("Paris — 東京", answer.Value.Content[0].Text);
        await capture.DrainAsync(Token);
        Assert.Empty(Exporter.Exports);
        Assert.Equal(0, outlet.Unfinished);
    }

    private sealed class WatchedContent(string text) : HttpContent
    {
        private readonly byte[] _bytes = Encoding.UTF8.GetBytes(text);

        public bool WentThroughATee { get; private set; }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            WentThroughATee = stream is TeeWriteStream;
            return stream.WriteAsync(_bytes, 0, _bytes.Length);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
