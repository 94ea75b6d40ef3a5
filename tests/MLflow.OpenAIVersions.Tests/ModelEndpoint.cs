using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MLflow.OpenAIVersions.Tests;

/// <summary>An endpoint on loopback that answers each OpenAI operation with one fixed answer in OpenAI's shape.</summary>
public sealed class ModelEndpoint : IAsyncDisposable
{
    public const string Chat = """{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Paris","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_1"}""";

    public const string Tools = """{"id":"chatcmpl-2","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}}""";

    public const string Embeddings = """{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAEA="}],"model":"text-embedding-3-small","usage":{"prompt_tokens":2,"total_tokens":2}}""";

    public const string Moderation = """{"id":"modr-1","model":"omni-moderation-latest","results":[{"flagged":false,"categories":{"sexual":false,"hate":false,"harassment":false,"self-harm":false,"sexual/minors":false,"hate/threatening":false,"violence/graphic":false,"self-harm/intent":false,"self-harm/instructions":false,"harassment/threatening":false,"violence":false,"illicit":false,"illicit/violent":false},"category_scores":{"sexual":0.1,"hate":0.1,"harassment":0.1,"self-harm":0.1,"sexual/minors":0.1,"hate/threatening":0.1,"violence/graphic":0.1,"self-harm/intent":0.1,"self-harm/instructions":0.1,"harassment/threatening":0.1,"violence":0.1,"illicit":0.1,"illicit/violent":0.1},"category_applied_input_types":{"sexual":["text"],"hate":["text"],"harassment":["text"],"self-harm":["text"],"sexual/minors":["text"],"hate/threatening":["text"],"violence/graphic":["text"],"self-harm/intent":["text"],"self-harm/instructions":["text"],"harassment/threatening":["text"],"violence":["text"],"illicit":["text"],"illicit/violent":["text"]}}]}""";

    public const string Image = """{"created":1,"data":[{"b64_json":"iVBORw0KGgo=","revised_prompt":"A lion."}]}""";

    public const string Transcription = """{"text":"Hello."}""";

    public const string File = """{"id":"file-1","object":"file","bytes":3,"created_at":1,"filename":"a.jsonl","purpose":"batch","status":"processed"}""";

    public const string Models = """{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1,"owned_by":"openai"}]}""";

    public const string Response = """{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"gpt-4o-mini-2024-07-18","output":[{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Paris","annotations":[]}]}],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":123}}""";

    public static readonly byte[] Speech = [0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 0, 0xFF, 0xFB];

    private readonly WebApplication _app;

    private ModelEndpoint(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public Uri Address { get; }

    /// <summary>Answers that go before the fixed ones, in order.</summary>
    public ConcurrentQueue<int> Failures { get; } = new();

    public static async Task<ModelEndpoint> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        ModelEndpoint? self = null;
        app.Run(context => self!.AnswerAsync(context));
        await app.StartAsync();
        return self = new ModelEndpoint(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var memory = new MemoryStream();
        await context.Request.Body.CopyToAsync(memory, context.RequestAborted);
        var request = Encoding.UTF8.GetString(memory.ToArray());
        if (Failures.TryDequeue(out var status))
        {
            context.Response.StatusCode = status;
            context.Response.Headers["retry-after-ms"] = "1";
            await WriteAsync(context, "application/json", """{"error":{"message":"Slow down.","type":"requests","param":null,"code":"rate_limit_exceeded"}}""");
            return;
        }

        context.Response.Headers["x-request-id"] = "req_1";
        var path = context.Request.Path.Value!;
        var isStream = request.Contains("\"stream\":true", StringComparison.Ordinal);
        await (path switch
        {
            _ when path.EndsWith("/chat/completions", StringComparison.Ordinal) && isStream => WriteAsync(context, "text/event-stream", ChatStream()),
            _ when path.EndsWith("/chat/completions", StringComparison.Ordinal) => WriteAsync(context, "application/json", request.Contains("\"tools\"", StringComparison.Ordinal) ? Tools : Chat),
            _ when path.EndsWith("/embeddings", StringComparison.Ordinal) => WriteAsync(context, "application/json", Embeddings),
            _ when path.EndsWith("/moderations", StringComparison.Ordinal) => WriteAsync(context, "application/json", Moderation),
            _ when path.EndsWith("/images/generations", StringComparison.Ordinal) => WriteAsync(context, "application/json", Image),
            _ when path.EndsWith("/audio/transcriptions", StringComparison.Ordinal) => WriteAsync(context, "application/json", Transcription),
            _ when path.EndsWith("/audio/speech", StringComparison.Ordinal) => WriteAsync(context, "audio/mpeg", Encoding.Latin1.GetString(Speech), Encoding.Latin1),
            _ when path.EndsWith("/files", StringComparison.Ordinal) => WriteAsync(context, "application/json", File),
            _ when path.EndsWith("/models", StringComparison.Ordinal) => WriteAsync(context, "application/json", Models),
            _ when path.EndsWith("/responses", StringComparison.Ordinal) && isStream => WriteAsync(context, "text/event-stream", ResponseStream()),
            _ when path.EndsWith("/responses", StringComparison.Ordinal) => WriteAsync(context, "application/json", Response),
            _ => NotFoundAsync(context),
        });
    }

    private static Task NotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return WriteAsync(context, "application/json", """{"error":{"message":"Invalid URL","type":"invalid_request_error","param":null,"code":null}}""");
    }

    private static async Task WriteAsync(HttpContext context, string contentType, string body, Encoding? encoding = null)
    {
        context.Response.ContentType = contentType;
        await context.Response.Body.WriteAsync((encoding ?? Encoding.UTF8).GetBytes(body), context.RequestAborted);
    }

    private static string ChatStream()
    {
        static string Chunk(string choices, string usage) =>
            $$"""data: {"id":"chatcmpl-3","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024-07-18","choices":{{choices}},"usage":{{usage}}}""" + "\n\n";
        return Chunk("""[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]""", "null")
            + Chunk("""[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]""", "null")
            + Chunk("""[{"index":0,"delta":{"content":" world"},"finish_reason":null}]""", "null")
            + Chunk("""[{"index":0,"delta":{},"finish_reason":"stop"}]""", "null")
            + Chunk("[]", """{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}""")
            + "data: [DONE]\n\n";
    }

    private static string ResponseStream()
    {
        static string Event(string type, string fields) => $$"""event: {{type}}{{"\n"}}data: {"type":"{{type}}",{{fields}}}""" + "\n\n";
        var created = Response.Replace("\"completed\",\"model\"", "\"in_progress\",\"model\"", StringComparison.Ordinal);
        return Event("response.created", $"\"sequence_number\":0,\"response\":{created}")
            + Event("response.output_item.added", """ "sequence_number":1,"output_index":0,"item":{"type":"message","id":"msg_1","status":"in_progress","role":"assistant","content":[]} """)
            + Event("response.content_part.added", """ "sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]} """)
            + Event("response.output_text.delta", """ "sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Paris" """)
            + Event("response.output_text.done", """ "sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"text":"Paris" """)
            + Event("response.completed", $"\"sequence_number\":5,\"response\":{Response}");
    }
}
