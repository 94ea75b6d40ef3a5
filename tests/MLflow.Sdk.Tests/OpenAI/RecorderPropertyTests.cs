using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>What holds for every recorder of the catalogue, whatever comes and in whatever pieces.</summary>
public sealed class RecorderPropertyTests : CaptureTestBase
{
    private static readonly string[] ContentTypes =
    [
        "application/json", "application/json; charset=utf-8", "text/event-stream", "text/plain", "audio/mpeg", "image/png", "application/octet-stream",
        "multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=\"", "application/x-www-form-urlencoded", ";", "",
    ];

    private static readonly IRecorder[] Recorders = [.. ApiCatalog.All.Append(ApiCatalog.Other).Select(operation => operation.Recorder).Distinct()];

    /// <summary>Text with characters of one to four bytes.</summary>
    private static readonly Gen<string> GenText = Gen.OneOf(Gen.Char['a', 'z'].Select(c => c.ToString()), Gen.OneOf("é", "—", "東京", "😀", "\"", "\\", "\n", "")).Array[0, 6].Select(string.Concat);

    /// <summary>A stream of each family: its path and its body.</summary>
    private static readonly Gen<(string Path, byte[] Body)> GenStream = Gen.Select(GenText.Array[1, 12], Gen.Int[0, 6], Gen.Bool, Gen.OneOf("\n", "\r\n", "\r"), Write);

    [Fact]
    public void Stream_AnyMarks_GiveTheSameFields() => Gen.Select(GenStream, Gen.Int[1, 40], Gen.Int).Sample(
        (stream, piece, seed) =>
        {
            var recorder = ApiCatalog.Find("POST", stream.Path)!.Recorder;
            var marks = new List<BodyMark>();
            var random = new Random(seed);
            for (var at = 0; at < stream.Body.Length; at += random.Next(1, piece + 1))
            {
                marks.Add(new BodyMark(at, 1000 + marks.Count));
            }

            var whole = new RecordedFields();
            recorder.RecordStream(stream.Body, [new BodyMark(0, 1)], whole);
            var pieces = new RecordedFields();
            recorder.RecordStream(stream.Body, marks.ToArray(), pieces);
            Assert.Equal(Describe(whole), Describe(pieces));
            var times = pieces.Chunks!.ToEvents().Select(e => e.TimeNs).ToList();
            Assert.Equal(times.Order(), times);
            Assert.All(times, time => Assert.InRange(time, 1000, 1000 + marks.Count));
        },
        iter: 2000);

    [Fact]
    public void Stream_Generated_AgreesWithTheReference() => GenStream.Sample(
        stream =>
        {
            var operation = Families.Single(family => family.Path == stream.Path).Operation;
            var fields = new RecordedFields();
            ApiCatalog.Find("POST", stream.Path)!.Recorder.RecordStream(stream.Body, [], fields);
            var events = StreamEvent.Read(Encoding.UTF8.GetString(stream.Body)).Where(e => e.Data != "[DONE]").ToList();
            var expected = StreamReference.Merge(operation, events);
            var actual = JsonNode.Parse(fields.Outputs.Json);
            Assert.True(JsonNode.DeepEquals(expected, actual), $"expected {expected?.ToJsonString()}\nactual   {actual?.ToJsonString()}");
            Assert.Equal(events.Count, fields.Chunks!.Total);
        },
        iter: 2000);

