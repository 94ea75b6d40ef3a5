using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Recorders of images, audio, vectors, moderation and runs, without HTTP.</summary>
public sealed class MediaRecorderTests
{
    [Fact]
    public void Images_Streamed_AreTheAnswerThatIsNotStreamed()
    {
        var fields = Stream(
            "images.generate",
            """{"type":"image_generation.partial_image","b64_json":"AAAA","created_at":5,"size":"1024x1024","partial_image_index":0}""",
            """{"type":"image_generation.partial_image","b64_json":"AAAB","created_at":5,"size":"1024x1024","partial_image_index":1}""",
            """{"type":"image_generation.completed","b64_json":"AAAC","created_at":6,"size":"1024x1024","quality":"high","background":"transparent","output_format":"png","usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}""");

        AssertOutputs(
            """{"created":6,"size":"1024x1024","quality":"high","background":"transparent","output_format":"png","usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}},"data":[{"b64_json":"AAAC"}]}""",
            fields);
        Assert.Equal(2, Attribute(fields, AttributeNames.PartialImageCount).Int64);
        Assert.Equal(1, Attribute(fields, AttributeNames.ImageCount).Int64);
        Assert.True(fields.IsStreamComplete);
        Assert.Equal(3, fields.Chunks!.Total);
    }

    [Fact]
    public void Images_StreamCutBeforeTheImage_GiveTheLastPartialOne()
    {
        var fields = Stream(
            "images.edit",
            """{"type":"image_edit.partial_image","b64_json":"AAAA","created_at":5,"partial_image_index":0}""",
            """{"type":"image_edit.partial_image","b64_json":"AAAB","created_at":5,"partial_image_index":1}""");

        AssertOutputs("""{"created":5,"data":[{"b64_json":"AAAB"}]}""", fields);
        Assert.False(fields.IsStreamComplete);
    }

    [Fact]
    public void Images_StreamThatFails_TellsTheError()
    {
        var fields = Stream("images.generate", """{"type":"error","error":{"type":"image_generation_server_error","code":"moderation_blocked","message":"Blocked."}}""");

        Assert.Equal("Blocked.", fields.Error?.Message);
        Assert.False(fields.IsStreamComplete);
    }

    [Fact]
    public void Speech_Streamed_IsTheAudioInOrder()
    {
        var fields = Stream(
            "audio.speech.create",
            """{"type":"speech.audio.delta","audio":"SUQz"}""",
            """{"type":"speech.audio.delta","audio":"AQ=="}""",
            """{"type":"speech.audio.delta","audio":"AgM="}""",
            """{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}""");

        byte[] audio = [.. "ID3"u8, 1, 2, 3];
        AssertOutputs(
            $$$"""{"content_type":"audio/mpeg","size_bytes":6,"sha256":"{{{Hash(audio)}}}","data":"{{{Convert.ToBase64String(audio)}}}","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}""",
            fields);
        Assert.True(fields.IsStreamComplete);
    }

    [Fact]
    public void Transcription_Streamed_IsTheAnswerThatIsNotStreamed()
    {
        var fields = Stream(
            "audio.transcriptions.create",
            """{"type":"transcript.text.delta","delta":"Hel","logprobs":[{"token":"Hel","logprob":-0.1}]}""",
            """{"type":"transcript.text.delta","delta":"lo","logprobs":[{"token":"lo","logprob":-0.2}]}""",
            """{"type":"transcript.text.segment","id":"seg_0","start":0.0,"end":1.5,"text":"Hello","speaker":"A"}""",
            """{"type":"transcript.text.done","text":"Hello","usage":{"type":"duration","seconds":2}}""");

        AssertOutputs(
            """{"text":"Hello","logprobs":[{"token":"Hel","logprob":-0.1},{"token":"lo","logprob":-0.2}],"segments":[{"type":"transcript.text.segment","id":"seg_0","start":0.0,"end":1.5,"text":"Hello","speaker":"A"}],"usage":{"type":"duration","seconds":2}}""",
            fields);
        Assert.Equal(2, Attribute(fields, AttributeNames.AudioDuration).Double);
        Assert.Null(fields.Usage);
        Assert.True(fields.IsStreamComplete);
    }

