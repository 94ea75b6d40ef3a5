using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class CompletionsRecorderTests
{
    [Fact]
    public void Stream_SeveralChoices_AreOneCompletion()
    {
        var fields = Record(
            """
            data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[]}

            data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"index":1,"text":"x","logprobs":{"tokens":["x"],"token_logprobs":[-1],"text_offset":[0]},"finish_reason":null}]}

            data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null}]}

            data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"index":1,"text":"y","logprobs":{"tokens":["y"],"token_logprobs":[-2],"text_offset":[1]},"finish_reason":"length"},{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}

            data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4}}

            data: [DONE]


            """);

        const string Expected =
            """
            {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[
            {"index":0,"text":"a","logprobs":null,"finish_reason":"stop"},
            {"index":1,"text":"xy","logprobs":{"tokens":["x","y"],"token_logprobs":[-1,-2],"text_offset":[0,1]},"finish_reason":"length"}],
            "usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4}}
            """;
        var output = JsonNode.Parse(fields.Outputs.Json);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Expected), output), output?.ToJsonString());
        Assert.Equal("stop", fields.FinishReason);
        Assert.Equal("cmpl-1", fields.ResponseId);
        Assert.Equal(4, fields.Usage?.TotalTokens);
        Assert.NotNull(fields.FirstTokenNs);
        Assert.True(fields.IsStreamComplete);
    }

    [Fact]
    public void Stream_EveryRecorded_HasTheTextOfItsChunks()
    {
        var streams = RecordedEventStream.Of("completions");
        foreach (var stream in streams)
        {
            var chunks = ReferenceMerge.Chunks(Encoding.UTF8.GetString(stream.Body));
            var fields = Record(Encoding.UTF8.GetString(stream.Body));
            var output = JsonNode.Parse(fields.Outputs.Json)!;
            var choices = chunks.SelectMany(chunk => chunk["choices"] as JsonArray ?? []).GroupBy(choice => (int)choice!["index"]!).OrderBy(group => group.Key).ToList();

            Assert.Equal(choices.Select(c => string.Concat(c.Select(piece => (string?)piece!["text"]))), output["choices"]!.AsArray().Select(c => (string?)c!["text"]));
            Assert.Equal(choices.Select(c => c.Select(piece => (string?)piece!["finish_reason"]).LastOrDefault(r => r is not null)), output["choices"]!.AsArray().Select(c => (string?)c!["finish_reason"]));
            Assert.True(JsonNode.DeepEquals(ReferenceMerge.Usage(chunks), output["usage"]), stream.Id);
            Assert.DoesNotContain(output["choices"]!.AsArray(), choice => choice!["message"] is not null);
        }

        Assert.True(streams.Count > 20);
    }

    private static RecordedFields Record(string body)
    {
        var fields = new RecordedFields();
        ApiCatalog.Completions.Recorder.RecordStream(Encoding.UTF8.GetBytes(body), [new(0, 1)], fields);
        return fields;
    }
}
