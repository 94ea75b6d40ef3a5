using System.Text.Json;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class ChatTranscriptTests
{
    [Fact]
    public void Of_NestedAgent_TiesCallsToResultsAndSteps()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("nested_agent"));
        var first = ChatTranscript.Of(tree.ModelCalls[0], tree)!;
        var second = ChatTranscript.Of(tree.ModelCalls[1], tree)!;

        Assert.Equal(["get_weather", "get_time"], first.Messages[^1].Calls.Select(call => call.Name));
        Assert.Equal([3, 4], first.Messages[^1].Calls.Select(call => call.RanAs!.Number));
        Assert.Empty(first.Messages[^1].Calls[0].Problems!);
        Assert.Equal(2, second.SharedCount);
        Assert.Same(tree.ModelCalls[0], second.SharedWith);
        Assert.Equal(["get_weather", "get_time"], second.Messages.Where(message => message.IsToolResult).Select(message => message.Answers!.Name));
        Assert.Equal("It is 21 °C in Paris and the time is 14:05.", second.Messages[^1].Text);
    }

    [Fact]
    public void Of_Multimodal_KeepsTheImage()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("chat_multimodal"));
        var parts = ChatTranscript.Of(tree.ModelCalls[0], tree)!.Messages[0].Parts;

        Assert.Equal([ChatPartKind.Text, ChatPartKind.Image], parts.Select(part => part.Kind));
    }

    [Fact]
    public void Of_Refusal_IsShown()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("chat_refusal"));

        Assert.Contains(ChatTranscript.Of(tree.ModelCalls[0], tree)!.Messages[^1].Parts, part => part.Kind == ChatPartKind.Refusal);
    }

    [Fact]
    public void Of_ResponsesItems_ReadsTheConversation()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("responses_tool_answer"));
        var transcript = ChatTranscript.Of(tree.ModelCalls[0], tree)!;

        Assert.Contains(transcript.Messages, message => message is { IsToolResult: true, Answers: not null });
        Assert.True(transcript.Messages[^1].IsOutput);
    }

    [Theory]
    [InlineData("""{"type":"hologram","data":1}""", ChatPartKind.Unknown)]
    [InlineData("""{"type":"text","text":{"value":"nested"}}""", ChatPartKind.Json)]
    [InlineData("""{"type":"text","text":"a","cache":{"x":1}}""", ChatPartKind.Json)]
    [InlineData("17", ChatPartKind.Json)]
    public void Inputs_UnknownPart_BecomesJsonAndTheRestStays(string part, ChatPartKind kind)
    {
        var messages = MessageReader.Inputs(Json($$"""{"messages":[{"role":"developer","content":[{"type":"text","text":"before"},{{part}}]},{"role":"user","content":"after"}]}"""))!;

        Assert.Equal([ChatPartKind.Text, kind], messages[0].Parts.Select(p => p.Kind));
        Assert.Equal("after", messages[1].Text);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("17")]
    [InlineData("[]")]
    [InlineData("""{"messages":"no list"}""")]
    [InlineData("""{"messages":[1,2]}""")]
    [InlineData("""{"messages":[{"role":7,"content":{"a":1},"tool_calls":[{"function":"f"}]}]}""")]
    [InlineData("""{"choices":[{"message":null},{"message":{"content":[null]}}],"output":[null]}""")]
    public void Read_WhateverJson_DoesNotThrow(string json)
    {
        MessageReader.Inputs(Json(json));
        MessageReader.Outputs(Json(json));
    }

    [Fact]
    public void Inputs_RemoteImage_IsNamedAndNotLoaded() =>
        Assert.Equal(ChatPartKind.RemoteImage, MessageReader.Inputs(Json("""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}"""))![0].Parts[0].Kind);

    [Theory]
    [InlineData("""{"city":"Paris"}""", "")]
    [InlineData("""{"city":75011}""", "city: number given, schema says string")]
    [InlineData("{}", "city: required, not given")]
    [InlineData("""{"city":"Paris","unit":"kelvin"}""", "unit: not one of c, f")]
    [InlineData("""{"city":"Paris","zip":1}""", "zip: not in the schema")]
    [InlineData("[]", "the arguments are not a JSON object")]
    public void Problems_Arguments_AreHeldAgainstTheSchema(string arguments, string words)
    {
        var schema = Json("""{"type":"object","properties":{"city":{"type":"string"},"unit":{"enum":["c","f"]}},"required":["city"],"additionalProperties":false}""");

        Assert.Equal(words, string.Join("; ", ArgumentCheck.Problems(Json(arguments), schema).Select(problem => problem.Words)));
    }

    [Fact]
    public void Railway_ParallelCalls_RunOnTracksOfTheirOwn()
    {
        var tree = SpanTree.Build(GoldenTrace.Load("nested_agent"));
        var rail = Railway.Of(ChatTranscript.Of(tree.ModelCalls[1], tree)!.Messages);

        Assert.Equal(2, rail.Lanes);
        Assert.Equal([(1, 1, 4, 6), (2, 0, 5, 7)], rail.Sidings.Select(siding => (siding.Number, siding.Lane, siding.FromRow, siding.ToRow!.Value)));
    }

    [Fact]
    public void ToHtml_ScriptAndStrangeLinks_AreGone()
    {
        var html = MarkdownText.ToHtml("<script>alert(1)</script> [a](javascript:alert(1)) ![i](https://example.com/i.png) **b**\n\n<img src=x onerror=alert(1)>");

        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("javascript:", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("<strong>b</strong>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void ToHtml_JapaneseEmphasis_IsEmphasis() =>
        Assert.Contains("<strong>33℃</strong>の予報", MarkdownText.ToHtml("最高気温は**33℃**の予報です。"), StringComparison.Ordinal);

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