    [Fact]
    public void Run_Streamed_IsTheRunWithItsStepsAndMessages()
    {
        var fields = Events(
            "beta.threads.runs.create",
            ("thread.created", """{"id":"thread_1","object":"thread"}"""),
            ("thread.run.created", """{"id":"run_1","object":"thread.run","thread_id":"thread_1","status":"queued","usage":null}"""),
            ("thread.run.step.created", """{"id":"step_1","object":"thread.run.step","status":"in_progress","step_details":{"type":"tool_calls","tool_calls":[]}}"""),
            ("thread.run.step.delta", """{"id":"step_1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"call_1","type":"code_interpreter","code_interpreter":{"input":"1","outputs":[]}}]}}}"""),
            ("thread.run.step.delta", """{"id":"step_1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"type":"code_interpreter","code_interpreter":{"input":"+1","outputs":[{"index":0,"type":"logs","logs":"2"}]}}]}}}"""),
            ("thread.message.created", """{"id":"msg_1","object":"thread.message","status":"in_progress","content":[]}"""),
            ("thread.message.delta", """{"id":"msg_1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":{"value":"Hi","annotations":[]}}]}}"""),
            ("thread.message.delta", """{"id":"msg_1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":{"value":" you","annotations":[{"index":0,"type":"file_citation","text":"[1]"}]}}]}}"""),
            ("thread.run.completed", """{"id":"run_1","object":"thread.run","thread_id":"thread_1","status":"completed","model":"gpt-4o","usage":{"prompt_tokens":20,"completion_tokens":11,"total_tokens":31}}"""),
            ("done", "[DONE]"));

        AssertOutputs(
            """{"id":"run_1","object":"thread.run","thread_id":"thread_1","status":"completed","model":"gpt-4o","usage":{"prompt_tokens":20,"completion_tokens":11,"total_tokens":31},"thread":{"id":"thread_1","object":"thread"},"steps":[{"id":"step_1","object":"thread.run.step","status":"in_progress","step_details":{"type":"tool_calls","tool_calls":[{"id":"call_1","type":"code_interpreter","code_interpreter":{"input":"1+1","outputs":[{"type":"logs","logs":"2"}]}}]}}],"messages":[{"id":"msg_1","object":"thread.message","status":"in_progress","content":[{"type":"text","text":{"value":"Hi you","annotations":[{"type":"file_citation","text":"[1]"}]}}]}]}""",
            fields);
        Assert.Equal(31, fields.Usage?.TotalTokens);
        Assert.Equal("completed", fields.FinishReason);
        Assert.Equal("thread_1", fields.Session);
        Assert.True(fields.SawDone);
    }

    [Theory]
    [InlineData("error", """{"code":"server_error","message":"Broken."}""")]
    [InlineData("error", """{"error":{"code":"server_error","message":"Broken."}}""")]
    [InlineData("thread.run.failed", """{"id":"run_1","object":"thread.run","status":"failed","last_error":{"code":"server_error","message":"Broken."}}""")]
    public void Run_StreamThatFails_TellsTheError(string eventName, string data)
    {
        var fields = Events("beta.threads.runs.create", (eventName, data));

        Assert.Equal(("Broken.", "server_error"), (fields.Error?.Message, fields.Error?.Code));
    }

