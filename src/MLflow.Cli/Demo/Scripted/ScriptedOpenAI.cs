using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace MLflow.Cli.Demo.Scripted;

/// <summary>
/// An endpoint that speaks OpenAI's chat completions, Responses, embeddings, images and audio, and says what <see cref="Script"/> tells it to. It stands
/// in for OpenAI, and for Azure OpenAI by its v1 address, where there is no key, on a loopback port that the system chooses.
/// </summary>
internal sealed class ScriptedOpenAI : IAsyncDisposable
{
    /// <summary>The one key that the endpoint accepts. It opens nothing else.</summary>
    public const string ApiKey = "scripted-endpoint";

    /// <summary>A model that refuses its first request with 429 and <c>Retry-After</c> and answers afterwards.</summary>
    public const string RateLimitedModel = "gpt-4o-mini-rate-limited";

    private const int MaxRequestBytes = 4 * 1024 * 1024;
    private const string OpenAIPath = "/v1";
    private const string AzurePath = "/openai/v1";

    private static readonly TimeSpan BeforeFirstChunk = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan BetweenChunks = TimeSpan.FromMilliseconds(4);

    private readonly WebApplication _app;
    private readonly TimeProvider _timeProvider;
    private readonly ResponseMemory _memory = new();

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

        foreach (var root in new[] { OpenAIPath, AzurePath })
        {
            Map(HttpMethods.Get, root + "/models", ListModelsAsync);
            Map(HttpMethods.Get, root + "/models/{model}", GetModelAsync);
            Map(HttpMethods.Post, root + "/chat/completions", CompleteAsync);
            Map(HttpMethods.Post, root + "/responses", RespondAsync);
            Map(HttpMethods.Post, root + "/embeddings", EmbedAsync);
            Map(HttpMethods.Post, root + "/images/generations", DrawAsync);
            Map(HttpMethods.Post, root + "/audio/speech", SpeakAsync);
            Map(HttpMethods.Post, root + "/audio/transcriptions", TranscribeAsync);
        }

