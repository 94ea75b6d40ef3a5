using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>
/// An endpoint that speaks OpenAI's chat completions and says what <see cref="Script"/> tells it to. It stands in for OpenAI where there is
/// no key, on a loopback port that the system chooses.
/// </summary>
internal sealed class ScriptedOpenAI : IAsyncDisposable
{
    /// <summary>The one key that the endpoint accepts. It opens nothing else.</summary>
    public const string ApiKey = "scripted-endpoint";

    /// <summary>A model that refuses its first request with 429 and <c>Retry-After</c> and answers afterwards.</summary>
    public const string RateLimitedModel = "gpt-4o-mini-rate-limited";

    private const int MaxRequestBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan BeforeFirstChunk = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan BetweenChunks = TimeSpan.FromMilliseconds(4);

    private readonly WebApplication _app;
    private readonly TimeProvider _timeProvider;

    // Holds one entry at most: RateLimitedModel.
    private readonly ConcurrentDictionary<string, bool> _refusedOnce = new(StringComparer.Ordinal);

    private ScriptedOpenAI(TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;

        // The empty builder takes nothing from the environment: ASPNETCORE_URLS and the like belong to the program that hosts the endpoint.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.UseRouting();

        // As RequestDelegate, because the other overload needs reflection and a file-based program is built for AOT.
        _app.MapPost("/v1/chat/completions", (RequestDelegate)CompleteAsync);
        _app.MapFallback((RequestDelegate)NotFoundAsync);
    }

    /// <summary>The base address for a client, for example <c>http://127.0.0.1:41234/v1</c>.</summary>
    public Uri Endpoint { get; private set; } = null!;

    public static async Task<ScriptedOpenAI> StartAsync(TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        var endpoint = new ScriptedOpenAI(timeProvider ?? TimeProvider.System);
        await endpoint._app.StartAsync(cancellationToken);
        var address = endpoint._app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        endpoint.Endpoint = new Uri(address.TrimEnd('/') + "/v1");
        return endpoint;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task CompleteAsync(HttpContext context)
    {
        var started = _timeProvider.GetTimestamp();
        if (context.Request.Headers.Authorization.ToString() != "Bearer " + ApiKey)
        {
            await ScriptedError.InvalidApiKey.WriteAsync(context.Response);
            return;
        }

        ScriptedRequest request;
        try
        {
            request = await ScriptedRequest.ReadAsync(context.Request.Body, context.RequestAborted);
        }
        catch (ScriptedErrorException e)
        {
            await e.Error.WriteAsync(context.Response);
            return;
        }

        if (!request.Model.StartsWith("gpt-", StringComparison.Ordinal))
        {
            await ScriptedError.ModelNotFound(request.Model).WriteAsync(context.Response);
            return;
        }

        if (request.Model == RateLimitedModel && _refusedOnce.TryAdd(request.Model, true))
        {
            context.Response.Headers.RetryAfter = "1";
            await ScriptedError.RateLimited(request.Model).WriteAsync(context.Response);
            return;
        }

        var completion = new ScriptedCompletion(request, Script.Answer(request), _timeProvider.GetUtcNow());
        await WaitAsync(BeforeFirstChunk, context.RequestAborted);
        if (request.Stream)
        {
            await StreamAsync(context, completion, started);
            return;
        }

        await WaitAsync(BetweenChunks * completion.PieceCount, context.RequestAborted);
        AddHeaders(context.Response, started);
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(completion.ToJson(), context.RequestAborted);
    }

    private async Task StreamAsync(HttpContext context, ScriptedCompletion completion, long started)
    {
        AddHeaders(context.Response, started);
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        foreach (var chunk in completion.ToChunks())
        {
            await WriteEventAsync(context, chunk);
            await WaitAsync(BetweenChunks, context.RequestAborted);
        }

        await WriteEventAsync(context, "[DONE]"u8.ToArray());
    }

    private static async Task WriteEventAsync(HttpContext context, ReadOnlyMemory<byte> data)
    {
        var body = context.Response.Body;
        await body.WriteAsync("data: "u8.ToArray(), context.RequestAborted);
        await body.WriteAsync(data, context.RequestAborted);
        await body.WriteAsync("\n\n"u8.ToArray(), context.RequestAborted);
        await body.FlushAsync(context.RequestAborted);
    }

    private void AddHeaders(HttpResponse response, long started)
    {
        var milliseconds = _timeProvider.GetElapsedTime(started).TotalMilliseconds;
        response.Headers["x-request-id"] = ScriptedId.Request();
        response.Headers["openai-processing-ms"] = milliseconds.ToString("F0", CultureInfo.InvariantCulture);
        response.Headers["openai-version"] = "2020-10-01";
    }

    private Task WaitAsync(TimeSpan time, CancellationToken cancellationToken) => Task.Delay(time, _timeProvider, cancellationToken);

    private static Task NotFoundAsync(HttpContext context) =>
        ScriptedError.UnknownUrl(context.Request.Method, context.Request.Path).WriteAsync(context.Response);
}