    [Fact]
    public void Runs_EveryRecordedStream_EndsAsTheServerSaid()
    {
        var streams = Load("assistants").Where(recording => recording.IsEventStream).ToList();
        foreach (var recording in streams)
        {
            var fields = new RecordedFields();
            Operation("beta.threads.runs.create").Recorder.RecordStream(recording.ResponseBody, [], fields);

            var run = JsonNode.Parse(fields.Outputs.Json)!;
            Assert.Equal("thread.run", (string?)run["object"]);
            Assert.True(fields.IsStreamComplete, recording.Id);
            Assert.NotEmpty(run["messages"]!.AsArray());
            Assert.All(run["messages"]!.AsArray(), message => Assert.NotEqual("", (string?)message!["content"]![0]!["text"]!["value"]));
            Assert.NotEmpty(run["steps"]!.AsArray());
            for (var length = 0; length < recording.ResponseBody.Length; length += 211)
            {
                Operation("beta.threads.runs.create").Recorder.RecordStream(recording.ResponseBody.AsSpan(0, length), [], new RecordedFields());
            }
        }

        Assert.NotEmpty(streams);
    }

    [Fact]
    public void Transcriptions_EveryRecordedStream_GiveTheTextOfTheirEnd()
    {
        var streams = Load("audio.transcriptions").Where(recording => recording.IsEventStream).ToList();
        foreach (var recording in streams)
        {
            var done = Encoding.UTF8.GetString(recording.ResponseBody).Split('\n').Last(line => line.Contains("transcript.text.done", StringComparison.Ordinal))["data: ".Length..];
            var fields = new RecordedFields();
            Operation("audio.transcriptions.create").Recorder.RecordStream(recording.ResponseBody, [], fields);

            Assert.Equal((string?)JsonNode.Parse(done)!["text"], (string?)JsonNode.Parse(fields.Outputs.Json)!["text"]);
            Assert.True(fields.IsStreamComplete);
        }

        Assert.Equal(2, streams.Count);
    }

    [Fact]
    public void Speech_EveryRecordedAnswer_IsKeptWithItsHash()
    {
        var recordings = Load("audio.speech").Where(recording => !recording.IsEventStream).ToList();
        foreach (var recording in recordings)
        {
            var fields = new RecordedFields();
            Operation("audio.speech.create").Recorder.RecordResponse(new RecordedBody(recording.ResponseBody, recording.ContentType), fields);

            AssertOutputs(
                $$$"""{"content_type":"{{{recording.ContentType}}}","size_bytes":{{{recording.ResponseBody.Length}}},"sha256":"{{{Hash(recording.ResponseBody)}}}","data":"{{{Convert.ToBase64String(recording.ResponseBody)}}}"}""",
                fields);
        }

        Assert.NotEmpty(recordings);
    }

    [Fact]
    public void Embeddings_EveryRecordedAnswer_TellsCountAndDimensions()
    {
        var answers = Load("embeddings").Where(recording => recording.Status == 200).ToList();
        foreach (var recording in answers)
        {
            var fields = new RecordedFields();
            ApiCatalog.Embeddings.Recorder.RecordResponse(new RecordedBody(recording.ResponseBody, recording.ContentType), fields);

            var data = JsonNode.Parse(recording.ResponseBody)!["data"]!.AsArray();
            Assert.Equal(data.Count, Attribute(fields, AttributeNames.EmbeddingCount).Int64);
            Assert.InRange(Attribute(fields, AttributeNames.EmbeddingDimensions).Int64, 1, 4096);
        }

        Assert.NotEmpty(answers);
    }

    [Fact]
    public void Moderations_EveryRecordedAnswer_TellsWhetherOneWasFlagged()
    {
        var answers = Load("moderations").Where(recording => recording.Status == 200).ToList();
        var flagged = 0;
        foreach (var recording in answers)
        {
            var fields = new RecordedFields();
            Operation("moderations.create").Recorder.RecordResponse(new RecordedBody(recording.ResponseBody, recording.ContentType), fields);

            var isFlagged = JsonNode.Parse(recording.ResponseBody)!["results"]!.AsArray().Any(result => (bool)result!["flagged"]!);
            Assert.Equal(isFlagged, Attribute(fields, AttributeNames.ModerationFlagged).Boolean);
            flagged += isFlagged ? 1 : 0;
        }

        Assert.InRange(flagged, 1, answers.Count - 1);
    }

