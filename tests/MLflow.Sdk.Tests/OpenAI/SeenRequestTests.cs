using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Requests are seen when HttpClient asks about them, or, where it does not ask, by its event; each of them once.</summary>
public sealed class SeenRequestTests : CaptureTestBase
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_WithAndWithoutAnActivity_IsSeenOnce(bool hasActivity)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();
        using var activity = hasActivity ? new Activity("of the program").Start() : null;

        await PostAsync(client, server.Address);
        Capture.CloseOpen();

        AssertJson(Answer, (await SingleSpanAsync()).Attribute(AttributeNames.Outputs));
    }

    [Fact]
    public async Task Request_AfterOneWithAnActivity_IsSeenAgain()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();

        await PostAsync(client, server.Address);
        using (new Activity("of the program").Start())
        {
            await PostAsync(client, server.Address);
            await PostAsync(client, server.Address);
        }

        await PostAsync(client, server.Address);

        Assert.Equal(4, (await SpansAsync()).Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_WithAnotherListener_IsSeenOnceByEach(bool wantsActivity)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();
        using var other = new HttpCapture(Tracer, Log, new OpenAIAutologOptions());
        other.Listen();
        using var foreign = new Listener(name => name == "System.Net.Http.Request" || (wantsActivity && name.StartsWith("System.Net.Http.HttpRequestOut", StringComparison.Ordinal)));
        await PostAsync(client, server.Address);
        await PostAsync(client, server.Address);

        // A call that was begun twice is still open.
        other.CloseOpen();
        Capture.CloseOpen();
        await other.DrainAsync(Token);

        Assert.Equal(4, (await SpansAsync()).Count);
    }

    [Fact]
    public async Task Request_SentWhileOneOfOursConnects_IsNotTakenForIt()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) =>
            context.Request.Path.StartsWithSegments("/token", StringComparison.Ordinal) ? Json(context, """{"token":"t"}""", 202) : Json(context, Answer));
        using var tokens = new HttpClient();
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                using var token = await tokens.GetAsync(new Uri(server.Address, "/token"), cancellationToken);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var client = new HttpClient(new Fetching(tokens, new Uri(server.Address, "/token"), handler));

        await PostAsync(client, server.Address);

        var span = await SingleSpanAsync();
        AssertJson(Answer, span.Attribute(AttributeNames.Outputs));
        Assert.Equal(200, span.Attribute(AttributeNames.HttpStatus).Int64);
    }

    [Fact]
    public async Task Length_OfAnAnswerWithoutOne_IsKnownOnceItIsReadAsEver()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Answer));
        using var client = new HttpClient();

        var traced = await LengthsAsync(client, server.Address);
        await SingleSpanAsync();
        Capture.Dispose();
        var untraced = await LengthsAsync(client, server.Address);

        Assert.Equal(untraced, traced);
        Assert.Null(traced.Before);
        Assert.NotNull(traced.After);
    }

    private static async Task<(long? Before, long? After)> LengthsAsync(HttpClient client, Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/v1/chat/completions")) { Content = new StringContent("{}") };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        var before = response.Content.Headers.ContentLength;
        await response.Content.LoadIntoBufferAsync(Token);
        return (before, response.Content.Headers.ContentLength);
    }

    private static async Task PostAsync(HttpClient client, Uri address)
    {
        using var content = new StringContent("""{"model":"gpt-4o","messages":[]}""");
        using var response = await client.PostAsync(new Uri(address, "/v1/chat/completions"), content, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await response.Content.ReadAsStringAsync(Token);
    }

    /// <summary>Sends a request of its own within that of another.</summary>
    private sealed class Fetching(HttpClient tokens, Uri address, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var token = await tokens.GetAsync(address, cancellationToken);
            return await base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>A listener of the program's own, which wants some of the events.</summary>
    private sealed class Listener : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
    {
        private readonly Predicate<string> _isWanted;
        private readonly List<IDisposable> _subscriptions = [];

        public Listener(Predicate<string> isWanted)
        {
            _isWanted = isWanted;
            _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
        }

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "HttpHandlerDiagnosticListener")
            {
                _subscriptions.Add(value.Subscribe(this, _isWanted));
            }
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose() => _subscriptions.ForEach(subscription => subscription.Dispose());
    }
}
