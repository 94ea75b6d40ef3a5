using System.Text.Json;
using MLflow.Server.Ui.Chat;
using MLflow.Server.Ui.Reading;
using MLflow.Server.Ui.Spans;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class MessagePartsTests
{
    [Theory]
    [InlineData("""{"type":"input_audio","input_audio":{"data":"UklGRg==","format":"wav"}}""", ChatPartKind.Audio, "data:audio/wav;base64,UklGRg==")]
    [InlineData("""{"type":"input_audio","input_audio":{"data":"UklGRg==…(cut)","format":"wav"}}""", ChatPartKind.Audio, null)]
    [InlineData("""{"type":"input_audio","input_audio":{"format":"pcm16"}}""", ChatPartKind.Audio, null)]
    [InlineData("""{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="}}""", ChatPartKind.File, "data:application/octet-stream;base64,JVBERg==")]
    [InlineData("""{"type":"file","file":{"filename":"a.html","file_data":"data:text/html,<script>alert(1)</script>"}}""", ChatPartKind.File, null)]
    [InlineData("""{"type":"input_file","file_id":"file-1"}""", ChatPartKind.File, null)]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,PHN2Zz4="}}""", ChatPartKind.File, null)]
    [InlineData("""{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO…"}}""", ChatPartKind.File, null)]
    [InlineData("""{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}""", ChatPartKind.RemoteImage, null)]
    [InlineData("""{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}""", ChatPartKind.Image, null)]
    [InlineData("""{"type":"thinking","thinking":"hm"}""", ChatPartKind.Reasoning, null)]
    [InlineData("""{"type":"hologram"}""", ChatPartKind.Unknown, null)]
    public void Inputs_Media_IsDataOrWords(string part, ChatPartKind kind, string? url)
    {
        var read = Assert.Single(MessageReader.Inputs(Json($$"""{"messages":[{"role":"user","content":[{{part}}]}]}"""))![0].Parts);

        Assert.Equal((kind, url), (read.Kind, read.Url));
    }

    [Theory]
    [InlineData("""{"type":"web_search_call","status":"completed","action":{"type":"search","query":"weather"}}""", "Web search", "weather")]
    [InlineData("""{"type":"file_search_call","status":"failed","queries":["a","b"]}""", "File search, failed", "a, b")]
    [InlineData("""{"type":"code_interpreter_call","code":"print(1)","outputs":[{"type":"logs","logs":"1"}]}""", "Code interpreter", "~~~~python\nprint(1)\n~~~~")]
    [InlineData("""{"type":"mcp_call","server_label":"wiki","name":"ask","arguments":"{}","output":"yes"}""", "MCP server wiki", "ask({})\n\nyes")]
    [InlineData("""{"type":"local_shell_call","action":{"command":["ls","-l"]}}""", "Shell", "~~~~sh\nls -l\n~~~~")]
    public void Outputs_ToolsOfTheProvider_SayWhatTheyDid(string item, string name, string text)
    {
        var part = MessageReader.Outputs(Json($$"""{"output":[{{item}}]}"""))![0].Parts[0];

        Assert.Equal((ChatPartKind.BuiltIn, name, text), (part.Kind, part.Name, part.Text));
        Assert.NotNull(part.Json);
    }

    [Theory]
    [InlineData("""{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[{"type":"url_citation","url":"https://example.com/","title":"Example"}]}]}]}""", "https://example.com/")]
    [InlineData("""{"choices":[{"message":{"role":"assistant","content":"a","annotations":[{"type":"url_citation","url_citation":{"url":"javascript:alert(1)","title":"Example"}}]}}]}""", null)]
    public void Outputs_Citations_AreLinksToPages(string outputs, string? url)
    {
        var parts = MessageReader.Outputs(Json(outputs))![0].Parts;

        Assert.Equal([ChatPartKind.Text, ChatPartKind.Citation], parts.Select(part => part.Kind));
        Assert.Equal(("Example", url), (parts[1].Text, parts[1].Url));
    }

    [Fact]
    public void Inputs_GenAiParts_AreCallsAndResults()
    {
        var messages = MessageReader.Inputs(Json("""
            [{"role":"assistant","parts":[{"type":"text","content":"let me see"},{"type":"tool_call","id":"c1","name":"f","arguments":{"a":1}}]},
             {"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"42"}]}]
            """))!;

        Assert.Equal(("let me see", "f", """{"a":1}"""), (messages[0].Text, messages[0].Calls[0].Name, messages[0].Calls[0].Arguments));
        Assert.Equal(("c1", "42"), (messages[1].AnswersCallId, messages[1].Text));
    }

    [Theory]
    [InlineData("""{"steps":[{"n":1},{"n":"two"}],"kind":"b"}""", "steps[1].n: string given, schema says integer")]
    [InlineData("""{"steps":[],"kind":"c","more":1}""", "kind: not one of a, b; more: not in the schema")]
    [InlineData("""{"kind":"a"}""", "steps: required, not given")]
    [InlineData("""{"steps":[{"n":1}],"kind":"a","next":{"steps":[{"n":true}],"kind":"a"}}""", "next.steps[0].n: boolean given, schema says integer")]
    [InlineData("""{"steps":[{"n":1}],"kind":"a","next":null}""", "")]
    [InlineData("""[]""", "array given, schema says object")]
    public void Schema_AllLevels_AreChecked(string value, string problems)
    {
        var schema = Json("""
            {"type":"object","required":["steps","kind"],"additionalProperties":false,"$defs":{"Step":{"type":"object","properties":{"n":{"type":"integer"}}}},
             "properties":{"steps":{"type":"array","items":{"$ref":"#/$defs/Step"}},"kind":{"enum":["a","b"]},"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}
            """);

        Assert.Equal(problems, string.Join("; ", SchemaCheck.Problems(Json(value), schema).Select(problem => problem.Words)));
    }

    [Fact]
    public void Schema_ThatRefersToItself_Ends() => Assert.Empty(SchemaCheck.Problems(Json("1"), Json("""{"$ref":"#"}""")));

    [Theory]
    [InlineData("{\"population\":\"many\"}", "population: string given, schema says number")]
    [InlineData("no JSON", "the answer is not JSON")]
    [InlineData("{\"population\":14000000}", "")]
    public void StructuredOutput_Answer_IsHeldAgainstItsSchema(string answer, string problems)
    {
        var span = SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1, null,
            ("mlflow.spanInputs", new { messages = Array.Empty<object>(), response_format = new { type = "json_schema", json_schema = new { name = "city", schema = new { type = "object", properties = new { population = new { type = "number" } } } } } }),
            ("mlflow.spanOutputs", new { choices = new[] { new { message = new { role = "assistant", content = answer } } } }));

        var output = StructuredOutput.Of(new SpanView(span, SomeSpan.OriginNs))!;

        Assert.Equal(("city", problems), (output.Name, string.Join("; ", output.Problems.Select(problem => problem.Words))));
    }

    [Theory]
    [InlineData("mlflow.capture.mode", "metadata", null, "CaptureMode.Full")]
    [InlineData("gen_ai.system", "openai", "Experimental.Microsoft.Extensions.AI", "EnableSensitiveData = true")]
    [InlineData("gen_ai.system", "openai", "Microsoft.SemanticKernel.Diagnostics", "EnableOTelDiagnosticsSensitive")]
    [InlineData("gen_ai.system", "openai", "OpenAI.ChatClient", "Autolog")]
    [InlineData("gen_ai.system", "openai", "opentelemetry.instrumentation.openai_v2", "CAPTURE_MESSAGE_CONTENT=true")]
    public void ContentDoctor_NoContent_NamesTheLine(string attribute, string value, string? scope, string line)
    {
        var span = SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1, null, (attribute, value)) with { ScopeName = scope };

        Assert.Contains(line, ContentDoctor.Of(new SpanView(span, SomeSpan.OriginNs))!.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public void ContentDoctor_Content_SaysNothing() =>
        Assert.Null(ContentDoctor.Of(new SpanView(SomeSpan.Of(1, 0, "CHAT_MODEL", 0, 1, null, ("mlflow.spanInputs", "x"), ("mlflow.capture.mode", "metadata")), SomeSpan.OriginNs)));

    [Theory]
    [InlineData("   at A.B() in /src/My App/B.cs:line 12", "/src/My App/B.cs", 12, "vscode://file/src/My%20App/B.cs:12")]
    [InlineData("   at A.B() in C:\\src\\B.cs:line 12", "C:\\src\\B.cs", 12, "vscode://file/C:/src/B.cs:12")]
    [InlineData("  File \"/app/main.py\", line 7, in run", "/app/main.py", 7, "vscode://file/app/main.py:7")]
    [InlineData("    at run (/app/main.js:12:5)", "/app/main.js", 12, "vscode://file/app/main.js:12")]
    public void StackFrames_WithAFile_OpenInAnEditor(string stack, string file, int line, string url)
    {
        var frame = Assert.Single(StackFrames.Read(stack));

        Assert.Equal((file, line, true), (frame.File, frame.Line!.Value, frame.CanOpen));
        Assert.Equal(url, frame.CodeUrl);
    }

    [Theory]
    [InlineData("   at A.B() in B.cs:line 12")]
    [InlineData("   at A.B()")]
    [InlineData("   at A.B() in javascript:alert(1):line 12")]
    public void StackFrames_WithoutAPath_AreNoLinks(string stack) => Assert.False(Assert.Single(StackFrames.Read(stack)).CanOpen);

    [Fact]
    public void StackFrames_First_IsTheAppsOwn() =>
        Assert.Equal("at KiteAgent.Run()", StackFrames.First("   at System.Net.Http.X()\n   at OpenAI.Chat.Y()\n   at KiteAgent.Run()\n   at KiteAgent.Main()")!.Text);

    [Fact]
    public void RateLimit_ThreeHeaders_AreOneLine()
    {
        var limit = Assert.Single(RateLimit.Of([new("x-ratelimit-limit-tokens", "200000"), new("x-ratelimit-remaining-tokens", "197057"), new("x-ratelimit-reset-tokens", "12ms"), new("x-request-id", "r")]));

        Assert.Equal("197057 of 200000 tokens left, full again in 12ms", limit.Words);
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
