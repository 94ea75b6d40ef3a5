using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Storage;
using Xunit;

namespace MLflow.Server.Tests.Gateway;

/// <summary>What streams are counted as and recorded as, whatever little of them is kept meanwhile.</summary>
public sealed partial class GatewayStreamTests
{
    private const string Head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

    /// <summary>More than is packed at once, several times.</summary>
    private const int Pieces = 600;

    private static readonly string[] Deltas =
        [.. Enumerable.Range(0, Pieces).Select(i => $$$"""{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{"content":"word {{{i}}} "},"logprobs":null,"finish_reason":null}]}""")];

    private static readonly Dictionary<string, (string Path, string Stream)> Streams = new()
    {
        ["with usage"] = ("chat/completions", Chat + Usage + "data: [DONE]\n\n"),
        ["without usage"] = ("chat/completions", Chat + "data: [DONE]\n\n"),
        ["usage without an end mark"] = ("chat/completions", Chat + Usage.TrimEnd('\n')),
        ["usage with each piece"] = ("chat/completions", string.Concat(Deltas.Select((delta, i) => Event(delta[..^1] + Tokens(i)))) + "data: [DONE]\r\n\r\n"),
        ["an error in it"] = ("chat/completions", Chat + Event("""{"error":{"message":"overloaded","type":"server_error"}}""")),
        ["responses"] = ("responses", Responses("completed", "\"error\":null")),
        ["responses that fail"] = ("responses", Responses("failed", "\"error\":{\"code\":\"server_error\",\"message\":\"no\"}")),
        ["cut in an event"] = ("chat/completions", Chat[..^40]),
    };

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public static TheoryData<string, bool> Kinds => [.. Streams.Keys.SelectMany(name => (IEnumerable<TheoryDataRow<string, bool>>)[(name, false), (name, true)])];

    private static string Chat => string.Concat(Deltas.Select(Event)) + Event("""{"id":"c1","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""");

    private static string Usage => Event("""{"id":"c1","model":"gpt-4o-mini-2024-07-18","choices":[]""" + Tokens(20));

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Stream_WithoutATrace_IsCountedAsWithOne(string kind, bool breaks)
    {
        await using var gateway = await SomeGateway.StartAsync();
        var traced = (await gateway.AddAsync("traced")).GetProperty("endpoint_id").GetString()!;
        var untraced = (await gateway.AddAsync("untraced", more: ""","usage_tracking":false""")).GetProperty("endpoint_id").GetString()!;
        var (path, stream) = Streams[kind];
        gateway.Upstream.Answer = async request =>
        {
            // In two pieces, of which the first ends within an event.
            await request.SendAsync((breaks ? Head.Replace("\r\n\r\n", "\r\nContent-Length: 10000000\r\n\r\n", StringComparison.Ordinal) : Head) + stream[..(stream.Length / 2)]);
            await request.SendAsync(stream[(stream.Length / 2)..]);
        };

        Assert.Equal(stream, await ReadAsync(gateway, "traced", path));
        Assert.Equal(stream, await ReadAsync(gateway, "untraced", path));

        var (expected, actual) = (await UsageAsync(gateway, traced), await UsageAsync(gateway, untraced));
        Assert.Equal(expected with { EndpointId = untraced }, actual);
        Assert.Equal(kind is not ("without usage" or "an error in it" or "cut in an event"), actual is { InputTokens: 1000, OutputTokens: > 0, NanoUsd: > 0 });
        Assert.Equal(kind is "an error in it" or "responses that fail" || (breaks && !stream.Contains("[DONE]", StringComparison.Ordinal)), actual.FailedCalls == 1);
    }

