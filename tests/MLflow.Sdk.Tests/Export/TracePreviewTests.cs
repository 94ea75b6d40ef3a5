using System.Text;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class TracePreviewTests
{
    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"first"},{"role":"assistant","content":"a"},{"role":"user","content":"last"}]}""", "last")]
    [InlineData("""{"messages":[{"role":"system","content":"only me"}]}""", "only me")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}},{"type":"text","text":"What is this?"}]}]}""", "What is this?")]
    [InlineData("""{"messages":[{"role":"user","content":["plain part"]}]}""", "plain part")]
    [InlineData("""{"request":{"input":[{"role":"user","content":"nested"}]}}""", "nested")]
    [InlineData("""{"input":"Tell me a story"}""", """{"input":"Tell me a story"}""")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"input_text","text":"not this"}]}]}""", """{"messages":[{"role":"user","content":[{"type":"input_text","text":"not this"}]}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":""}]}""", """{"messages":[{"role":"user","content":""}]}""")]
    [InlineData("""{"messages":"broken""", """{"messages":"broken""")]
    [InlineData("[1,2]", "[1,2]")]
    [InlineData("""{"input":[{"role":"user","content":"less"}],"messages":[{"role":"user","content":"more"}]}""", "more")]
    [InlineData("""{"request":{"messages":[{"role":"user","content":"within"}],"n":1},"input":[{"role":"user","content":"beside"}],"z":{}}""", "beside")]
    [InlineData("""{"messages":[],"input":[{"role":"user","content":"x"}]}""", """{"messages":[],"input":[{"role":"user","content":"x"}]}""")]
    [InlineData("""{"messages":[7,{"content":"no role"},{"role":"user"},{"content":"tail \"quoted\" \u6771","role":"user","name":["n"]},{"role":"tool","content":[]}],"tools":[{}]}""", "tail \"quoted\" 東")]
    [InlineData("""{"messages":[{"role":"user","content":"before"},{"role":"user","content":null}]}""", """{"messages":[{"role":"user","content":"before"},{"role":"user","content":null}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":[{"text":"late type","type":"text"},{"type":"text","text":"second"}]}]}""", "late type")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":5},"then this"]}]}""", "then this")]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""", """{"messages":[{"role":"user","content":"\ud800"}]}""")]
    [InlineData("""{"choices":[{}],"output":[{"role":"user","content":"o"}]}""", "o")]
    public void OfRequest_Chat_IsTheLastUserMessageElseTheJson(string json, string expected) => Assert.Equal(expected, TracePreview.OfRequest(Json(json)));

    [Theory]
    [InlineData("""{"choices":[{"message":{"role":"assistant","content":"Hello!"}}]}""", "Hello!")]
    [InlineData("""{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[]}}]}""", """{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[]}}]}""")]
    [InlineData("""{"choices":[{"index":0,"message":{"content":"no role"},"finish_reason":"stop"},{"message":{"content":"other"}}],"usage":{}}""", "no role")]
    [InlineData("""{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"In a peaceful grove"}]}]}""", "In a peaceful grove")]
    public void OfResponse_Chat_IsTheAssistantsMessageElseTheJson(string json, string expected) => Assert.Equal(expected, TracePreview.OfResponse(Json(json)));

    [Fact]
    public void Of_Scalars_AreJson()
    {
        Assert.Null(TracePreview.OfRequest(null));
        Assert.Equal("5", TracePreview.OfResponse(AttributeValue.FromInt64(5)));
        Assert.Equal("\"It is 21 °C.\"", TracePreview.OfResponse(AttributeValue.FromString("It is 21 °C.")));
    }

    [Theory]
    [InlineData(AttributeValueKind.String)]
    [InlineData(AttributeValueKind.Json)]
    [InlineData(null)]
    public void Of_Long_IsCutWithDots(object? kind)
    {
        var text = string.Concat(Enumerable.Repeat("東京😀", 2000));
        var preview = TracePreview.OfRequest(kind switch
        {
            AttributeValueKind.String => AttributeValue.FromString(text),
            AttributeValueKind.Json => Json($"[\"{text}\"]"),
            _ => Json($$"""{"messages":[{"role":"user","content":"{{text}}"}]}"""),
        })!;

        Assert.InRange(preview.Length, TracePreview.MaxLength - 1, TracePreview.MaxLength);
        Assert.EndsWith("...", preview, StringComparison.Ordinal);
        Assert.DoesNotContain('\uFFFD', preview);
        Assert.Equal(preview, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(preview)));
    }

    private static AttributeValue Json(string json) => AttributeValue.FromJson(Encoding.UTF8.GetBytes(json));
}
