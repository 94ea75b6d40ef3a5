using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Otlp;

/// <summary>Calls that come as they were. That they are stored as those that clients record is tested with recorded exchanges, end to end.</summary>
public sealed class OtlpCallsTests(SomeServer server) : IClassFixture<SomeServer>
{
    private const string Request = """{"model":"gpt-4o","temperature":0.5,"messages":[{"role":"user","content":"hi"}],"user":"u-1"}""";
    private const string Response = """{"id":"c","model":"gpt-4o-1","choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}""";

    [Fact]
    public async Task Call_AsItWas_IsRecordedAndConfirmed()
    {
        var (request, traceId) = Call(Message("chat.completions.create", Request, Response));
        using var answer = await PostAsync(request, "0");

        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal("1", answer.Headers.GetValues("x-mlflow-recorded-calls").Single());
        Assert.Equal("1", answer.Headers.GetValues("x-mlflow-trace-facts").Single());
        var trace = (await server.GetAsync("/api/3.0/mlflow/traces/get?trace_id=" + traceId)).Body.GetProperty("trace");
        var span = Assert.Single(trace.GetProperty("spans").EnumerateArray());
        Assert.Equal("Completions", span.GetProperty("name").GetString());
        var attributes = span.GetProperty("attributes").EnumerateArray().ToDictionary(a => a.GetProperty("key").GetString()!, a => a.GetProperty("value").GetRawText());
        Assert.Contains("0.5", attributes["temperature"], StringComparison.Ordinal);
        Assert.DoesNotContain("mlflow.plainCall", attributes.Keys);
        var metadata = trace.GetProperty("trace_info").GetProperty("trace_metadata");
        Assert.Equal("u-1", metadata.GetProperty("mlflow.trace.user").GetString());
        Assert.Equal("me", metadata.GetProperty("mlflow.user").GetString());
        Assert.Equal(4, JsonDocument.Parse(metadata.GetProperty("mlflow.trace.tokenUsage").GetString()!).RootElement.GetProperty("total_tokens").GetInt32());
        Assert.Equal("hi", trace.GetProperty("trace_info").GetProperty("request_preview").GetString());
    }

    public static TheoryData<byte[], string?, string> Wrong() => new()
    {
        { Message("chat.completions.create", Request, Response), null, "the request does not name its experiment in x-mlflow-experiment-id" },
        { Message("files.list", Request, Response), "0", "it lacks an operation that is recorded by servers" },
        { Message("chat.completions.create", "", Response), "0", "it lacks an operation that is recorded by servers" },
        { Message("chat.completions.create", new string(' ', (32 << 10) + 1), Response), "0", "a body has 32769 bytes, and may have 32768" },
        { [0xFF], "0", "cut or was not written" },
        { [], "0", "it lacks" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Call_ThatIsNone_IsRefusedWithTheReason(byte[] message, string? experiment, string reason)
    {
        var (request, traceId) = Call(message);
        using var answer = await PostAsync(request, experiment);

        Assert.Equal(400, (int)answer.StatusCode);
        var text = RpcStatus.Parser.ParseFrom(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Message;
        Assert.Contains("Attribute 'mlflow.plainCall' of span 's' is no call that this server can record", text, StringComparison.Ordinal);
        Assert.Contains(reason, text, StringComparison.Ordinal);
        Assert.Equal(404, (await server.GetAsync("/api/3.0/mlflow/traces/" + traceId)).Status);
    }

    private static (ExportTraceServiceRequest Request, string TraceId) Call(byte[] message)
    {
        var id = Guid.NewGuid().ToByteArray();
        var span = new Span
        {
            TraceId = ByteString.CopyFrom(id),
            SpanId = ByteString.CopyFrom(1, 2, 3, 4, 5, 6, 7, 8),
            Name = "s",
            StartTimeUnixNano = 1_000_000,
            EndTimeUnixNano = 2_000_000,
            Attributes = { new KeyValue { Key = "mlflow.plainCall", Value = new AnyValue { BytesValue = ByteString.CopyFrom(message) } } },
        };
        return (new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { span } } } } } }, "tr-" + Convert.ToHexStringLower(id));
    }

    /// <summary>By the field numbers of the client's format.</summary>
    private static byte[] Message(string operation, string request, string response)
    {
        using var buffer = new MemoryStream();
        using (var output = new CodedOutputStream(buffer, leaveOpen: true))
        {
            Write(1, operation);
            Write(4, "POST");
            output.WriteTag(5, WireFormat.WireType.Varint);
            output.WriteInt32(200);
            Write(6, "https://api.openai.com/v1/chat/completions");
            Write(16, request);
            Write(17, response);
            Write(18, ",\"mlflow.user\":\"me\"}");

            void Write(int field, string text)
            {
                output.WriteTag(field, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(Encoding.UTF8.GetBytes(text)));
            }
        }

        return buffer.ToArray();
    }

    private async Task<HttpResponseMessage> PostAsync(ExportTraceServiceRequest request, string? experiment)
    {
        using var content = new ByteArrayContent(request.ToByteArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        if (experiment is not null)
        {
            content.Headers.Add("x-mlflow-experiment-id", experiment);
        }

        return await server.Client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content, TestContext.Current.CancellationToken);
    }
}