    [Fact]
    public async Task Stream_AnyPiecesOverTheWire_GiveTheSameSpan()
    {
        var streams = new List<(string Path, byte[] Body)>();
        Gen.Select(GenStream.Array[40], Gen.Const(0)).Sample(generated => streams = [.. generated.Item1], iter: 1);
        streams.AddRange(Recorded().Where(stream => stream.Body.Length < 20_000).GroupBy(stream => stream.Path).SelectMany(group => group.Take(4)));
        var pieces = new Random(7);
        Capture.Configure(new OpenAIAutologOptions { Media = MediaCapture.Whole });
        await using var server = await LoopbackServer.StartAsync(async (context, count) =>
        {
            var body = streams[int.Parse(context.Request.Headers["x-stream"]!, System.Globalization.CultureInfo.InvariantCulture)].Body;
            context.Response.ContentType = "text/event-stream";
            for (var (at, size) = (0, 0); at < body.Length; at += size)
            {
                lock (pieces)
                {
                    size = pieces.Next(1, Math.Max(16, body.Length / 16));
                }

                await context.Response.Body.WriteAsync(body.AsMemory(at, Math.Min(size, body.Length - at)));
                await context.Response.Body.FlushAsync();
            }
        });
        using var client = new HttpClient();
        for (var i = 0; i < streams.Count; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.Address.GetLeftPart(UriPartial.Authority) + streams[i].Path)) { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
            request.Headers.UserAgent.ParseAdd("OpenAI/2.0");
            request.Headers.Add("x-stream", i.ToString(System.Globalization.CultureInfo.InvariantCulture));
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
            await using var content = await response.Content.ReadAsStreamAsync(Token);
            using var received = new MemoryStream();
            var buffer = new byte[pieces.Next(1, 700)];
            for (int read; (read = await content.ReadAsync(buffer, Token)) > 0;)
            {
                received.Write(buffer, 0, read);
            }

            Assert.Equal(streams[i].Body, received.ToArray());
        }

