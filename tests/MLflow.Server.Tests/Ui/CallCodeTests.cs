using MLflow.Server.Ui.Copying;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class CallCodeTests
{
    private static readonly object Chat = new
    {
        model = "gpt-4o-mini",
        temperature = 0.2,
        messages = new object[]
        {
            new { role = "system", content = "Say \"hi\".\nAlways." },
            new { role = "user", content = new object[] { new { type = "text", text = "東京 & $HOME 'x'" }, new { type = "image_url", image_url = new { url = "data:image/png;base64,iVBORw0KGgo=" } } } },
            new { role = "assistant", content = (string?)null, tool_calls = new[] { new { id = "c1", type = "function", function = new { name = "get_weather", arguments = """{"city":"Paris"}""" } } } },
            new { role = "tool", tool_call_id = "c1", content = "sunny" },
        },
        tools = new[] { new { type = "function", function = new { name = "get_weather", description = "Weather", parameters = new { type = "object" } } } },
    };

    [Fact]
    public void OpenAI_Chat_IsTypedAndWhole()
    {
        var code = Of(Chat).OpenAI();

        Assert.Contains("new SystemChatMessage(\"\"\"\nSay \"hi\".\nAlways.\n\"\"\")", code, StringComparison.Ordinal);
        Assert.Contains("CreateTextPart(\"東京 & $HOME 'x'\")", code, StringComparison.Ordinal);
        Assert.Contains("CreateImagePart(BinaryData.FromBytes(Convert.FromBase64String(\"iVBORw0KGgo=\")), \"image/png\")", code, StringComparison.Ordinal);
        Assert.Contains("""CreateFunctionToolCall("c1", "get_weather", BinaryData.FromString("{\"city\":\"Paris\"}"))""", code, StringComparison.Ordinal);
        Assert.Contains("new ToolChatMessage(\"c1\", \"sunny\")", code, StringComparison.Ordinal);
        Assert.Contains("Temperature = 0.2f", code, StringComparison.Ordinal);
        Assert.Contains("options.Tools.Add(ChatTool.CreateFunctionTool(\"get_weather\", \"Weather\"", code, StringComparison.Ordinal);
    }

    [Fact]
    public void ExtensionsAI_Chat_HasItsOwnTypes()
    {
        var code = Of(Chat).ExtensionsAI()!;

        Assert.Contains("new FunctionResultContent(\"c1\", \"sunny\")", code, StringComparison.Ordinal);
        Assert.Contains("AIFunctionFactory.CreateDeclaration(\"get_weather\"", code, StringComparison.Ordinal);
    }

    [Fact]
    public void Curl_Chat_SendsTheRequestAsItWas()
    {
        var curl = Of(Chat, ("url.full", "https://example.com/it's/v1/chat/completions?api-version=1")).Curl();

        Assert.StartsWith("curl 'https://example.com/it'\\''s/v1/chat/completions?api-version=1'", curl, StringComparison.Ordinal);
        Assert.Contains("$OPENAI_API_KEY", curl, StringComparison.Ordinal);
        Assert.Contains("\"東京 & $HOME 'x'\"", curl, StringComparison.Ordinal);
        Assert.EndsWith("\nJSON", curl, StringComparison.Ordinal);
    }

    [Fact]
    public void Http_Responses_GoesToItsAddress() =>
        Assert.StartsWith("POST https://api.openai.com/v1/responses\n", Of(new { model = "m", input = "hello" }).Http(), StringComparison.Ordinal);

    // What has no type in the package goes as it was sent.
    [Theory]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"logprobs":true}""")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}""")]
    [InlineData("""{"model":"m","messages":[17]}""")]
    [InlineData("""{"model":"m","input":"x"}""")]
    public void OpenAI_WithoutTypes_SendsTheJson(string body)
    {
        var span = SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1) with { Attributes = [new("mlflow.spanInputs", body)] };
        var code = CallCode.Of(new SpanView(span, SomeSpan.OriginNs))!;

        Assert.Contains("BinaryContent.Create", code.OpenAI(), StringComparison.Ordinal);
        Assert.Null(code.ExtensionsAI());
    }

    [Fact]
    public void Literal_Quotes_AreMoreThanInTheText() => Assert.Equal("\"\"\"\"\na\n\"\"\"b\n\"\"\"\"", CodeText.Literal("a\n\"\"\"b"));

    [Fact]
    public void Of_ToolStep_HasNoCode() => Assert.Null(CallCode.Of(new SpanView(SomeSpan.Of(1, 0, "TOOL", 0, 1, null, ("mlflow.spanInputs", Chat)), SomeSpan.OriginNs)));

    private static CallCode Of(object body, params (string, object)[] more) =>
        CallCode.Of(new SpanView(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1, null, [("mlflow.spanInputs", body), .. more]), SomeSpan.OriginNs))!;
}
