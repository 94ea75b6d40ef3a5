using System.Text.Json;
using MLflow.Server.Ui.Playground;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class PlaygroundRequestTests
{
    private const string Chat = """
        {"model":"gpt-4o","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Look","x":1}],"name":"ada"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"x_new","data":"…"}]},
         {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{ }"}}]},{"role":"tool","tool_call_id":"1","content":"12"}],
         "tools":[{"type":"function","function":{"name":"f","strict":null}}],"temperature":1.0,"max_tokens":5,"seed":12345678901234567890,"x_unknown":{"a":[1e2,"東京"]}}
        """;

    private readonly Dictionary<string, string> _problems = [];

    [Theory]
    [InlineData(Chat, "messages")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":""},{"role":"assistant","content":""}],"user":null}""", "messages")]
    [InlineData("""{"model":"m","input":"Hi","instructions":"Be brief.","store":false,"max_output_tokens":7}""", "input")]
    [InlineData("""{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]},{"type":"reasoning","encrypted_content":"abc"},{"role":"user","content":"x"}],"text":{"format":{"type":"text"}}}""", "input")]
    public void Request_Unchanged_IsSentAsRecordedButForModelAndStream(string recorded, string list)
    {
        var request = Read(recorded)!;

        var sent = JsonElement.Parse(request.Write("chat", _problems)!);

        var body = JsonElement.Parse(recorded);
        Assert.Empty(_problems);
        Assert.Equal("chat", sent.GetProperty("model").GetString());
        Assert.True(sent.GetProperty("stream").GetBoolean());
        Assert.Equal(list == "messages", sent.TryGetProperty("stream_options", out _));
        Assert.All(body.EnumerateObject().Where(member => member.Name != "model"), member => Assert.Equal(Compact(member.Value), Compact(sent.GetProperty(member.Name))));
        Assert.Equal(body.EnumerateObject().Select(member => member.Name), sent.EnumerateObject().Select(member => member.Name).Where(name => !name.StartsWith("stream", StringComparison.Ordinal)));
    }

    [Fact]
    public void Request_Changed_ChangesThatAlone()
    {
        var request = Read(Chat)!;
        Assert.Equal([true, true, false, false, true], request.Messages.Select(message => message.IsText));
        Assert.Equal(["", "name", "", "", "tool_call_id"], request.Messages.Select(message => message.More));
        request.Messages[1].Text = "Look there";
        request.Messages[0].Role = "developer";
        request.Messages[2].Text = """{"role":"user","content":"all new"}""";
        request.Messages.RemoveAt(4);
        request.Messages.Add(new PlaygroundMessage("user", "And?"));
        request.Temperature = "";
        request.TopP = "0.5";
        request.MaxTokens = " 9 ";
        request.Others = """{"x_other":true}""";
        request.IsStreamed = false;

        var sent = JsonElement.Parse(request.Write("chat", _problems)!);

        var expected = JsonElement.Parse("""
            {"model":"chat","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Look there","x":1}],"name":"ada"},{"role":"user","content":"all new"},
             {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{ }"}}]},{"role":"user","content":"And?"}],
             "tools":[{"type":"function","function":{"name":"f","strict":null}}],"max_tokens":9,"top_p":0.5,"x_other":true}
            """);
        Assert.True(JsonElement.DeepEquals(expected, sent), sent.GetRawText());
    }

    [Fact]
    public void Mistakes_AreToldAllAtOnceByField()
    {
        var request = Read(Chat)!;
        request.Messages[2].Text = "[1]";
        request.Temperature = "warm";
        request.Tools = "{}";
        request.Others = "[";

        Assert.Null(request.Write("chat", _problems));

        Assert.Equal(["message 2", "others", "temperature", "tools"], _problems.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Message_TooLongToEdit_IsSentAsItIs()
    {
        var text = new string('x', PlaygroundMessage.MostText + 1);
        var request = Read($$"""{"model":"m","messages":[{"role":"user","content":"{{text}}"}]}""")!;
        Assert.True(request.Messages[0].IsKept);

        Assert.Equal(text, JsonElement.Parse(request.Write("chat", _problems)!).GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Theory]
    [InlineData("""{"prompt":"x"}""")]
    [InlineData("""[{"role":"user"}]""")]
    [InlineData("""{"messages":[],"messages":[]}""")]
    [InlineData("""{"messages":[{"role":"user","role":"system","content":"x"}]}""")]
    public void Recorded_ThatIsNoRequestOrAmbiguous_IsNone(string recorded) => Assert.Null(Read(recorded));

    [Fact]
    public void Answer_StreamedAndCutAnywhere_IsReadWhole()
    {
        const string Stream = """
            data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"東京 "}}]}

            data: {"choices":[{"index":0,"delta":{"content":"🗼","tool_calls":[{"index":0,"id":"1","function":{"name":"f","arguments":"{\"a\":"}}]}}]}

            data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":"tool_calls"}]}

            data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}

            data: [DONE]

            """;
        var bytes = System.Text.Encoding.UTF8.GetBytes(Stream);
        for (var cut = 0; cut <= bytes.Length; cut++)
        {
            var answer = new StreamedAnswer(isStream: true);
            answer.Take(bytes.AsSpan(0, cut));
            answer.Take(bytes.AsSpan(cut));
            answer.End();

            Assert.Equal(("東京 🗼\n\nf({\"a\":1})", 3L, 4L, "tool_calls", null), (answer.Text, answer.InputTokens, answer.OutputTokens, answer.FinishReason, answer.Error));
        }
    }

    [Theory]
    [InlineData("data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"function_call\",\"name\":\"f\"}}\n\ndata: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"{}\"}\n\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"Hi\"}\n\n", true, "Hi\n\nf({})", null)]
    [InlineData("data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Whole\"}]}],\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}}\n\n", true, "Whole", null)]
    [InlineData("data: {\"error\":{\"message\":\"overloaded\"}}\n\n", true, "", "overloaded")]
    [InlineData("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"}}]}", false, "Hi", null)]
    [InlineData("{\"error\":{\"message\":\"no\"}}", false, "", "no")]
    [InlineData("<html>", false, "", "<html>")]
    public void Answer_OfAnyKind_IsRead(string text, bool isStream, string said, string? error)
    {
        var answer = new StreamedAnswer(isStream);
        answer.Take(System.Text.Encoding.UTF8.GetBytes(text));
        answer.End();

        Assert.Equal((said, error), (answer.Text, answer.Error));
    }

    private static PlaygroundRequest? Read(string recorded)
    {
        var span = SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1);
        return PlaygroundRequest.Of(new SpanView(span with { Attributes = [KeyValuePair.Create("mlflow.spanInputs", recorded)] }, SomeSpan.OriginNs));
    }

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);
}
