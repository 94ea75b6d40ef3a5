using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Capture is process-wide, so its tests run one after the other.</summary>
[CollectionDefinition("capture", DisableParallelization = true)]
public sealed class CaptureTests;

/// <summary>A tracer with capture on, and answers of an OpenAI server.</summary>
[Collection("capture")]
public abstract class CaptureTestBase : IAsyncDisposable
{
    internal const string Answer =
        """{"id":"chatcmpl-1","object":"chat.completion","created":1764900000,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"Paris — 東京","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0}},"service_tier":"default","system_fingerprint":"fp_1"}""";

    internal const string Error429 = """{"error":{"message":"Rate limit reached","type":"tokens","param":null,"code":"rate_limit_exceeded"}}""";

    internal static readonly string[] Chunks =
    [
        """{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}""",
        """{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}""",
        """{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}]}""",
        """{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
        """{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}""",
    ];

    /// <summary>What the first two of the <see cref="Chunks"/> come to.</summary>
    internal const string Partial =
        """{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hel"},"finish_reason":null}]}""";

    internal CaptureTestBase()
    {
        Tracer = SomeOutlet.Of(Exporter).Tracer;
        Log = new SelfLog(null, TimeProvider.System);
        Capture = new HttpCapture(Tracer, Log, new OpenAIAutologOptions());
        Capture.Listen();
    }

    internal RecordingExporter Exporter { get; } = new();

    internal Tracer Tracer { get; }

    internal SelfLog Log { get; }

    internal HttpCapture Capture { get; }

    private protected static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public virtual ValueTask DisposeAsync()
    {
        Capture.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    internal static ChatClient Client(Uri address, Action<OpenAIClientOptions>? configure = null)
    {
        var options = new OpenAIClientOptions { Endpoint = new Uri(address, "/v1") };
        configure?.Invoke(options);
        return new ChatClient("gpt-4o", new ApiKeyCredential("sk-test"), options);
    }

    internal static void NoRetries(OpenAIClientOptions options) => options.RetryPolicy = new ClientRetryPolicy(0);

    internal static Task Json(HttpContext context, string body, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.Headers["x-request-id"] = "req_1";
        return context.Response.WriteAsync(body);
    }

    internal static async Task Sse(HttpContext context, IEnumerable<string> chunks, bool done = true)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var chunk in chunks)
        {
            await context.Response.WriteAsync("data: " + chunk + "\n\n");
            await context.Response.Body.FlushAsync();
        }

        if (done)
        {
            await context.Response.WriteAsync("data: [DONE]\n\n");
        }
    }

    /// <summary>Sends two chunks and then nothing, until the client has gone.</summary>
    internal static async Task HoldAfterTwoChunks(HttpContext context, int number)
    {
        await Sse(context, Chunks.Take(2), done: false);
        await context.Response.Body.FlushAsync();
        var gone = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(gone.SetResult);
        await gone.Task;
    }

    internal static JsonNode Parse(string json) => JsonNode.Parse(json)!;

    internal static void AssertJson(string expected, AttributeValue actual)
    {
        Assert.Equal(AttributeValueKind.Json, actual.Kind);
        var actualText = Encoding.UTF8.GetString(actual.Json);
        Assert.True(JsonNode.DeepEquals(Parse(expected), Parse(actualText)), $"expected {expected}\nactual   {actualText}");
    }

    internal async Task<LiveSpan> SingleSpanAsync()
    {
        await Capture.DrainAsync(Token);
        return Assert.Single(Exporter.Spans);
    }

    internal async Task<IReadOnlyList<LiveSpan>> SpansAsync()
    {
        await Capture.DrainAsync(Token);
        return Exporter.Spans;
    }
}
