using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using MLflow.Tests;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class FactsCaptureTests : CaptureTestBase
{
    private const string Response =
        """{"id":"resp_2","object":"response","status":"completed","model":"gpt-5-2025-08-07","previous_response_id":"resp_1","conversation":{"id":"conv_1"},"service_tier":"default","output":[],"usage":{"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":10}}""";

    [Fact]
    public async Task Response_Facts_AreOnTheSpan()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Response));

        await PostAsync(server, "/v1/responses", """{"model":"gpt-5","input":"x","temperature":1}""");

        var span = await SingleSpanAsync();
        Assert.Equal("AsyncResponses", span.Name);
        Assert.Equal("CHAT_MODEL", span.SpanType);
        Assert.Equal("responses.create", span.Text(AttributeNames.Operation));
        Assert.Equal("gpt-5", span.Text(AttributeNames.Model));
        Assert.Equal("gpt-5-2025-08-07", span.Text(AttributeNames.ResponseModel));
        Assert.Equal("resp_2", span.Text(AttributeNames.ResponseId));
        Assert.Equal("resp_1", span.Text(AttributeNames.PreviousResponseId));
        Assert.Equal("default", span.Text(AttributeNames.ServiceTier));
        Assert.Equal("completed", span.Text(AttributeNames.FinishReason));
        Assert.Equal("openai", span.Text(AttributeNames.MessageFormat));
        Assert.Equal(1, span.Attribute("temperature").Int64);
        AssertJson("""{"input_tokens":7,"output_tokens":3,"total_tokens":10,"cache_read_input_tokens":2}""", span.Attribute(AttributeNames.TokenUsage));
        AssertJson("""{"input_uncached":5,"input_cache_read":2,"output_text":2,"output_reasoning":1}""", span.Attribute(AttributeNames.UsageBuckets));
        AssertJson(
            """{"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":1},"total_tokens":10}""",
            span.Attribute(AttributeNames.ReportedUsage));
    }

    [Fact]
    public async Task Conversation_OfTheFirstCall_IsTheSessionOfTheTrace()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Response));

        using (Tracer.StartSpan("parent", SpanType.Chain))
        {
            await PostAsync(server, "/v1/responses", """{"input":"x","user":"u1"}""");
            await Capture.DrainAsync(Token);
            await PostAsync(server, "/v1/responses", """{"input":"x","conversation":"conv_2","safety_identifier":"u2"}""");
            await Capture.DrainAsync(Token);
        }

        var trace = (await SpansAsync())[0].Trace;
        Assert.Equal([new(TraceKeys.User, "u1"), new(TraceKeys.Session, "conv_1")], trace.Metadata().OrderByDescending(pair => pair.Key));
        var metadata = Info(await SpansAsync())["trace_metadata"]!;
        Assert.Equal("conv_1", (string?)metadata[TraceKeys.Session]);
        Assert.Equal("u1", (string?)metadata[TraceKeys.User]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Session_SetByTheProgram_GoesBeforeWhatTheCallSays(bool isSetFirst)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Response));
        var update = new TraceUpdate { Session = "s-1", Tags = { ["tier"] = "gold" }, Metadata = { ["build"] = "7" } };

        using (var parent = Tracer.StartSpan("parent", SpanType.Chain))
        {
            if (isSetFirst)
            {
                parent.Trace.Update(update);
            }

            await PostAsync(server, "/v1/responses", """{"input":"x","user":"u1","conversation":"conv_1"}""");
            await Capture.DrainAsync(Token);
            parent.Trace.Update(isSetFirst ? new TraceUpdate() : update);
        }

        var written = Info(await SpansAsync());
        Assert.Equal("s-1", (string?)written["trace_metadata"]![TraceKeys.Session]);
        Assert.Equal("u1", (string?)written["trace_metadata"]![TraceKeys.User]);
        Assert.Equal("7", (string?)written["trace_metadata"]!["build"]);
        Assert.Equal("gold", (string?)written["tags"]!["tier"]);
    }

    [Fact]
    public async Task StoredResponse_IsNoCallOfAModel()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Response));

        using var client = new HttpClient();
        client.DefaultRequestHeaders.UserAgent.ParseAdd("OpenAI/2.0");
        await client.GetStringAsync(new Uri(server.Address, "/v1/responses/resp_2"), Token);

        var span = await SingleSpanAsync();
        Assert.Equal("Responses.retrieve", span.Name);
        Assert.Equal("UNKNOWN", span.SpanType);
        AssertJson("""{"response_id":"resp_2"}""", span.Attribute(AttributeNames.Inputs));
        AssertJson(Response, span.Attribute(AttributeNames.Outputs));
        Assert.False(span.Has(AttributeNames.TokenUsage));
        Assert.True(span.Has(AttributeNames.ReportedUsage));
    }

    [Fact]
    public async Task Error_OfTheServer_IsOnTheSpanInItsParts()
    {
        const string Body = """{"error":{"message":"Too long","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}""";
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, Body, 400));

        await PostAsync(server, "/v1/responses", """{"input":"x"}""");

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("context_length_exceeded", span.Text(AttributeNames.ErrorType));
        Assert.Equal("context_length_exceeded", span.Text(AttributeNames.ErrorCode));
        Assert.Equal("invalid_request_error", span.Text(AttributeNames.ApiErrorType));
        Assert.Equal("input", span.Text(AttributeNames.ErrorParam));
        AssertJson(Body, span.Attribute(AttributeNames.ErrorBody));
    }

    [Fact]
    public async Task Error_WithALargeBody_KeepsItsBeginning()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, "\"" + new string('x', 100_000) + "\"", 502));

        await PostAsync(server, "/v1/responses", """{"input":"x"}""");

        var span = await SingleSpanAsync();
        Assert.Equal("502", span.Text(AttributeNames.ErrorType));
        Assert.Equal(64 << 10, span.Text(AttributeNames.ErrorBody).Length);
        Assert.False(span.Has(AttributeNames.ErrorCode));
    }

    [Fact]
    public async Task Stream_WithAnError_IsAnErrorWithWhatCame()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Sse(
            context,
            [
                """{"type":"response.created","response":{"id":"resp_1","object":"response","status":"in_progress","output":[]}}""",
                """{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"Hal"}""",
                """{"type":"error","code":"server_error","message":"gone","param":null}""",
            ],
            done: false));

        await PostAsync(server, "/v1/responses", """{"input":"x","stream":true}""");

        var span = await SingleSpanAsync();
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("server_error", span.Text(AttributeNames.StreamEnd));
        Assert.Equal("server_error", span.Text(AttributeNames.ErrorCode));
        Assert.True(span.Has(AttributeNames.TimeToFirstToken));
        AssertJson(
            """{"id":"resp_1","object":"response","status":"in_progress","output":[{"id":"m","type":"message","content":[{"type":"output_text","text":"Hal"}]}]}""",
            span.Attribute(AttributeNames.Outputs));
    }

    private static JsonNode Info(IReadOnlyList<LiveSpan> spans)
    {
        var facts = new ArrayBufferWriter<byte>();
        Some.Encoded(spans).Facts.WriteTo(facts, "0");
        return Parse(Encoding.UTF8.GetString(facts.WrittenSpan))["trace"]!["trace_info"]!;
    }

    private static async Task PostAsync(LoopbackServer server, string path, string body)
    {
        using var client = new HttpClient();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(new Uri(server.Address, path), content, Token);
        await response.Content.ReadAsStringAsync(Token);
    }
}
