using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>The recorder over every recorded chat completion, without HTTP.</summary>
public sealed class RecordedChatTests
{
    [Fact]
    public void Recorder_EveryRecordedStream_AgreesWithTheReferenceMerge()
    {
        var streams = Load().Where(recording => recording.IsEventStream).ToList();
        var disagreed = new List<string>();
        foreach (var recording in streams)
        {
            var fields = new RecordedFields();
            new ChatCompletionsRecorder().RecordStream(recording.ResponseBody, [], fields);
            var chunks = ReferenceMerge.Chunks(Encoding.UTF8.GetString(recording.ResponseBody));
            var expected = ReferenceMerge.Merge(chunks);
            var actual = JsonNode.Parse(fields.Outputs.Json);
            if (!JsonNode.DeepEquals(expected, actual) || (fields.Chunks?.Total ?? 0) != chunks.Count || !UsageAgrees(fields.Usage, ReferenceMerge.Usage(chunks)))
            {
                disagreed.Add($"{recording.Id}: {(fields.Chunks?.Total ?? 0)} of {chunks.Count} chunks\n  expected {expected.ToJsonString()}\n  actual   {actual?.ToJsonString()}");
            }
        }

        Xunit.TestContext.Current.TestOutputHelper?.WriteLine($"{streams.Count} streams, {streams.Count - disagreed.Count} agreed");
        Assert.True(disagreed.Count == 0, string.Join('\n', disagreed));
        Assert.NotEmpty(streams);
    }

    [Fact]
    public void Recorder_EveryRecordedStreamCutAnywhere_DoesNotThrow()
    {
        foreach (var recording in Load().Where(recording => recording.IsEventStream))
        {
            for (var length = 0; length < recording.ResponseBody.Length; length += 97)
            {
                var fields = new RecordedFields();
                new ChatCompletionsRecorder().RecordStream(recording.ResponseBody.AsSpan(0, length), [], fields);
                Assert.True((fields.Chunks?.Total ?? 0) * 2 <= length + 2);
            }
        }
    }

    [Fact]
    public void Recorder_EveryRecordedExchange_KeepsRequestAndResponse()
    {
        var exchanges = Load();
        foreach (var recording in exchanges)
        {
            var fields = new RecordedFields();
            if (recording.RequestBody is { } request)
            {
                new ChatCompletionsRecorder().RecordRequest(request, fields);
                Assert.Equal(AttributeValueKind.Json, fields.Inputs.Kind);
                Assert.True(request.AsSpan().SequenceEqual(fields.Inputs.Json), recording.Id);
                Assert.Equal(JsonNode.Parse(request)!["model"]?.GetValue<string>(), fields.RequestModel);
            }

            if (!recording.IsEventStream)
            {
                new ChatCompletionsRecorder().RecordResponse(recording.ResponseBody, fields);
                Assert.True(recording.ResponseBody.AsSpan().SequenceEqual(fields.Outputs.Json), recording.Id);
                Assert.True(UsageAgrees(fields.Usage, (JsonNode.Parse(recording.ResponseBody) as JsonObject)?["usage"]), recording.Id);
            }
        }

        Assert.NotEmpty(exchanges);
    }

    private static bool UsageAgrees(TokenUsage? actual, JsonNode? recorded) =>
        actual?.InputTokens == (long?)recorded?["prompt_tokens"]
        && actual?.OutputTokens == (long?)recorded?["completion_tokens"]
        && actual?.TotalTokens == (long?)recorded?["total_tokens"];

    private static IReadOnlyList<Recording> Load()
    {
        var recordings = Recording.LoadAll("chat.completions");
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        return recordings!;
    }
}
