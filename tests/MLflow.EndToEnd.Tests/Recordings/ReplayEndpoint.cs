using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>
/// A server that says again what was recorded, and a client whose connections all lead to it, so that requests can be sent to the recorded addresses.
/// The request names its recording in a header.
/// </summary>
public sealed class ReplayEndpoint : IAsyncDisposable
{
    public const string Header = "x-recording";

    private readonly WebApplication _app;

    private ReplayEndpoint(WebApplication app) => _app = app;

    /// <summary>Sends to this endpoint, whatever host a request names.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>The body of each request as it arrived, and its type, by recording.</summary>
    public ConcurrentDictionary<string, (byte[] Body, string? ContentType)> Received { get; } = new();

    public static async Task<ReplayEndpoint> StartAsync(IEnumerable<Recording> recordings)
    {
        var byId = recordings.ToDictionary(recording => recording.Id);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var endpoint = new ReplayEndpoint(app);
        app.Run(async context =>
        {
            var recording = byId[(string)context.Request.Headers[Header]!];
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            endpoint.Received[recording.Id] = (body.ToArray(), context.Request.ContentType);
            await AnswerAsync(context, recording);
        });
        await app.StartAsync();
        var port = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
        endpoint.Client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(IPAddress.Loopback, port, token);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        });
        return endpoint;
    }

    /// <summary>The recorded address without TLS.</summary>
    public static Uri AddressOf(Recording recording) =>
        new UriBuilder(recording.Url) { Scheme = "http", Port = recording.Url.IsDefaultPort ? 80 : recording.Url.Port }.Uri;

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        return _app.DisposeAsync();
    }

    private static async Task AnswerAsync(HttpContext context, Recording recording)
    {
        context.Response.StatusCode = recording.Status;
        context.Response.ContentType = recording.ContentType;
        if (recording.RequestId is not null)
        {
            context.Response.Headers["x-request-id"] = recording.RequestId;
        }

        if (!recording.IsEventStream)
        {
            context.Response.ContentLength = recording.ResponseBody.Length;
            await context.Response.Body.WriteAsync(recording.ResponseBody);
            return;
        }

        // In uneven pieces, so that reads end in the middle of lines, events and characters.
        for (var (at, size) = (0, 1); at < recording.ResponseBody.Length; at += size, size = (size * 3 % 997) + 1)
        {
            await context.Response.Body.WriteAsync(recording.ResponseBody.AsMemory(at, Math.Min(size, recording.ResponseBody.Length - at)));
            await context.Response.Body.FlushAsync();
        }
    }
}
