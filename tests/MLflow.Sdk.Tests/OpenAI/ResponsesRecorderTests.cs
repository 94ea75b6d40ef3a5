using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class ResponsesRecorderTests
{
    private const string Created = """{"type":"response.created","response":{"id":"resp_1","object":"response","status":"in_progress","model":"m","output":[],"usage":null}}""";

    /// <summary>Events of every kind, with all of its pieces.</summary>
    private static readonly string[] Kinds =
    [
        Created,
        """{"type":"response.output_item.added","output_index":0,"item":{"id":"rs","type":"reasoning","summary":[]}}""",
        """{"type":"response.reasoning_summary_part.added","item_id":"rs","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}""",
        """{"type":"response.reasoning_summary_text.delta","item_id":"rs","output_index":0,"summary_index":0,"delta":"thi"}""",
        """{"type":"response.reasoning_summary_text.delta","item_id":"rs","output_index":0,"summary_index":1,"delta":"nk"}""",
        """{"type":"response.output_item.added","output_index":1,"item":{"id":"msg","type":"message","role":"assistant","status":"in_progress","content":[]}}""",
        """{"type":"response.content_part.added","item_id":"msg","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}""",
        """{"type":"response.output_text.delta","item_id":"msg","output_index":1,"content_index":0,"delta":"a\ud83d","logprobs":[{"token":"a"}]}""",
        """{"type":"response.output_text.delta","item_id":"msg","output_index":1,"content_index":0,"delta":"\ude00b","logprobs":[{"token":"b"}]}""",
        """{"type":"response.output_text.annotation.added","item_id":"msg","output_index":1,"content_index":0,"annotation_index":0,"annotation":{"type":"url_citation","url":"u"}}""",
        """{"type":"response.refusal.delta","item_id":"msg","output_index":1,"content_index":1,"delta":"no"}""",
        """{"type":"response.output_item.added","output_index":2,"item":{"id":"fc","type":"function_call","name":"f","arguments":""}}""",
        """{"type":"response.function_call_arguments.delta","item_id":"fc","output_index":2,"delta":"{\"a"}""",
        """{"type":"response.function_call_arguments.delta","item_id":"fc","output_index":2,"delta":"\":1}"}""",
        """{"type":"response.output_item.added","output_index":3,"item":{"id":"ig","type":"image_generation_call","status":"in_progress","result":null}}""",
        """{"type":"response.image_generation_call.generating","item_id":"ig","output_index":3}""",
        """{"type":"response.image_generation_call.partial_image","item_id":"ig","output_index":3,"partial_image_index":0,"partial_image_b64":"AAAA","size":"8x8"}""",
        """{"type":"response.output_item.added","output_index":4,"item":{"id":"sh","type":"shell_call","action":{"commands":[]}}}""",
        """{"type":"response.shell_call_command.added","output_index":4,"command_index":0,"command":""}""",
        """{"type":"response.shell_call_command.delta","output_index":4,"command_index":0,"delta":"ls"}""",
        """{"type":"response.output_item.done","output_index":5,"item":{"id":"new","type":"something_new","anything":{"x":1}}}""",
        """{"type":"response.completed","response":{"id":"resp_1","object":"response","status":"completed","model":"m-2","output":[{"id":"msg","type":"message","content":[{"type":"output_text","text":"whole"}]}],"usage":{"input_tokens":7,"output_tokens":3,"total_tokens":10}}}""",
    ];

    [Fact]
    public void Stream_WithoutEnd_GivesWhatCame()
    {
        var fields = Record(Stream(Kinds[..^1]));

        const string Expected =
            """
            {"id":"resp_1","object":"response","status":"in_progress","model":"m","output":[
            {"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"thi"},{"type":"summary_text","text":"nk"}]},
            {"id":"msg","type":"message","role":"assistant","status":"in_progress","content":[{"type":"output_text","text":"a😀b","annotations":[{"type":"url_citation","url":"u"}],"logprobs":[{"token":"a"},{"token":"b"}]},{"type":"refusal","refusal":"no"}]},
            {"id":"fc","type":"function_call","name":"f","arguments":"{\"a\":1}"},
            {"id":"ig","type":"image_generation_call","status":"generating","result":"AAAA","size":"8x8"},
            {"id":"sh","type":"shell_call","action":{"commands":["ls"]}},
            {"id":"new","type":"something_new","anything":{"x":1}}],"usage":null}
            """;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Expected), Output(fields)), Output(fields).ToJsonString());
        Assert.False(fields.IsStreamComplete);
        Assert.Null(fields.FinishReason);
        Assert.Equal("resp_1", fields.ResponseId);
    }

    [Fact]
    public void Stream_WithItsEnd_GivesTheResponseOfTheEnd()
    {
        var fields = Record(Stream(Kinds));

        Assert.Equal("whole", (string?)Output(fields)["output"]![0]!["content"]![0]!["text"]);
        Assert.True(fields.IsStreamComplete);
        Assert.Equal("completed", fields.FinishReason);
        Assert.Equal("m-2", fields.ResponseModel);
        Assert.Equal(new TokenUsage { InputTokens = 7, OutputTokens = 3, TotalTokens = 10 }, fields.Usage);
    }

    [Theory]
    [InlineData(
        "end without output",
        """{"type":"response.output_item.done","output_index":0,"item":{"id":"a","type":"message"}}|{"type":"response.completed","response":{"status":"completed","output":[]}}""",
        """{"status":"completed","output":[{"id":"a","type":"message"}]}""")]
    [InlineData(
        "no beginning",
        """{"type":"response.output_text.delta","item_id":"a","output_index":1,"content_index":0,"delta":"x"}|{"type":"response.output_text.delta","item_id":"a","output_index":1,"content_index":0,"delta":"y"}""",
        """{"output":[{"id":"a","type":"message","content":[{"type":"output_text","text":"xy"}]}]}""")]
    [InlineData(
        "taken up again",
        """{"type":"response.in_progress","response":{"id":"r","output":[{"id":"a","type":"message","content":[{"type":"output_text","text":"x"}]}]}}|{"type":"response.output_text.delta","item_id":"a","output_index":0,"content_index":0,"delta":"y"}""",
        """{"id":"r","output":[{"id":"a","type":"message","content":[{"type":"output_text","text":"xy"}]}]}""")]
    [InlineData(
        "items all numbered 0",
        """{"type":"response.output_item.done","output_index":0,"item":{"id":"a","type":"reasoning"}}|{"type":"response.output_item.added","output_index":0,"item":{"id":"b","type":"message","content":[]}}|{"type":"response.output_text.delta","item_id":"b","output_index":0,"content_index":0,"delta":"x"}""",
        """{"output":[{"id":"a","type":"reasoning"},{"id":"b","type":"message","content":[{"type":"output_text","text":"x"}]}]}""")]
    [InlineData(
        "another id at the end",
        """{"type":"response.output_item.added","output_index":0,"item":{"id":"a","type":"message"}}|{"type":"response.output_item.done","output_index":0,"item":{"id":"b","type":"message","status":"completed"}}""",
        """{"output":[{"id":"b","type":"message","status":"completed"}]}""")]
    [InlineData(
        "done said twice",
        """{"type":"response.output_item.done","output_index":0,"item":{"id":"a","type":"message"}}|{"type":"response.output_item.done","output_index":0,"item":{"id":"a","type":"message","status":"completed"}}""",
        """{"output":[{"id":"a","type":"message","status":"completed"}]}""")]
    [InlineData(
        "items out of order",
        """{"type":"response.output_item.done","output_index":2,"item":{"id":"c"}}|{"type":"response.output_item.done","output_index":0,"item":{"id":"a"}}|{"type":"response.output_item.done","output_index":1,"item":{"id":"b"}}""",
        """{"output":[{"id":"a"},{"id":"b"},{"id":"c"}]}""")]
    [InlineData(
        "pieces that do not fit",
        """{"type":"response.output_item.added","output_index":0,"item":{"id":"a","type":"message","content":"text"}}|{"type":"response.output_text.delta","item_id":"a","output_index":0,"content_index":2000000000,"delta":"x"}""",
        """{"output":[{"id":"a","type":"message","content":[{"type":"output_text","text":"x"}]}]}""")]
    [InlineData(
        "audio",
        """{"type":"response.audio.transcript.delta","delta":"He"}|{"type":"response.audio.transcript.delta","delta":"y"}|{"type":"response.audio.delta","delta":"AAAA"}""",
        """{"output":[{"type":"message","content":[{"type":"output_audio","transcript":"Hey","data":"AAAA"}]}]}""")]
    [InlineData(
        "the answer as one event",
        """{"id":"r","object":"response","status":"completed","output":[]}""",
        """{"id":"r","object":"response","status":"completed","output":[]}""")]
    public void Stream_OfItsKind_IsMerged(string what, string events, string expected)
    {
        var output = Output(Record(Stream(events.Split('|'))));

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), output), $"{what}: {output.ToJsonString()}");
    }

    [Theory]
    [InlineData("""{"type":"error","code":"server_error","message":"m","param":"p"}""", "server_error", null, "p", false)]
    [InlineData("""{"type":"error","error":{"type":"t","code":"c","message":"m"}}""", "c", "t", null, false)]
    [InlineData("""{"type":"response.failed","response":{"object":"response","status":"failed","error":{"code":"c","message":"m"},"output":[]}}""", "c", null, null, true)]
    public void Stream_ThatFails_ReportsTheError(string last, string code, string? type, string? param, bool isComplete)
    {
        var fields = Record(Stream([Created, last]));

        Assert.Equal("m", fields.Error?.Message);
        Assert.Equal(code, fields.Error?.Code);
        Assert.Equal(param, fields.Error?.Param);
        Assert.Equal(isComplete, fields.IsStreamComplete);
        Assert.True(type is null || fields.Error?.Type == type);
    }

    [Fact]
    public void Stream_Incomplete_SaysWhy()
    {
        var fields = Record(Stream(["""{"type":"response.incomplete","response":{"object":"response","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[]}}"""]));

        Assert.Equal("max_output_tokens", fields.FinishReason);
        Assert.True(fields.IsStreamComplete);
        Assert.Null(fields.Error);
    }

    [Fact]
    public void Stream_FirstToken_IsTheFirstContent()
    {
        var body = Encoding.UTF8.GetBytes(Stream([.. Kinds.Where(kind => !kind.Contains("reasoning", StringComparison.Ordinal))]));
        var at = Encoding.UTF8.GetString(body).IndexOf("response.output_text.delta", StringComparison.Ordinal);
        var fields = new RecordedFields();

        new ResponsesRecorder().RecordStream(body, [new(0, 100), new(at, 200), new(at + 400, 300)], fields);

        Assert.Equal(200, fields.FirstTokenNs);
        Assert.Equal(300, fields.LastTokenNs);
    }

    [Theory]
    [InlineData("""{"type":"response.output_item.added","output_index":0,"item":{"id":"a","type":"function_call","name":"f","arguments":""}}""", true)]
    [InlineData("""{"type":"response.output_item.added","output_index":0,"item":{"id":"a","type":"message","content":[]}}""", false)]
    [InlineData("""{"type":"response.output_item.done","output_index":0,"item":{"id":"a","type":"reasoning","summary":[],"encrypted_content":"x"}}""", false)]
    [InlineData("""{"type":"response.output_item.done","output_index":0,"item":{"id":"a","type":"mcp_list_tools","tools":[{}]}}""", false)]
    [InlineData("""{"type":"response.output_item.done","output_index":0,"item":{"id":"a","type":"message","content":[{"type":"output_text","text":"x"}]}}""", true)]
    [InlineData("""{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":""}""", false)]
    [InlineData("""{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"x"}""", true)]
    [InlineData("""{"type":"response.web_search_call.searching","output_index":0}""", false)]
    [InlineData("""{"type":"response.completed","response":{"output":[{"type":"message"}]}}""", true)]
    public void Stream_Event_IsContentOrNot(string e, bool isContent) =>
        Assert.Equal(isContent, Record(Stream([Created, e])).FirstTokenNs is not null);

    [Fact]
    public void Stream_AnyChunkingAndAnyCut_GivesTheSameForTheSameBytes() =>
        Gen.Select(Gen.Int[0, 6000], Gen.Int[1, 500].Array[0, 30]).Sample((cut, pieces) =>
        {
            var body = Encoding.UTF8.GetBytes(Stream(Kinds));
            body = body[..Math.Min(cut, body.Length)];
            var marks = new List<BodyMark> { new(0, 1) };
            foreach (var piece in pieces)
            {
                marks.Add(new(marks[^1].Offset + piece, marks[^1].Time + 1));
            }

            var whole = Record(body);
            var chunked = new RecordedFields();
            new ResponsesRecorder().RecordStream(body, marks.ToArray(), chunked);

            Assert.Equal(whole.Outputs.Kind, chunked.Outputs.Kind);
            if (whole.Outputs.Kind == AttributeValueKind.Json)
            {
                Assert.True(whole.Outputs.Json.SequenceEqual(chunked.Outputs.Json));
                JsonNode.Parse(whole.Outputs.Json);
            }

            Assert.Equal(whole.IsStreamComplete, chunked.IsStreamComplete);
            Assert.Equal(whole.FirstTokenNs is null, chunked.FirstTokenNs is null);
        });

    [Fact]
    public void Stream_EventsInAnyOrder_DoNotThrowAndStayJson() =>
        Gen.Int[0, Kinds.Length - 1].Array[0, 60].Sample(order =>
        {
            var fields = Record(Stream(order.Select(i => Kinds[i])));
            if (fields.Outputs.Kind == AttributeValueKind.Json)
            {
                JsonNode.Parse(fields.Outputs.Json);
            }
        });

    [Fact]
    public void Recorder_AnyBytes_DoesNotThrow() =>
        Gen.Select(Gen.Byte.Array[0, 200], Gen.Int[0, 4000]).Sample((noise, at) =>
        {
            var body = Encoding.UTF8.GetBytes(Stream(Kinds));
            at = Math.Min(at, body.Length);
            noise.AsSpan(0, Math.Min(noise.Length, body.Length - at)).CopyTo(body.AsSpan(at));
            foreach (IRecorder recorder in new IRecorder[] { new ResponsesRecorder(), new StoredAnswerRecorder(), new ChatCompletionsRecorder(isLegacy: true) })
            {
                var fields = new RecordedFields();
                recorder.RecordRequest(body, fields);
                recorder.RecordResponse(noise, fields);
                recorder.RecordStream(body, [], fields);
            }
        });

    [Fact]
    public void StoredResponse_ThatFailed_IsNoErrorAndCountsNoTokensAgain()
    {
        const string Failed = """{"object":"response","status":"failed","error":{"code":"c","message":"m"},"background":false,"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}""";
        var retrieved = new RecordedFields();
        var background = new RecordedFields();

        new StoredAnswerRecorder().RecordResponse(Encoding.UTF8.GetBytes(Failed), retrieved);
        new StoredAnswerRecorder().RecordResponse(Encoding.UTF8.GetBytes(Failed.Replace("false", "true", StringComparison.Ordinal)), background);

        Assert.Null(retrieved.Error);
        Assert.Null(retrieved.Usage);
        Assert.NotNull(retrieved.ReportedUsage);
        Assert.Equal("failed", retrieved.FinishReason);
        Assert.Equal(3, background.Usage?.TotalTokens);
    }

    [Theory]
    [InlineData("""{"conversation":"conv_1","safety_identifier":"s","user":"u"}""", "conv_1", "u")]
    [InlineData("""{"user":"u","safety_identifier":"s"}""", null, "u")]
    [InlineData("""{"conversation":{"id":"conv_2"},"safety_identifier":"s"}""", "conv_2", "s")]
    [InlineData("""{"conversation":null,"user":7}""", null, null)]
    public void Request_ConversationAndUser_AreThoseOfTheTrace(string body, string? session, string? user)
    {
        var fields = new RecordedFields();

        new ResponsesRecorder().RecordRequest(Encoding.UTF8.GetBytes(body), fields);

        Assert.Equal((session, user), (fields.Session, fields.User));
    }

    [Theory]
    [InlineData(
        """[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true,"defer_loading":true}]""",
        """[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}}]""")]
    [InlineData("""[{"type":"function","function":{"name":"f","parameters":{}}}]""", """[{"type":"function","function":{"name":"f","parameters":{}}}]""")]
    [InlineData("""[{"type":"custom","custom":{"name":"c","format":{"type":"text"}}}]""", """[{"type":"function","function":{"name":"c","format":{"type":"text"}}}]""")]
    [InlineData("""[{"type":"custom","name":"c","description":"d","format":{"type":"text"}}]""", """[{"type":"function","function":{"name":"c","description":"d"}}]""")]
    [InlineData(
        """[{"type":"web_search"},{"type":"mcp","server_label":"s"},{"type":"something_new","x":1}]""",
        """[{"type":"function","function":{"name":"web_search"}},{"type":"function","function":{"name":"mcp"}},{"type":"function","function":{"name":"something_new"}}]""")]
    [InlineData(
        """[{"type":"namespace","name":"crm","tools":[{"type":"function","name":"a"},{"type":"function","name":"b"}]}]""",
        """[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}]""")]
    [InlineData("""[]""", null)]
    [InlineData("""[1,null,{}]""", null)]
    public void Request_Tools_HaveOneShape(string tools, string? expected)
    {
        var fields = new RecordedFields();

        new ResponsesRecorder().RecordRequest(Encoding.UTF8.GetBytes($$"""{"tools":{{tools}}}"""), fields);

        var actual = fields.Attributes.SingleOrDefault(a => a.Key == AttributeNames.ChatTools).Value;
        Assert.Equal(expected, actual.Kind == AttributeValueKind.Null ? null : Encoding.UTF8.GetString(actual.Json));
    }

    private static RecordedFields Record(string body) => Record(Encoding.UTF8.GetBytes(body));

    private static RecordedFields Record(byte[] body)
    {
        var fields = new RecordedFields();
        new ResponsesRecorder().RecordStream(body, [new(0, 1)], fields);
        return fields;
    }

    private static JsonNode Output(RecordedFields fields) => JsonNode.Parse(fields.Outputs.Json)!;

    private static string Stream(IEnumerable<string> events) => string.Concat(events.Select(e => $"data: {e}\n\n"));
}
