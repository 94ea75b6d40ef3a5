using MLflow.Server.Storage.Sql;
using MLflow.Server.Traces;
using Xunit;

namespace MLflow.Server.Tests.Storage.Sql;

public sealed class SearchedTextTests
{
    private static readonly string[] Keys = ["a", "mlflow.spanInputs", "quote\"d", "東京", "m", "n"];

    private static readonly string[] Values =
    [
        "null", "true", "-1.5e3", "\"\"", "\"two words\"", "\"\\u6771\\u4eac \\ud83d\\ude00 \\\"q\\\" \\n\"", "[]", "{}", "[1,[2,{\"k\":[\"v\",null]}],\"w\"]",
        "{\"a\":{\"b\":{}},\"c\":\"d\",\"e\":[false]}", " { \"spaced\" : [ 1 , 2 ] } ",
    ];

    [Fact]
    public void Read_AnySpan_IsWhatSearchesRead()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var text = new SearchedText();
        for (var i = 0; i < 500; i++)
        {
            var sent = SomeTrace.Span(SomeTrace.NewOtelId(), 1, name: $"name {random.Next(3)}") with
            {
                StatusMessage = random.Next(2) == 0 ? null : "message",
                Attributes = Attributes(),
                Events = [.. Enumerable.Range(0, random.Next(3)).Select(n => new SpanEventRecord($"event {n}", n, Attributes()))],
                Links = random.Next(2) == 0 ? [] : [new SpanLinkRecord(new string('a', 32), SomeTrace.SpanId(2), Attributes())],
                Resource = Attributes(),
                ScopeName = "scope",
                ScopeAttributes = Attributes(),
                Kind = "CLIENT",
                TraceState = "a=b",
            };
            var mapped = random.Next(2) == 0 ? [] : Attributes();
            var span = mapped.Count == 0 ? sent : sent with { Mapped = mapped, Sent = sent, StatusMessage = "mapped", Status = SpanStatus.Error };
            var (codec, payload) = SpanPayload.Encode([span])[0];
            var columns = span with { Attributes = [], Events = [], Mapped = [], Sent = null };

            var read = text.Read(columns, PayloadFrame.Json(codec, payload, null)).ToString();

            Assert.True(new SpanContent(SpanPayload.Decode(columns, codec, payload, null)).Text == read, $"seed {seed}: {read}");
        }

        List<KeyValuePair<string, string>> Attributes() =>
            [.. Keys.Where(_ => random.Next(2) == 0).Select(key => KeyValuePair.Create(key, random.Next(20) == 0 ? $"\"{new string('x', 9000)}\"" : Values[random.Next(Values.Length)]))];
    }

    [Fact]
    public void Read_ArchivedSpan_HasItsColumns() => Assert.Equal("span\n\n", new SearchedText().Read(SomeTrace.Span(SomeTrace.NewOtelId(), 1), []).ToString());
}
