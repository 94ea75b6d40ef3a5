using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>The recorder over every recorded response, without HTTP.</summary>
public sealed class RecordedResponsesTests
{
    private static readonly string[] Terminal = ["response.completed", "response.failed", "response.incomplete"];

    [Fact]
    public void Stream_EveryRecorded_GivesTheResponseOfItsLastEvent()
    {
        var streams = RecordedEventStream.OfResponses();
        foreach (var stream in streams)
        {
            var events = Events(stream);
            if (Terminal.Contains((string?)events[^1]["type"]))
            {
                var fields = Record(stream.Body);
                var response = events[^1]["response"]!;
                Assert.True(JsonNode.DeepEquals(response, JsonNode.Parse(fields.Outputs.Json)), stream.Id);
                Assert.True(fields.IsStreamComplete, stream.Id);
                Assert.Equal((string?)response["id"], fields.ResponseId);
                Assert.Equal((string?)response["model"], fields.ResponseModel);
                Assert.Equal((string?)response["incomplete_details"]?["reason"] ?? (string?)response["status"], fields.FinishReason);
                Assert.Equal((long?)response["usage"]?["total_tokens"], fields.Usage?.TotalTokens);
                Assert.Equal((string?)response["error"]?["message"], fields.Error?.Message);
                Assert.Equal(response["output"]!.AsArray().Count > 0, fields.FirstTokenNs is not null);
            }
        }

        Assert.True(streams.Count > 60);
    }

    [Fact]
    public void Stream_WithoutItsLastEvent_GivesTheSameOutput()
    {
        var compared = 0;
        var different = new List<string>();
        foreach (var stream in RecordedEventStream.OfResponses())
        {
            var events = Events(stream);
            if (!Terminal.Contains((string?)events[^1]["type"]))
            {
                continue;
            }

            var fields = Record(Body(events[..^1]));
            var expected = events[^1]["response"]!["output"]!.AsArray();
            var actual = JsonNode.Parse(fields.Outputs.Json)!["output"]!.AsArray();
            compared++;
            Assert.False(fields.IsStreamComplete);
            if (!JsonNode.DeepEquals(WithoutEncrypted(expected), WithoutEncrypted(actual)))
            {
                different.Add($"{stream.Id}\n  expected {expected?.ToJsonString()}\n  actual   {actual?.ToJsonString()}");
            }
        }

        Assert.True(different.Count == 0, string.Join('\n', different));
        Assert.True(compared > 60);
    }

    [Fact]
    public void Stream_CutBehindAnyEvent_AgreesWithTheReference()
    {
        var compared = 0;
        var different = new List<string>();
        foreach (var stream in RecordedEventStream.OfResponses())
        {
            var events = Events(stream).TakeWhile(e => !Terminal.Contains((string?)e["type"]) && (string?)e["type"] != "error").ToList();

            // Long runs of text are cut less often.
            var step = Math.Max(1, events.Count / 100);
            for (var count = 1; count <= events.Count; count += step)
            {
                var expected = ReferenceResponse.Output(events[..count]);
                var actual = JsonNode.Parse(Record(Body(events[..count])).Outputs.Json)!["output"]!;
                compared++;
                if (!JsonNode.DeepEquals(expected, actual))
                {
                    different.Add($"{stream.Id} cut behind {count} of {events.Count}: {events[count - 1].ToJsonString()}\n  expected {expected.ToJsonString()}\n  actual   {actual.ToJsonString()}");
                    break;
                }
            }
        }

        Assert.True(different.Count == 0, string.Join('\n', different));
        Assert.True(compared > 1000);
    }

    [Fact]
    public void Stream_EveryRecordedCutAnywhere_DoesNotThrowAndStaysJson()
    {
        foreach (var stream in RecordedEventStream.OfResponses())
        {
            for (var length = 0; length < stream.Body.Length; length += 1 + (stream.Body.Length / 60))
            {
                var fields = Record(stream.Body[..length]);
                if (fields.Outputs.Kind == AttributeValueKind.Json)
                {
                    JsonNode.Parse(fields.Outputs.Json);
                }

                Assert.False(fields.IsStreamComplete && length < stream.Body.Length * 0.5, stream.Id);
            }
        }
    }

    [Fact]
    public void Exchange_EveryRecorded_KeepsRequestAndResponse()
    {
        var recordings = Recording.LoadAll("responses");
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        foreach (var recording in recordings!)
        {
            var recorder = ApiCatalog.Find(recording.Method, recording.Url.AbsolutePath)!.Recorder;
            var fields = new RecordedFields();
            if (recording.RequestBody is { } request)
            {
                recorder.RecordRequest(request, fields);
                Assert.True(request.AsSpan().SequenceEqual(fields.Inputs.Json), recording.Id);
                Assert.Equal((string?)JsonNode.Parse(request)!["model"], fields.RequestModel);
            }

            if (!recording.IsEventStream && recording.ResponseBody.Length > 0)
            {
                recorder.RecordResponse(recording.ResponseBody, fields);
                Assert.True(recording.ResponseBody.AsSpan().SequenceEqual(fields.Outputs.Json), recording.Id);
                var response = JsonNode.Parse(recording.ResponseBody)!;
                Assert.Equal((string?)response["model"], fields.ResponseModel);
                Assert.Equal((string?)response["id"], fields.ResponseId);
            }
        }

        Assert.True(recordings.Count > 500);
    }

    /// <summary>
    /// The one difference: the server encrypts the same content anew for its last event, so that the texts differ; <c>encrypted_content</c> of reasoning and
    /// of compactions, <c>fingerprint</c> of programs.
    /// </summary>
    private static JsonArray WithoutEncrypted(JsonArray output)
    {
        var copy = output.DeepClone().AsArray();
        foreach (var item in copy.OfType<JsonObject>())
        {
            foreach (var name in new[] { "encrypted_content", "fingerprint" }.Where(name => item[name] is not null))
            {
                item[name] = "encrypted";
            }
        }

        return copy;
    }

    private static List<JsonObject> Events(RecordedEventStream stream) => ReferenceMerge.Chunks(Encoding.UTF8.GetString(stream.Body));

    private static byte[] Body(IEnumerable<JsonObject> events) =>
        Encoding.UTF8.GetBytes(string.Concat(events.Select(e => $"event: {(string?)e["type"]}\ndata: {e.ToJsonString()}\n\n")));

    private static RecordedFields Record(byte[] body)
    {
        var fields = new RecordedFields();
        new ResponsesRecorder().RecordStream(body, [new(0, 1)], fields);
        return fields;
    }
}
