using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Chunks that are like the one before go another way than the rest: what is recorded must not tell.</summary>
public sealed partial class ChunkTemplateTests
{
    private static readonly Gen<string> GenString = Gen.OneOf("\"\"", "\"a\"", "\" word\"", "\"東京\"", "\"\\n\"", "\"\\\"\"", "\"\\\\\"", "\"\\ud83d\"", "\"\\ude00\"", "\"a\\u0041\"", "\"get_\"", "\"data: \"");

    private static readonly Gen<string> GenOther = Gen.OneOf("null", "1", "true", "[]", "{}", "[1]", "{\"a\":1}", "[{\"type\":\"text\",\"text\":\"p\"}]", "[{\"index\":0,\"function\":{\"arguments\":\"x\"}}]");

    private static readonly Gen<string> GenValue = Gen.Frequency((6, GenString), (2, GenOther));

    private static readonly Gen<string> GenDelta = Members(
        Gen.Frequency(
            (8, Gen.Const("content")),
            (1, Gen.OneOf("role", "name", "id", "type", "refusal", "reasoning_content", "tool_calls", "annotations", "audio", "n", "con\\u0074ent"))),
        GenValue);

    private static readonly Gen<string> GenChoice = Gen.Select(
        Gen.Frequency((6, Gen.Const("\"index\":0,")), (1, Gen.OneOf("", "\"index\":1,", "\"index\":\"0\",", "\"ind\\u0065x\":1,"))),
        GenDelta,
        Gen.Frequency((4, Gen.Const(",\"logprobs\":null,\"finish_reason\":null")), (3, Members(Gen.OneOf("logprobs", "finish_reason", "text", "token_ids", "message", "delta", "x"), GenValue).Select(m => m == "{}" ? "" : "," + m[1..^1]))),
        (index, delta, rest) => $"{{{index}\"delta\":{delta}{rest}}}");

    private static readonly Gen<string> GenChunk = Gen.Select(
        Gen.Frequency((6, Gen.Const("\"id\":\"c\",\"model\":\"m\"")), (2, Members(Gen.OneOf("id", "model", "created", "usage", "error", "object", "obfuscation"), GenValue).Select(m => m == "{}" ? "\"id\":\"c\"" : m[1..^1]))),
        Gen.Frequency((8, GenChoice.Select(choice => $"[{choice}]")), (1, GenChoice.Array[0, 2].Select(choices => $"[{string.Join(',', choices)}]")), (1, GenOther)),
        Gen.Frequency((5, Gen.Const("")), (2, GenString.Select(padding => ",\"obfuscation\":" + padding)), (1, Gen.Const(",\"obfuscation\":7"))),
        Gen.Frequency((12, Gen.Const("}")), (1, Gen.OneOf("", "}}", "} x"))),
        (top, choices, padding, end) => $"{{{top},\"choices\":{choices}{padding}{end}");

    /// <summary>Runs of chunks that differ in a few characters at most.</summary>
    private static readonly Gen<string[]> GenChunks = Gen.Select(GenChunk, GenString.Array[1, 4], Alike).Array[1, 6].Select(runs => runs.SelectMany(run => run).ToArray());

    [Fact]
    public void Stream_OfChunksAlike_IsMergedAsOneOfChunksThatDiffer() => GenChunks.Sample(
        chunks =>
        {
            // A blank more between members says nothing, and makes a chunk unlike the one before.
            var unlike = chunks.Select((chunk, i) => i % 2 == 0 ? chunk : chunk.Replace(",\"choices\":", ", \"choices\":", StringComparison.Ordinal));
            var expected = Record(unlike);
            var actual = Record(chunks);
            Assert.Equal(Describe(expected), Describe(actual));
        },
        iter: 20_000);

    [Theory]
    [InlineData("\"a\"", true)]
    [InlineData("\"\"", true)]
    [InlineData("\"\\n\\u00e9\\\"\"", true)]
    [InlineData("\"東京\"", true)]
    [InlineData("\"\\x\"", false)]
    [InlineData("\"\\u12\"", false)]
    [InlineData("\"\\u12g4\"", false)]
    [InlineData("\"\t\"", false)]
    [InlineData("\"a\" ", false)]
    [InlineData("\"a", false)]
    [InlineData("\"\\", false)]
    [InlineData("null", false)]
    public void Append_TextOfAChunkAlike_IsTakenWhereItIsJson(string text, bool isTaken)
    {
        var merge = new ChatChoiceMerge(0);
        var template = new ChunkTemplate();
        Assert.True(template.TryLearn(Encoding.UTF8.GetBytes(Chunk("\"x\""))));
        template.Bind(_ => merge);

        Assert.Equal(isTaken, template.TryAppend(Encoding.UTF8.GetBytes(Chunk(text)), out var hasContent));
        Assert.Equal(isTaken && text.Length > 2, hasContent);
        Assert.True(template.TryAppend(Encoding.UTF8.GetBytes(Chunk("\"y\"")), out _));
    }

    private static string Chunk(string content) => $$"""{"id":"c","choices":[{"index":0,"delta":{"content":{{content}}},"finish_reason":null}],"obfuscation":"p"}""";

    private static Gen<string> Members(Gen<string> name, Gen<string> value) =>
        Gen.Select(name, value, (n, v) => $"\"{n}\":{v}").Array[0, 3].Select(members => "{" + string.Join(',', members) + "}");

    /// <summary>The chunk, and again with other texts.</summary>
    private static IEnumerable<string> Alike(string chunk, string[] texts) =>
        texts.Select(text => Content().Replace(chunk, _ => "\"content\":" + text)).Prepend(chunk).Append(chunk);

    [GeneratedRegex("""
        "content":"(?:[^"\\]|\\.)*"
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Content();

    private static RecordedFields Record(IEnumerable<string> chunks)
    {
        var fields = new RecordedFields();
        new ChatCompletionsRecorder().RecordStream(Encoding.UTF8.GetBytes(string.Concat(chunks.Select(chunk => $"data: {chunk}\n\n")) + "data: [DONE]\n\n"), [], fields);
        return fields;
    }

    private static string Describe(RecordedFields fields) => string.Join(
        '\n',
        fields.Outputs.Kind == AttributeValueKind.Json ? Encoding.UTF8.GetString(fields.Outputs.Json) : fields.Outputs.Kind == AttributeValueKind.String ? fields.Outputs.String.Replace(", \"choices\":", ",\"choices\":", StringComparison.Ordinal) : "",
        fields.FinishReason,
        fields.ResponseId,
        fields.ResponseModel,
        fields.Error,
        fields.IsStreamComplete,
        fields.FirstTokenNs is null,
        fields.Chunks?.Total);
}