        var spans = await SpansAsync();
        Assert.Equal(streams.Count, spans.Count);
        foreach (var (span, (path, body)) in spans.Zip(streams))
        {
            var whole = new RecordedFields();
            ApiCatalog.Find("POST", path)!.Recorder.RecordStream(new RecordedBody(body, "text/event-stream"), [], whole);
            Assert.Equal(TextOf(whole.Outputs), TextOf(span.Attribute(AttributeNames.Outputs)));
            Assert.Equal(
                whole.Chunks?.ToEvents().Select(e => e.Text(AttributeNames.ChunkValue)) ?? [],
                span.Chunks?.ToEvents().Select(e => e.Text(AttributeNames.ChunkValue)) ?? []);
            Assert.Equal(whole.Usage?.TotalTokens is not null, span.Has(AttributeNames.TokenUsage));
        }
    }

    [Fact]
    public void Recorder_AnyTruncationOfARecordedBody_DoesNotThrow()
    {
        var bodies = Recorded(streamsOnly: false);
        Gen.Select(Gen.Int[0, bodies.Count - 1], Gen.Double[0, 1], Gen.OneOf(ContentTypes), Gen.Int[0, Recorders.Length - 1]).Sample(
            (index, part, type, other) =>
            {
                var (path, body) = bodies[index];
                var cut = body.AsSpan(0, (int)(body.Length * part)).ToArray();
                Feed(ApiCatalog.Find("POST", path)?.Recorder ?? ApiCatalog.Other.Recorder, cut, type, body.Length);
                Feed(Recorders[other], cut, type, body.Length);
            },
            iter: 5000);
    }

    [Fact]
    public void Recorder_RecordedBodyWithNoise_DoesNotThrow()
    {
        var bodies = Recorded(streamsOnly: false).Where(body => body.Body.Length < 50_000).ToList();
        Gen.Select(Gen.Int[0, bodies.Count - 1], Gen.Select(Gen.Double[0, 1], Gen.Byte).Array[1, 8], Gen.OneOf(ContentTypes), Gen.Int[0, Recorders.Length - 1]).Sample(
            (index, noise, type, other) =>
            {
                var (path, body) = bodies[index];
                var changed = body.ToArray();
                foreach (var (at, value) in noise)
                {
                    changed[(int)(at * (changed.Length - 1))] = value;
                }

                Feed(ApiCatalog.Find("POST", path)?.Recorder ?? ApiCatalog.Other.Recorder, changed, type, changed.Length);
                Feed(Recorders[other], changed, type, changed.Length);
            },
            iter: 5000);
    }

    [Fact]
    public void Recorder_AnyBytesOfAnyType_DoesNotThrow()
    {
        var genToken = Gen.OneOf(
            Gen.OneOf(
                "data: ", "event: response.output_text.delta", "event: thread.message.delta", "\n", "\n\n", "\r\n", "[DONE]", "{", "}", "[", "]", ",", ":", "null", "true", "1e999", "-", "\"", "\\ud83d",
                "\"type\":", "\"response.completed\"", "\"response\":", "\"delta\":", "\"choices\":", "\"index\":", "\"usage\":", "\"data\":", "\"error\":", "\"object\":", "\"thread.run\"", "\"id\":",
                "\"output_index\":99999999", "\"content_index\":-1", "\"audio\":", "\"b64_json\":\"", "--x", "--x--", "Content-Disposition: form-data; name=\"a[b]\"", "; filename=\"", "Content-Type: image/png").Select(Encoding.UTF8.GetBytes),
            Gen.Byte.Array[0, 6],
            GenText.Select(Encoding.UTF8.GetBytes));
        Gen.Select(genToken.Array[0, 60], Gen.OneOf(ContentTypes)).Sample(
            (tokens, type) =>
            {
                byte[] body = [.. tokens.SelectMany(token => token)];
                foreach (var recorder in Recorders)
                {
                    Feed(recorder, body, type, body.Length);
                }
            },
            iter: 5000);
    }

    [Theory]
    [InlineData("""{"\ud800":1,"messages":[],"type":"\udc00","choices":[{"\ud800":1,"finish_reason":"\udfff","delta":{"\ud800":"x"}}],"error":{"\ud800":1,"type":"\ud800"}}""")]
    [InlineData("""data: {"type":"\udc00","\ud800":1,"choices":[{"index":0,"finish_reason":"\udfff","delta":{"\ud800":"x","tool_calls":[{"\ud800":1,"index":0}]}}]}""")]
    public void Recorder_HalfACharacterWhereNamesAndTypesStand_DoesNotThrow(string body)
    {
        foreach (var recorder in Recorders)
        {
            Feed(recorder, Encoding.UTF8.GetBytes(body + "\n\n"), body[0] == '{' ? "application/json" : "text/event-stream", body.Length);
        }
    }

    private static readonly (string Path, string Operation)[] Families =
    [
        ("/v1/chat/completions", "createChatCompletion"), ("/v1/responses", "createResponse"), ("/v1/completions", "createCompletion"), ("/v1/audio/speech", "createSpeech"),
        ("/v1/audio/transcriptions", "createTranscription"), ("/v1/images/generations", "createImage"), ("/v1/threads/runs", "createThreadAndRun"),
    ];

    private static void Feed(IRecorder recorder, byte[] body, string type, long totalBytes)
    {
        var fields = new RecordedFields();
        recorder.RecordRequest(new RecordedBody(body, type.Length == 0 ? null : type, totalBytes), fields);
        recorder.RecordResponse(new RecordedBody(body, type.Length == 0 ? null : type, totalBytes), fields);
        recorder.RecordStream(new RecordedBody(body, type.Length == 0 ? null : type, totalBytes), [new BodyMark(0, 1), new BodyMark(body.Length / 2, 2)], new RecordedFields());
        foreach (var value in new[] { fields.Inputs, fields.Outputs }.Where(value => value.Kind == AttributeValueKind.Json))
        {
            // What is called JSON is JSON to those who read the trace.
            Assert.True(JsonText.IsJson(value.Json));
        }
    }

    /// <summary>A stream of the family with the texts as its pieces.</summary>
    private static (string Path, byte[] Body) Write(string[] texts, int family, bool hasUsage, string lineEnd)
    {
        var body = new StringBuilder();
        var all = string.Concat(texts);
        switch (Families[family].Path)
        {
            case "/v1/chat/completions":
                Array.ForEach(texts, text => Add(null, $$$"""{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":{{{Json(text)}}}}}]}"""));
                Add(null, """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""");
                AddWhen(hasUsage, null, """{"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}""");
                break;
            case "/v1/responses":
                var item = $$$"""{"id":"m","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":{{{Json(all)}}},"annotations":[]}]}""";
                Add("response.created", """{"type":"response.created","response":{"id":"r","object":"response","status":"in_progress","output":[]}}""");
                Array.ForEach(texts, text => Add("response.output_text.delta", $$$"""{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":{{{Json(text)}}}}"""));
                Add("response.output_item.done", $$$"""{"type":"response.output_item.done","output_index":0,"item":{{{item}}}}""");
                AddWhen(hasUsage, "response.completed", $$$"""{"type":"response.completed","response":{"id":"r","object":"response","status":"completed","output":[{{{item}}}],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3} }}""");
                break;
            case "/v1/completions":
                Array.ForEach(texts, text => Add(null, $$$"""{"id":"c","object":"text_completion","choices":[{"index":0,"text":{{{Json(text)}}},"finish_reason":null}]}"""));
                Add(null, """{"id":"c","object":"text_completion","choices":[{"index":0,"text":"","finish_reason":"stop"}]}""");
                break;
            case "/v1/audio/speech":
                Array.ForEach(texts, text => Add(null, $$$"""{"type":"speech.audio.delta","audio":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes("x" + text))}}}"}"""));
                Add(null, """{"type":"speech.audio.done","usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}""");
                break;
            case "/v1/audio/transcriptions":
                Array.ForEach(texts, text => Add(null, $$$"""{"type":"transcript.text.delta","delta":{{{Json(text)}}}}"""));
                Add(null, $$$"""{"type":"transcript.text.done","text":{{{Json(all)}}}{{{(hasUsage ? ",\"usage\":{\"type\":\"tokens\",\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3}" : "")}}}}""");
                break;
            case "/v1/images/generations":
                Array.ForEach(texts, text => Add("image_generation.partial_image", $$$"""{"type":"image_generation.partial_image","partial_image_index":0,"b64_json":"AAAA"}"""));
                Add("image_generation.completed", """{"type":"image_generation.completed","b64_json":"AAAB","created_at":5,"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}""");
                break;
            default:
                Add("thread.run.created", """{"id":"run","object":"thread.run","thread_id":"t","status":"queued","usage":null}""");
                Array.ForEach(texts, text => Add("thread.message.delta", $$$"""{"id":"m","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":{"value":{{{Json(text)}}}}}]}}"""));
                Add("thread.message.completed", $$$"""{"id":"m","object":"thread.message","content":[{"type":"text","text":{"value":{{{Json(all)}}},"annotations":[]}}]}""");
                Add("thread.run.completed", """{"id":"run","object":"thread.run","thread_id":"t","status":"completed","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}""");
                break;
        }

        body.Append("data: [DONE]").Append(lineEnd).Append(lineEnd);
        return (Families[family].Path, Encoding.UTF8.GetBytes(body.ToString()));

        void AddWhen(bool condition, string? name, string data)
        {
            if (condition)
            {
                Add(name, data);
            }
        }

        void Add(string? name, string data)
        {
            if (name is not null)
            {
                body.Append("event: ").Append(name).Append(lineEnd);
            }

            body.Append("data: ").Append(data).Append(lineEnd).Append(lineEnd);
        }
    }

    private static string Json(string text) => JsonValue.Create(text).ToJsonString(SharedFolder.AsText);

    /// <summary>Recorded bodies of every family: streams, or all responses and requests.</summary>
    private static List<(string Path, byte[] Body)> Recorded(bool streamsOnly = true)
    {
        var recordings = Recording.LoadAll();
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        var bodies = recordings!.Where(recording => recording is { Status: < 400, Method: "POST" } && (!streamsOnly || recording.IsEventStream))
            .Select(recording => (recording.Url.AbsolutePath, recording.ResponseBody));
        var requests = streamsOnly ? [] : recordings!.Where(recording => recording.RequestBody is { Length: > 0 }).Select(recording => (recording.Url.AbsolutePath, recording.RequestBody!));
        return [.. bodies.Concat(requests).Where(body => body.Item2.Length > 0)];
    }

    private static string Describe(RecordedFields fields) => string.Join('\n',
        new[] { TextOf(fields.Outputs), $"{fields.Usage}", fields.FinishReason, fields.ResponseModel, $"{fields.Error}", $"{fields.IsStreamComplete}", $"{fields.SawDone}" }
            .Concat(fields.Chunks!.ToEvents().Select(e => e.Name + e.Text(AttributeNames.ChunkValue))));

    private static string TextOf(AttributeValue value) => value.Kind switch
    {
        AttributeValueKind.Json => Encoding.UTF8.GetString(value.Json),
        AttributeValueKind.String => value.String,
        _ => "",
    };
}
