using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class ChatCompletionsRecorderTests
{
    [Theory]
    [InlineData("text joined", """{"content":"a"}|{"content":"b"}""", """{"content":"ab"}""")]
    [InlineData("null does not replace", """{"role":"assistant","content":null}|{"content":"b"}|{"content":null}""", """{"role":"assistant","content":"b"}""")]
    [InlineData("only null", """{"role":"assistant","content":null}""", """{"role":"assistant","content":null}""")]
    [InlineData("role said again, once empty", """{"role":"assistant","content":"a"}|{"role":"","content":"b"}|{"role":"assistant","content":"c"}""", """{"role":"assistant","content":"abc"}""")]
    [InlineData("refusal", """{"refusal":"I "}|{"refusal":"cannot"}""", """{"refusal":"I cannot"}""")]
    [InlineData("unknown text joined, unknown number last", """{"mood":"a","n":1}|{"mood":"b","n":2}""", """{"mood":"ab","n":2}""")]
    [InlineData("reasoning", """{"reasoning_content":"be"}|{"reasoning_content":"cause"}""", """{"reasoning_content":"because"}""")]
    [InlineData("two halves of one character", """{"content":"\ud83d"}|{"content":"\ude00"}""", """{"content":"😀"}""")]
    [InlineData("half a character", """{"content":"a\ud83d"}""", """{"content":"a�"}""")]
    [InlineData(
        "tool calls by index",
        """{"tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":""}}]}|{"tool_calls":[{"index":1,"id":"c1","type":"function","function":{"name":"g","arguments":"{\"b"}},{"index":0,"function":{"arguments":"{\"a"}}]}|{"tool_calls":[{"index":0,"function":{"arguments":"\":1}"}},{"index":1,"function":{"arguments":"\":2}"}}]}""",
        """{"tool_calls":[{"id":"c0","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c1","type":"function","function":{"name":"g","arguments":"{\"b\":2}"}}]}""")]
    [InlineData(
        "tool calls all numbered 0",
        """{"tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}""",
        """{"tool_calls":[{"id":"c0","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}""")]
    [InlineData(
        "tool calls without index",
        """{"tool_calls":[{"id":"c0","function":{"name":"f","arguments":"{"}}]}|{"tool_calls":[{"function":{"arguments":"}"}}]}|{"tool_calls":[{"id":"c1","function":{"name":"g","arguments":"{}"}}]}""",
        """{"tool_calls":[{"id":"c0","function":{"name":"f","arguments":"{}"}},{"id":"c1","function":{"name":"g","arguments":"{}"}}]}""")]
    [InlineData(
        "tool name and id in every piece",
        """{"tool_calls":[{"index":0,"id":"c0","function":{"name":"f","arguments":"{"}}]}|{"tool_calls":[{"index":0,"id":"c0","function":{"name":"f","arguments":"}"}}]}""",
        """{"tool_calls":[{"id":"c0","function":{"name":"f","arguments":"{}"}}]}""")]
    [InlineData(
        "custom tool",
        """{"tool_calls":[{"index":0,"id":"c0","type":"custom","custom":{"name":"sql","input":"SELECT"}}]}|{"tool_calls":[{"index":0,"custom":{"input":" 1"}}]}""",
        """{"tool_calls":[{"id":"c0","type":"custom","custom":{"name":"sql","input":"SELECT 1"}}]}""")]
    [InlineData("function_call", """{"function_call":{"name":"f","arguments":"{"}}|{"function_call":{"arguments":"}"}}""", """{"function_call":{"name":"f","arguments":"{}"}}""")]
    [InlineData(
        "audio",
        """{"audio":{"id":"au","transcript":"He"}}|{"audio":{"data":"AAAA","transcript":"y"}}|{"audio":{"data":"BBBB"}}|{"audio":{"expires_at":7}}""",
        """{"audio":{"id":"au","transcript":"Hey","data":"AAAABBBB","expires_at":7}}""")]
    [InlineData("annotations", """{"annotations":[{"type":"url_citation","url_citation":{"url":"a"}}]}|{"annotations":[{"type":"url_citation","url_citation":{"url":"b"}}]}""", """{"annotations":[{"type":"url_citation","url_citation":{"url":"a"}},{"type":"url_citation","url_citation":{"url":"b"}}]}""")]
    [InlineData("text parts are text", """{"content":[{"type":"text","text":"a"}]}|{"content":[{"type":"text","text":"b"}]}""", """{"content":"ab"}""")]
    [InlineData(
        "other parts stay parts",
        """{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"th"}]}]}|{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"ink"}]}]}|{"content":[{"type":"text","text":"a"}]}|{"content":"b"}""",
        """{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"think"}]},{"type":"text","text":"ab"}]}""")]
    [InlineData(
        "reasoning details by index and type",
        """{"reasoning_details":[{"type":"reasoning.summary","index":0,"summary":"a"}]}|{"reasoning_details":[{"type":"reasoning.summary","index":0,"summary":"b"}]}|{"reasoning_details":[{"type":"reasoning.encrypted","index":0,"data":"x"}]}""",
        """{"reasoning_details":[{"type":"reasoning.summary","index":0,"summary":"ab"},{"type":"reasoning.encrypted","index":0,"data":"x"}]}""")]
    public void Stream_Deltas_ComeToTheMessage(string what, string deltas, string message)
    {
        var chunks = deltas.Split('|').Select(delta => $$"""{"choices":[{"index":0,"delta":{{delta}}}]}""");

        var output = Output(Record(Stream(chunks)));

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(message), output["choices"]![0]!["message"]), $"{what}: {output.ToJsonString()}");
    }

    [Fact]
    public void Stream_SeveralChoices_AreAllKept()
    {
        var fields = Record(Stream([
            """{"choices":[{"delta":{"content":"b"},"index":1},{"index":0,"delta":{"content":"a"}}]}""",
            """{"choices":[{"index":1,"delta":{"content":"B"},"finish_reason":"length"}]}""",
            """{"choices":[{"index":0,"delta":{},"finish_reason":"stop","logprobs":{"content":[{"token":"a"}],"refusal":null}}]}""",
            """{"choices":[{"index":0,"delta":{},"logprobs":{"content":[{"token":"b"}],"refusal":null}}]}"""]));

        const string Expected =
            """[{"index":0,"message":{"content":"a"},"finish_reason":"stop","logprobs":{"content":[{"token":"a"},{"token":"b"}],"refusal":null}},{"index":1,"message":{"content":"bB"},"finish_reason":"length"}]""";
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Expected), Output(fields)["choices"]));
        Assert.True(fields.IsStreamComplete);
        Assert.Equal("stop", fields.FinishReason);
    }

    [Fact]
    public void Stream_AzureFirstChunk_SaysNothing()
    {
        var output = Output(Record(Stream([
            """{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}""",
            """{"id":"c","object":"chat.completion.chunk","created":5,"model":"gpt","choices":[{"index":0,"delta":{"content":"a"}}]}""",
            """{"id":"","object":"","created":0,"model":"","choices":[{"index":0,"delta":{},"content_filter_results":{"hate":{"filtered":false}}}]}"""])));

        Assert.Equal("c", (string?)output["id"]);
        Assert.Equal(5, (int?)output["created"]);
        Assert.Equal("gpt", (string?)output["model"]);
        Assert.Equal("chat.completion", (string?)output["object"]);
        Assert.NotNull(output["prompt_filter_results"]);
    }

    [Theory]
    [InlineData("data: {A}\n\ndata: {B}\n\ndata: [DONE]\n\n", true)]
    [InlineData("data: {A}\r\n\r\ndata: {B}\r\n\r\ndata: [DONE]\r\n\r\n", true)]
    [InlineData("data:{A}\r\rdata:{B}\r\rdata:[DONE]\r\r", true)]
    [InlineData("\uFEFFdata: {A}\n\n: keep-alive\n\n: OPENROUTER PROCESSING\n\nevent: message\nid: 7\ndata: {B}\n\n", false)]
    [InlineData("data: {A}\n\ndata: {B}", false)]
    [InlineData("data: {A}\n\ndata: {B}\n\ndata: [DONE]", true)]
    [InlineData("data: {A}\n\ndata: {B}\n\ndata: {\"choi", false)]
    public void Stream_Framing_IsUnderstood(string body, bool isDone)
    {
        body = body
            .Replace("{A}", """{"choices":[{"index":0,"delta":{"content":"a"}}]}""", StringComparison.Ordinal)
            .Replace("{B}", """{"choices":[{"index":0,"delta":{"content":"b"}}]}""", StringComparison.Ordinal);

        var fields = Record(body);

        Assert.Equal("ab", (string?)Output(fields)["choices"]![0]!["message"]!["content"]);
        Assert.Equal(2, fields.Chunks!.Total);
        Assert.Equal(isDone, fields.SawDone);
    }

    [Fact]
    public void Stream_OfOtherThings_IsKeptAsText()
    {
        var fields = Record("data: hello\n\ndata: 世界\n\n");

        Assert.Equal("hello\n世界", fields.Outputs.String);
        Assert.Equal(2, fields.Chunks!.Count);
    }

    [Fact]
    public void Stream_Marks_GiveEachChunkTheTimeOfItsLastByte()
    {
        var first = "data: " + """{"choices":[{"index":0,"delta":{"role":"assistant"}}]}""" + "\n\n";
        var second = "data: " + """{"choices":[{"index":0,"delta":{"content":"a"}}]}""" + "\n\n";
        var body = Encoding.UTF8.GetBytes(first + second);
        var fields = new RecordedFields();

        // The second chunk comes in two reads.
        new ChatCompletionsRecorder().RecordStream(body, [new(0, 100), new(first.Length, 200), new(first.Length + 10, 300)], fields);

        Assert.Equal([100L, 300L], fields.Chunks!.ToEvents().Select(e => e.TimeNs));
        Assert.Equal(300, fields.FirstTokenNs);
    }

    [Theory]
    [InlineData("""{"model":"m","messages":[1],"temperature":0.5,"n":2,"stream":true,"stop":null,"metadata":{"a":1}}""")]
    [InlineData("""{"metadata":{"messages":1},"model":"m"}""")]
    public void Request_Parameters_AreAttributes(string body)
    {
        var fields = new RecordedFields();

        new ChatCompletionsRecorder().RecordRequest(Encoding.UTF8.GetBytes(body), fields);

        var expected = JsonNode.Parse(body)!.AsObject().Select(p => p.Key).Where(key => key != "messages").Append(AttributeNames.MessageFormat);
        Assert.Equal(expected, fields.Attributes.Select(a => a.Key));
        Assert.Equal("m", fields.RequestModel);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{\"model\":\"m\"")]
    [InlineData("[1,2")]
    public void Request_ThatIsNoJson_IsKeptAsText(string body)
    {
        var fields = new RecordedFields();

        new ChatCompletionsRecorder().RecordRequest(Encoding.UTF8.GetBytes(body), fields);

        Assert.Equal(body, fields.Inputs.String);
        Assert.Equal(AttributeNames.MessageFormat, Assert.Single(fields.Attributes).Key);
    }

    [Fact]
    public void Request_LegacyFunctions_AreTools()
    {
        var fields = new RecordedFields();

        new ChatCompletionsRecorder().RecordRequest("""{"functions":[{"name":"f"}]}"""u8, fields);

        var tools = fields.Attributes.Single(a => a.Key == AttributeNames.ChatTools).Value;
        Assert.Equal("""[{"type":"function","function":{"name":"f"}}]""", Encoding.UTF8.GetString(tools.Json));
    }

    [Theory]
    [InlineData("""{"error":{"message":"m","type":"t","code":"c"}}""", "m", "t", "c")]
    [InlineData("""{"error":{"message":"m","type":"t","code":429}}""", "m", "t", "429")]
    [InlineData("""{"error":"m"}""", "m", null, null)]
    [InlineData("""[{"error":{"message":"m","code":400}}]""", "m", null, "400")]
    [InlineData("""{"object":"error","message":"m","type":"t","code":1}""", "m", "t", "1")]
    public void ErrorBody_InItsShapes_IsRead(string body, string message, string? type, string? code) =>
        Assert.Equal(new ApiError(message, type, code), ApiErrorReader.ReadBody(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Response_ThatReportsAnError_IsAnErrorUnlessItAnswers()
    {
        Assert.Equal("m", Response("""{"error":{"message":"m"}}""").Error?.Message);
        Assert.Null(Response("""{"choices":[{"finish_reason":"stop"}],"error":{"message":"m"}}""").Error);
        Assert.Null(Response("""{"choices":[{"finish_reason":"stop"}],"error":null}""").Error);
    }

    [Fact]
    public void Recorder_AnyBytes_DoesNotThrow() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Int[0, 200]).Sample((noise, at) =>
        {
            var body = Encoding.UTF8.GetBytes(Stream(CaptureTestBase.Chunks));
            noise.AsSpan(0, Math.Min(noise.Length, body.Length - at)).CopyTo(body.AsSpan(at));
            var fields = new RecordedFields();
            var recorder = new ChatCompletionsRecorder();
            recorder.RecordRequest(body, fields);
            recorder.RecordResponse(noise, fields);
            recorder.RecordStream(body, [], fields);
        });

    private static RecordedFields Response(string body)
    {
        var fields = new RecordedFields();
        new ChatCompletionsRecorder().RecordResponse(Encoding.UTF8.GetBytes(body), fields);
        return fields;
    }

    private static RecordedFields Record(string body)
    {
        var fields = new RecordedFields();
        new ChatCompletionsRecorder().RecordStream(Encoding.UTF8.GetBytes(body), [], fields);
        return fields;
    }

    private static JsonNode Output(RecordedFields fields) => JsonNode.Parse(fields.Outputs.Json)!;

    private static string Stream(IEnumerable<string> chunks) => string.Concat(chunks.Select(chunk => $"data: {chunk}\n\n"));
}