        _app.MapFallback("{*path}", (RequestDelegate)NotFoundAsync);
    }

    /// <summary>The base address for a client, for example <c>http://127.0.0.1:41234/v1</c>.</summary>
    public Uri Endpoint { get; private set; } = null!;

    /// <summary>The base address for a client of Azure OpenAI, for example <c>http://127.0.0.1:41234/openai/v1/</c>.</summary>
    public Uri AzureEndpoint { get; private set; } = null!;

    public static async Task<ScriptedOpenAI> StartAsync(TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
    {
        var endpoint = new ScriptedOpenAI(timeProvider ?? TimeProvider.System);
        await endpoint._app.StartAsync(cancellationToken);
        var address = endpoint._app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        endpoint.Endpoint = new Uri(new Uri(address), OpenAIPath);
        endpoint.AzureEndpoint = new Uri(new Uri(address), AzurePath + "/");
        return endpoint;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Map(string method, string pattern, Func<HttpContext, long, Task> answer)
    {
        // As RequestDelegate, because the other overload needs reflection and a file-based program is built for AOT.
        RequestDelegate run = context => AnswerAsync(context, answer);
        _app.MapMethods(pattern, [method], run);
    }

    private async Task AnswerAsync(HttpContext context, Func<HttpContext, long, Task> answer)
    {
        var started = _timeProvider.GetTimestamp();
        try
        {
            if (!HasKey(context.Request))
            {
                throw ScriptedError.InvalidApiKey.ToException();
            }

            await answer(context, started);
        }
        catch (ScriptedErrorException e)
        {
            await e.Error.WriteAsync(context.Response);
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            // Kestrel's own complaint, first of all about a body that is too large.
            await (ScriptedError.BadRequest(e.Message) with { Status = e.StatusCode }).WriteAsync(context.Response);
        }
    }

    private static bool HasKey(HttpRequest request) =>
        request.Headers.Authorization == "Bearer " + ApiKey || (request.Path.StartsWithSegments(AzurePath) && request.Headers["api-key"] == ApiKey);

    private Task ListModelsAsync(HttpContext context, long started) => WriteJsonAsync(context, ScriptedModels.List(), started);

    private Task GetModelAsync(HttpContext context, long started) =>
        WriteJsonAsync(context, ScriptedModels.Get((string)context.Request.RouteValues["model"]!), started);

    private async Task CompleteAsync(HttpContext context, long started)
    {
        var request = new ScriptedRequest(await ScriptedJson.ReadAsync(context.Request));
        if (request.Model == RateLimitedModel && _refusedOnce.TryAdd(request.Model, true))
        {
            context.Response.Headers.RetryAfter = "1";
            throw ScriptedError.RateLimited(request.Model).ToException();
        }

        var completion = new ScriptedCompletion(request, Script.Answer(request.Conversation), _timeProvider.GetUtcNow());
        await WaitAsync(BeforeFirstChunk, context.RequestAborted);
        if (!request.Stream)
        {
            await WaitAsync(BetweenChunks * completion.PieceCount, context.RequestAborted);
            await WriteJsonAsync(context, completion.ToJson(), started);
            return;
        }

        BeginStream(context.Response, started);
        foreach (var chunk in completion.ToChunks())
        {
            await WriteEventAsync(context, ScriptedJson.ToUtf8(chunk));
            await WaitAsync(BetweenChunks, context.RequestAborted);
        }

        await WriteEventAsync(context, "[DONE]"u8.ToArray());
    }

    private async Task RespondAsync(HttpContext context, long started)
    {
        var request = new ResponseRequest(await ScriptedJson.ReadAsync(context.Request), _memory);
        var response = new ScriptedResponse(request, Script.Answer(request.Conversation), _timeProvider.GetUtcNow());
        if (request.IsStored)
        {
            _memory.Remember(response.Id, response.History);
        }

        await WaitAsync(BeforeFirstChunk, context.RequestAborted);
        if (!request.Stream)
        {
            await WaitAsync(BetweenChunks * response.PieceCount, context.RequestAborted);
            await WriteJsonAsync(context, response.ToJson(_timeProvider.GetUtcNow()), started);
            return;
        }

        BeginStream(context.Response, started);
        foreach (var each in response.ToEvents(_timeProvider))
        {
            await WriteEventAsync(context, ScriptedJson.ToUtf8(each), ScriptedJson.Text(each["type"]));
            await WaitAsync(BetweenChunks, context.RequestAborted);
        }
    }

    private async Task EmbedAsync(HttpContext context, long started)
    {
        var request = new EmbeddingRequest(await ScriptedJson.ReadAsync(context.Request));
        await WaitAsync(BeforeFirstChunk, context.RequestAborted);
        await WriteJsonAsync(context, EmbeddingAnswer.ToJson(request), started);
    }

    private async Task DrawAsync(HttpContext context, long started)
    {
        var request = new ImageRequest(await ScriptedJson.ReadAsync(context.Request));
        await WaitAsync(BeforeFirstChunk, context.RequestAborted);
        await WriteJsonAsync(context, ImageAnswer.ToJson(request, _timeProvider.GetUtcNow()), started);
    }

    private async Task SpeakAsync(HttpContext context, long started)
    {
        var request = new SpeechRequest(await ScriptedJson.ReadAsync(context.Request));
        await WaitAsync(BeforeFirstChunk, context.RequestAborted);
        await WriteAsync(context, request.ContentType, request.Speak(), started);
    }

    private async Task TranscribeAsync(HttpContext context, long started)
    {
        var request = await TranscriptionRequest.ReadAsync(context.Request, MaxRequestBytes);
        await WaitAsync(BeforeFirstChunk, context.RequestAborted);
        var (contentType, body) = TranscriptionAnswer.Write(request);
        await WriteAsync(context, contentType, body, started);
    }

    private Task WriteJsonAsync(HttpContext context, JsonObject body, long started) => WriteAsync(context, "application/json", ScriptedJson.ToUtf8(body), started);

    private async Task WriteAsync(HttpContext context, string contentType, byte[] body, long started)
    {
        AddHeaders(context.Response, started);
        context.Response.ContentType = contentType;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private void BeginStream(HttpResponse response, long started)
    {
        AddHeaders(response, started);
        response.ContentType = "text/event-stream; charset=utf-8";
    }

    private static async Task WriteEventAsync(HttpContext context, ReadOnlyMemory<byte> data, string? type = null)
    {
        var body = context.Response.Body;
        await body.WriteAsync(Encoding.UTF8.GetBytes(type is null ? "data: " : $"event: {type}\ndata: "), context.RequestAborted);
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