    [Theory]
    [InlineData("application/octet-stream", "{\"a\":1}\n{\"a\":2}\n", "text")]
    [InlineData("application/jsonl", "{\"a\":1}\n", "text")]
    [InlineData("video/mp4", "\0\0\0 ftypisom", "data")]
    [InlineData("application/pdf", "%PDF-1.7\0", "data")]
    public void Binary_Answer_IsTextWhereItCanBe(string contentType, string body, string field)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var fields = new RecordedFields();

        Operation("files.content").Recorder.RecordResponse(new RecordedBody(bytes, contentType), fields);

        var output = JsonNode.Parse(fields.Outputs.Json)!;
        Assert.Equal(field == "text" ? body : Convert.ToBase64String(bytes), (string?)output[field]);
        Assert.Equal(Hash(bytes), (string?)output["sha256"]);
        Assert.Equal(4, output.AsObject().Count);
    }

    [Fact]
    public void Binary_AnswerThatWasCut_HasNoHash()
    {
        var fields = new RecordedFields { Limits = new StreamLimits(1, 1, TrimsMedia: true) };

        Operation("audio.speech.create").Recorder.RecordResponse(new RecordedBody(new byte[50_000], "audio/pcm", 70_000), fields);

        var output = JsonNode.Parse(fields.Outputs.Json)!;
        Assert.Null(output["sha256"]);
        Assert.Equal(70_000, (int?)output["size_bytes"]);
        Assert.Equal(new TrimmedMedia("outputs.data", "audio/pcm", 70_000, null), Assert.Single(fields.Media));
    }

    [Theory]
    [InlineData("text/plain; charset=utf-8", "Hello.\n")]
    [InlineData("application/x-subrip", "1\n00:00:00,000 --> 00:00:01,000\nHello.\n")]
    [InlineData("text/vtt", "WEBVTT\n")]
    [InlineData("application/sdp", "v=0\r\n")]
    public void Text_Answer_IsText(string contentType, string body)
    {
        var fields = new RecordedFields();

        Operation("audio.transcriptions.create").Recorder.RecordResponse(new RecordedBody(Encoding.UTF8.GetBytes(body), contentType), fields);

        Assert.Equal(body, fields.Outputs.String);
    }

    [Fact]
    public void Chunks_WithLargeImages_AreShortened()
    {
        var image = Convert.ToBase64String(new byte[90_000]);
        var fields = new RecordedFields { Limits = new StreamLimits(100, 1 << 20, TrimsMedia: true) };
        var body = Encoding.UTF8.GetBytes($$"""data: {"type":"image_generation.completed","b64_json":"{{image}}","created_at":1}""" + "\n\n");

        Operation("images.generate").Recorder.RecordStream(body, [], fields);

        var chunk = Encoding.UTF8.GetString(fields.Chunks!.DataOf(fields.Chunks[0]));
        Assert.Equal($$"""{"type":"image_generation.completed","b64_json":"{{image[..MediaTrimmer.KeptTextBytes]}}","created_at":1}""", chunk);
    }

    private static ApiOperation Operation(string name) => ApiCatalog.All.Single(operation => operation.Name == name);

    private static RecordedFields Stream(string operation, params string[] events) => Events(operation, [.. events.Select(data => ("", data))]);

    private static RecordedFields Events(string operation, params (string Name, string Data)[] events)
    {
        var body = string.Concat(events.Select(e => (e.Name.Length == 0 ? "" : $"event: {e.Name}\n") + $"data: {e.Data}\n\n"));
        var fields = new RecordedFields();
        Operation(operation).Recorder.RecordStream(Encoding.UTF8.GetBytes(body), [], fields);
        return fields;
    }

    private static AttributeValue Attribute(RecordedFields fields, string name) => fields.Attributes.Single(attribute => attribute.Key == name).Value;

    private static void AssertOutputs(string expected, RecordedFields fields)
    {
        var actual = Encoding.UTF8.GetString(fields.Outputs.Json);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual)), $"expected {expected}\nactual   {actual}");
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static IReadOnlyList<Recording> Load(string api)
    {
        var recordings = Recording.LoadAll(api);
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        return recordings!;
    }
}