    [Theory]
    [InlineData("untraced", 0, 20_000)]
    [InlineData("content", 20_000, 50_000)]
    public async Task Stream_UnderWay_IsKeptOnlyAsFarAsItIsRecorded(string endpoint, int least, int most)
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync("untraced", more: ""","usage_tracking":false""");
        await gateway.AddAsync("content", more: ""","record_content":true""");
        var isRead = new TaskCompletionSource();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync(Head + Chat + Chat);
            await isRead.Task;
        };
        using var request = SomeGateway.Request($$"""{"model":"{{endpoint}}","stream":true,"messages":[]}""");
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[Encoding.UTF8.GetByteCount(Chat + Chat)], Token);

        var kept = int.Parse(Kept().Match(await gateway.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), Token)).Groups[1].Value, CultureInfo.InvariantCulture);

        isRead.SetResult();
        Assert.InRange(kept, least, most);
        Assert.True(Encoding.UTF8.GetByteCount(Chat + Chat) > 4 * most);
    }

    [Fact]
    public async Task Stream_LongerThanWhatIsPackedAtOnce_IsRecordedWhole()
    {
        await using var gateway = await SomeGateway.StartAsync();
        await gateway.AddAsync(more: ""","record_content":true""");
        var isRead = new TaskCompletionSource();
        gateway.Upstream.Answer = async request =>
        {
            await request.SendAsync(Head + string.Concat(Deltas.Take(Pieces / 2).Select(Event)));
            await isRead.Task;
            await request.SendAsync(string.Concat(Deltas.Skip(Pieces / 2).Select(Event)) + Usage + "data: [DONE]\n\n");
        };
        using var request = SomeGateway.Request("""{"model":"chat","stream":true,"messages":[]}""");
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[Encoding.UTF8.GetByteCount(string.Concat(Deltas.Take(Pieces / 2).Select(Event)))], Token);
        var between = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        isRead.SetResult();
        using var rest = new StreamReader(body);
        await rest.ReadToEndAsync(Token);

        var (_, span) = await gateway.TraceAsync(response);

        var chunks = span.Events.Where(e => e.Name.StartsWith("mlflow.chunk.item.", StringComparison.Ordinal)).ToList();
        Assert.Equal(Deltas, chunks.Take(Pieces).Select(e => JsonSerializer.Deserialize<string>(e.Attributes.Single(attribute => attribute.Key == "mlflow.chunk.value").Value)));
        Assert.Equal(Pieces + 1, chunks.Count);
        Assert.Equal(chunks.Select(e => e.TimeNs).Order(), chunks.Select(e => e.TimeNs));

        // What came after the pause has its own time.
        Assert.InRange(chunks[(Pieces / 2) - 1].TimeNs / 1_000_000, 0, between);
        Assert.InRange(chunks[Pieces / 2].TimeNs / 1_000_000, between, long.MaxValue);
        var output = JsonDocument.Parse(span["mlflow.spanOutputs"]!).RootElement;
        Assert.Equal(string.Concat(Enumerable.Range(0, Pieces).Select(i => $"word {i} ")), output.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Null(span["mlflow.capture.note"]);
    }

    private static string Event(string json) => $"data: {json}\n\n";

    private static string Tokens(int output) => string.Create(CultureInfo.InvariantCulture, $$$""","usage":{"prompt_tokens":1000,"completion_tokens":{{{output}}},"total_tokens":{{{1000 + output}}}}}""");

    private static string Responses(string end, string error)
    {
        const string Begun = """{"type":"response.created","response":{"id":"r1","object":"response","model":"gpt-4o-mini","status":"in_progress","error":null,"output":[],"usage":null}}""";
        const string Used = "\"output\":[],\"usage\":{\"input_tokens\":1000,\"output_tokens\":20,\"total_tokens\":1020}}}";
        return Named("response.created", Begun)
            + string.Concat(Enumerable.Range(0, Pieces).Select(i => Named("response.output_text.delta", $$"""{"type":"response.output_text.delta","item_id":"m1","output_index":0,"content_index":0,"delta":"word {{i}} "}""")))
            + Named("response." + end, $$"""{"type":"response.{{end}}","response":{"id":"r1","object":"response","model":"gpt-4o-mini","status":"{{end}}",{{error}},""" + Used);

        static string Named(string name, string json) => $"event: {name}\ndata: {json}\n\n";
    }

    private static async Task<string> ReadAsync(SomeGateway gateway, string endpoint, string path)
    {
        using var request = SomeGateway.Request($$"""{"model":"{{endpoint}}","stream":true,"messages":[],"input":"Hi"}""", "/gateway/openai/v1/" + path);
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        using var read = new MemoryStream();
        try
        {
            await body.CopyToAsync(read, Token);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // As far as it came.
        }

        return Encoding.UTF8.GetString(read.ToArray());
    }

    private static async Task<GatewayUsage> UsageAsync(SomeGateway gateway, string endpointId)
    {
        var store = gateway.Services.GetRequiredService<IGatewayStore>();
        while (true)
        {
            if (store.ListUsage(0).SingleOrDefault(usage => usage.EndpointId == endpointId) is { } usage)
            {
                return usage;
            }

            // It is on its way.
            await gateway.Client.GetStringAsync(new Uri("/health", UriKind.Relative), Token);
        }
    }

    [GeneratedRegex("""^mlflow_server_gateway_kept_bytes(?:\{[^}]*\})? (\d+)""", RegexOptions.Multiline)]
    private static partial Regex Kept();
}
