using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Realtime sessions: the request that opens a WebSocket is a request of HttpClient's handler, what follows is not.</summary>
public sealed class RealtimeCaptureTests : CaptureTestBase
{
    [Fact]
    public async Task Session_Opened_IsASpanAndWorksAsWithoutTracing()
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("User-Agent", "OpenAI/2.15.0 (.NET 10.0)");

        await socket.ConnectAsync(Address(server, "/v1/realtime?model=gpt-realtime"), Token);
        Assert.Equal("session.created", await ExchangeAsync(socket, "session.created"));
        var span = await SingleSpanAsync();
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Token);

        Assert.Equal("Realtime.connect", span.Name);
        Assert.Equal(SpanStatusCode.Ok, span.StatusCode);
        Assert.Equal(101, span.Attribute(AttributeNames.HttpStatus).Int64);
        Assert.Equal("gpt-realtime", span.Text(AttributeNames.Model));
        AssertJson("""{"model":"gpt-realtime"}""", span.Attribute(AttributeNames.Inputs));
        Assert.False(span.Has(AttributeNames.Outputs));
        Assert.Single(Exporter.Exports, export => export.IsComplete);
    }

    [Fact]
    public async Task Session_Refused_IsAnError()
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("User-Agent", "OpenAI/2.15.0 (.NET 10.0)");

        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(Address(server, "/refused/v1/realtime?model=m"), Token));

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal(401, span.Attribute(AttributeNames.HttpStatus).Int64);
    }

    [Fact]
    public async Task OtherWebSocket_Opened_IsNotSeen()
    {
        await using var server = await StartAsync();
        using var socket = new ClientWebSocket();

        await socket.ConnectAsync(Address(server, "/v1/realtime?model=m"), Token);

        Assert.Equal("hello", await ExchangeAsync(socket, "hello"));
        Assert.Empty(await SpansAsync());
    }

    private static async Task<string> ExchangeAsync(WebSocket socket, string text)
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, Token);
        var buffer = new byte[1024];
        var received = await socket.ReceiveAsync(buffer, Token);
        return Encoding.UTF8.GetString(buffer, 0, received.Count);
    }

    private static Uri Address(WebApplication server, string path) =>
        new(server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single().Replace("http:", "ws:", StringComparison.Ordinal) + path);

    /// <summary>Says back what it hears.</summary>
    private static async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(async context =>
        {
            if (context.Request.Path.StartsWithSegments("/refused", StringComparison.Ordinal))
            {
                context.Response.StatusCode = 401;
                await context.Response.WriteAsync("""{"error":{"message":"Incorrect API key provided."}}""");
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[1024];
            while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
            {
                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        });
        await app.StartAsync(Token);
        return app;
    }
}
