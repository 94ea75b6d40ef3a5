using System.ClientModel;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using MLflow.Sdk.Tests.Capture;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Extensions.Tests;

/// <summary>Capture and the frameworks' switches are process-wide, so these tests run one after the other.</summary>
[CollectionDefinition("models", DisableParallelization = true)]
public sealed class ModelTests;

/// <summary>A tracer, and a server on loopback that asks for a tool where it is offered one, and answers when it has the tool's result.</summary>
[Collection("models")]
public abstract class ModelTestBase : IAsyncLifetime
{
    internal const string City = "Tokyo";
    internal const string Weather = "sunny in Tokyo — 晴れ";
    internal const string Answer = "It is sunny.";

    private readonly ConcurrentQueue<string?> _traceparents = new();
    private HttpCapture? _capture;

    internal ModelTestBase()
    {
        Tracer = SomeOutlet.Of(Exporter).Tracer;
        Log = new SelfLog(null, TimeProvider.System);
    }

    internal RecordingExporter Exporter { get; } = new();

    internal Tracer Tracer { get; }

    internal SelfLog Log { get; }

    internal LoopbackServer Server { get; private set; } = null!;

    /// <summary>The header of each request that was made.</summary>
    internal IReadOnlyList<string?> Traceparents => [.. _traceparents];

    private protected static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Server = await LoopbackServer.StartAsync(AnswerAsync);

    public async ValueTask DisposeAsync()
    {
        _capture?.Dispose();
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal void Autolog() => Capture().Listen();

    /// <summary>What pipeline policies record into, whether HttpClient's diagnostics are listened to or not.</summary>
    internal HttpCapture Capture() => _capture ??= new HttpCapture(Tracer, Log, new OpenAIAutologOptions());

    internal ChatClient OpenAIClient(bool ownActivities = false, Action<OpenAIClientOptions>? configure = null)
    {
        // Read when a client is made.
        AppContext.SetSwitch("OpenAI.Experimental.EnableOpenTelemetry", ownActivities);
        try
        {
            var options = new OpenAIClientOptions { Endpoint = new Uri(Server.Address, "/v1") };
            configure?.Invoke(options);
            return new ChatClient("gpt-4o", new ApiKeyCredential("sk-test"), options);
        }
        finally
        {
            AppContext.SetSwitch("OpenAI.Experimental.EnableOpenTelemetry", false);
        }
    }

    internal async Task<IReadOnlyList<LiveSpan>> SpansAsync()
    {
        if (_capture is not null)
        {
            await _capture.DrainAsync(Token);
        }

        return [.. Exporter.Spans.OrderBy(span => span.StartNs)];
    }

    internal static string Json(LiveSpan span, string key) => Encoding.UTF8.GetString(span.Attribute(key).Json);

    internal static JsonNode Node(LiveSpan span, string key) => JsonNode.Parse(Json(span, key))!;

    /// <summary>The tree as text, for example <c>a[b c]</c>.</summary>
    internal static string Tree(IReadOnlyList<LiveSpan> spans)
    {
        return Children(null);

        string Children(LiveSpan? parent) => string.Join(' ', spans.Where(span => span.Parent == parent).Select(Text));

        string Text(LiveSpan span) => Children(span) is { Length: > 0 } below ? $"{span.SpanType}[{below}]" : span.SpanType;
    }

    private Task AnswerAsync(HttpContext context, int number)
    {
        _traceparents.Enqueue(context.Request.Headers.TryGetValue("traceparent", out var value) ? value.ToString() : null);
        var request = JsonNode.Parse((string)context.Items["body"]!)!;
        if (request["input"] is not null)
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync("""{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPw=="}],"model":"text-embedding-3-small","usage":{"prompt_tokens":1,"total_tokens":1}}""");
        }

        var tool = (string?)request["messages"]!.AsArray()[^1]!["role"] == "tool" ? null : (string?)request["tools"]?[0]!["function"]!["name"];
        if (request["messages"]!.ToJsonString().Contains("fail", StringComparison.Ordinal))
        {
            context.Response.StatusCode = 400;
            return context.Response.WriteAsync("""{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}""");
        }

        return (bool?)request["stream"] == true ? StreamAsync(context, tool) : WholeAsync(context, tool);
    }

    private static Task WholeAsync(HttpContext context, string? tool)
    {
        var message = tool is not null
            ? $$$"""{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"{{{tool}}}","arguments":"{\"city\":\"Tokyo\"}"}}]}"""
            : $$"""{"role":"assistant","content":"{{Answer}}"}""";
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(
            $$$"""{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{{{message}}},"finish_reason":"{{{(tool is not null ? "tool_calls" : "stop")}}}"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}""");
    }

    private static async Task StreamAsync(HttpContext context, string? tool)
    {
        string[] deltas = tool is not null
            ? [$$$"""{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"{{{tool}}}","arguments":""}}]}""", """{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":\"Tokyo\"}"}}]}"""]
            : ["""{"role":"assistant","content":"It is "}""", """{"content":"sunny."}"""];
        context.Response.ContentType = "text/event-stream";
        foreach (var delta in deltas)
        {
            await WriteAsync($$"""{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{{delta}},"finish_reason":null}]}""");
        }

        await WriteAsync($$"""{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"{{(tool is not null ? "tool_calls" : "stop")}}"}]}""");
        await WriteAsync("""{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}""");
        await context.Response.WriteAsync("data: [DONE]\n\n");

        async Task WriteAsync(string chunk)
        {
            await context.Response.WriteAsync("data: " + chunk + "\n\n");
            await context.Response.Body.FlushAsync();
        }
    }

    /// <summary>Semantic Kernel reads its switch once, before its first use.</summary>
    [ModuleInitializer]
    internal static void TurnFrameworksOn() => AppContext.SetSwitch("Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive", true);
}
