using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Stands between a client and a server: counts the calls that are sent as they were, and hides, where asked, that the server records them.</summary>
internal sealed class ServerFront : IAsyncDisposable
{
    private const string Feature = "records_calls_of";
    private const string Confirmation = "x-mlflow-recorded-calls";
    private static readonly byte[] Attribute = "mlflow.plainCall"u8.ToArray();

    private readonly WebApplication _app;
    private readonly HttpClient _server;
    private int _plainCalls;

    private ServerFront(WebApplication app, Uri server)
    {
        _app = app;
        _server = new HttpClient { BaseAddress = server };
    }

    public string Address { get; private set; } = "";

    /// <summary>An older server does not say that it records calls.</summary>
    public bool HidesFeature { get; init; }

    /// <summary>Another server than the one that was asked does not confirm it.</summary>
    public bool HidesConfirmation { get; init; }

    public int PlainCalls => Volatile.Read(ref _plainCalls);

    public static async Task<ServerFront> StartAsync(Uri server, bool hidesFeature = false, bool hidesConfirmation = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var front = new ServerFront(app, server) { HidesFeature = hidesFeature, HidesConfirmation = hidesConfirmation };
        app.Run(front.PassAsync);
        await app.StartAsync();
        front.Address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return front;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _server.Dispose();
    }

    private async Task PassAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        Interlocked.Add(ref _plainCalls, Count(body.ToArray()));
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), context.Request.Path + context.Request.QueryString);
        if (body.Length > 0)
        {
            request.Content = new ByteArrayContent(body.ToArray());
        }

        foreach (var (name, value) in context.Request.Headers.Where(header => !header.Key.Equals("Host", StringComparison.OrdinalIgnoreCase)))
        {
            if (!request.Headers.TryAddWithoutValidation(name, value.ToArray()))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, value.ToArray());
            }
        }

        using var response = await _server.SendAsync(request);
        context.Response.StatusCode = (int)response.StatusCode;
        context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
        foreach (var (name, value) in response.Headers.Where(header => header.Key.StartsWith("x-mlflow-", StringComparison.OrdinalIgnoreCase)))
        {
            if (!HidesConfirmation || !name.Equals(Confirmation, StringComparison.OrdinalIgnoreCase))
            {
                context.Response.Headers[name] = value.ToArray();
            }
        }

        var answer = await response.Content.ReadAsByteArrayAsync();
        if (HidesFeature && response.StatusCode == HttpStatusCode.OK && context.Request.Path.Value!.EndsWith("/server-info", StringComparison.Ordinal))
        {
            var info = JsonNode.Parse(answer)!.AsObject();
            info.Remove(Feature);
            answer = Encoding.UTF8.GetBytes(info.ToJsonString());
        }

        await context.Response.Body.WriteAsync(answer);
    }

    private static int Count(ReadOnlySpan<byte> body)
    {
        var count = 0;
        for (int at; (at = body.IndexOf(Attribute)) >= 0; body = body[(at + Attribute.Length)..])
        {
            count++;
        }

        return count;
    }
}
