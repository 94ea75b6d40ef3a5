using System.ClientModel;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using OpenAI;
using OpenAI.Audio;
using OpenAI.Files;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Calls of the other APIs over a socket, by the package's clients and by plain HttpClient.</summary>
public sealed class MediaCaptureTests : CaptureTestBase
{
    private static readonly byte[] Audio = Random(200_000);

    [Theory]
    [InlineData(false, "Speech")]
    [InlineData(true, "AsyncSpeech")]
    public async Task Speech_LargeAnswer_IsKeptAsABeginningWithItsHash(bool isAsync, string name)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Bytes(context, "audio/mpeg", Audio));
        var client = OpenAI(server).GetAudioClient("gpt-4o-mini-tts");

        BinaryData answer = isAsync
            ? await client.GenerateSpeechAsync("Hello", GeneratedSpeechVoice.Alloy, cancellationToken: Token)
            : client.GenerateSpeech("Hello", GeneratedSpeechVoice.Alloy, cancellationToken: Token);

        Assert.Equal(Audio, answer.ToArray());
        var span = await SingleSpanAsync();
        Assert.Equal((name, SpanType.Tool, "gpt-4o-mini-tts"), (span.Name, span.SpanType, span.Text(AttributeNames.Model)));
        AssertJson(
            $$"""{"content_type":"audio/mpeg","size_bytes":200000,"sha256":"{{Hash(Audio)}}","data":"{{Convert.ToBase64String(Audio, 0, 3072)}}"}""",
            span.Attribute(AttributeNames.Outputs));
        AssertJson($$"""[{"path":"outputs.data","content_type":"audio/mpeg","size_bytes":200000,"sha256":"{{Hash(Audio)}}"}]""", span.Attribute(AttributeNames.Media));
        Assert.False(span.Has(AttributeNames.CaptureNote));
        Assert.Equal(0, Capture.Budget.Held);
    }

    [Fact]
    public async Task Speech_KeptWhole_HasAllBytes()
    {
        Capture.Configure(new OpenAIAutologOptions { Media = MediaCapture.Whole });
        await using var server = await LoopbackServer.StartAsync((context, _) => Bytes(context, "audio/mpeg", Audio));

        await OpenAI(server).GetAudioClient("tts-1").GenerateSpeechAsync("Hello", GeneratedSpeechVoice.Alloy, cancellationToken: Token);

        var span = await SingleSpanAsync();
        Assert.Equal(Audio, Convert.FromBase64String((string)Json(span, AttributeNames.Outputs)["data"]!));
        Assert.False(span.Has(AttributeNames.Media));
    }

    [Fact]
    public async Task Transcription_LargeUpload_KeepsItsFieldsAndArrivesUnchanged()
    {
        Capture.Configure(new OpenAIAutologOptions { MaxCaptureBytes = 100_000 });
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, """{"text":"Hello.","usage":{"type":"tokens","input_tokens":14,"output_tokens":3,"total_tokens":17}}"""));
        using var audio = new MemoryStream(Audio);

        AudioTranscription answer = await OpenAI(server).GetAudioClient("gpt-4o-transcribe").TranscribeAudioAsync(audio, "a.wav", new AudioTranscriptionOptions { Language = "en" }, Token);

        Assert.Equal("Hello.", answer.Text);
        Assert.True(server.Bodies.Single().AsSpan().IndexOf(Audio) > 0);
        var span = await SingleSpanAsync();
        Assert.Equal(("AsyncTranscriptions", "gpt-4o-transcribe", "en"), (span.Name, span.Text(AttributeNames.Model), span.Text("language")));
        var file = Json(span, AttributeNames.Inputs)["file"]!;
        Assert.Equal(("a.wav", 200_000, Hash(Audio)), ((string?)file["filename"], (int?)file["size_bytes"], (string?)file["sha256"]));
        Assert.Equal(17, span.Usage?.TotalTokens);
        Assert.Equal("inputs.file.data", (string?)JsonNode.Parse(span.Attribute(AttributeNames.Media).Json)![0]!["path"]);
        Assert.False(span.Has(AttributeNames.CaptureNote));
    }

    [Fact]
    public async Task Upload_OfJsonLines_IsKeptAsText()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, """{"id":"file-1","object":"file","bytes":8,"created_at":1,"filename":"in.jsonl","purpose":"batch","status":"processed"}"""));
        using var lines = new MemoryStream("{\"a\":1}\n"u8.ToArray());

        await OpenAI(server).GetOpenAIFileClient().UploadFileAsync(lines, "in.jsonl", FileUploadPurpose.Batch, Token);

        var span = await SingleSpanAsync();
        Assert.Equal("Files.create", span.Name);
        Assert.Equal("batch", span.Text("purpose"));
        Assert.Equal("{\"a\":1}\n", (string?)Json(span, AttributeNames.Inputs)["file"]!["text"]);
    }

    [Fact]
    public async Task Image_Generated_IsATool()
    {
        var image = Convert.ToBase64String([0x89, .. "PNG"u8, .. Audio]);
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(
            context, $$$$"""{"created":1,"data":[{"b64_json":"{{{{image}}}}","revised_prompt":"A stop sign."}],"usage":{"input_tokens":12,"output_tokens":1056,"total_tokens":1068,"input_tokens_details":{"text_tokens":12,"image_tokens":0}}}"""));

        await OpenAI(server).GetImageClient("gpt-image-1").GenerateImageAsync("A stop sign.", cancellationToken: Token);

        var span = await SingleSpanAsync();
        Assert.Equal(("AsyncImages", SpanType.Tool), (span.Name, span.SpanType));
        Assert.Equal("A stop sign.", (string?)Json(span, AttributeNames.Outputs)["data"]![0]!["revised_prompt"]);
        Assert.Equal(image[..MediaTrimmer.KeptTextBytes], (string?)Json(span, AttributeNames.Outputs)["data"]![0]!["b64_json"]);
        var media = JsonNode.Parse(span.Attribute(AttributeNames.Media).Json)![0]!;
        Assert.Equal(("outputs.data[0].b64_json", "image/png", 200_004), ((string?)media["path"], (string?)media["content_type"], (int?)media["size_bytes"]));
        Assert.Equal(1, span.Attribute(AttributeNames.ImageCount).Int64);
        Assert.Equal(1068, span.Usage?.TotalTokens);
    }

    [Fact]
    public async Task Embedding_LongVector_KeepsItsFirstNumbers()
    {
        var vector = string.Join(',', Enumerable.Range(0, 512).Select(i => "0.5"));
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(
            context, $$$"""{"object":"list","data":[{"object":"embedding","index":0,"embedding":[{{{vector}}}]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":5,"total_tokens":5}}"""));
        using var http = new HttpClient();

        using var response = await http.PostAsync(new Uri(server.Address, "/v1/embeddings"), Content("""{"model":"text-embedding-3-small","input":["x"]}"""), Token);

        var span = await SingleSpanAsync();
        Assert.Equal(SpanType.Embedding, span.SpanType);
        Assert.Equal(8, Json(span, AttributeNames.Outputs)["data"]![0]!["embedding"]!.AsArray().Count);
        Assert.Equal(512, span.Attribute(AttributeNames.EmbeddingDimensions).Int64);
        Assert.Equal(512, (int?)JsonNode.Parse(span.Attribute(AttributeNames.Media).Json)![0]!["dimensions"]);
    }

    [Fact]
    public async Task Moderation_Flagged_IsAGuardrailThatSaysSo()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(
            context, """{"id":"modr-1","model":"omni-moderation-latest","results":[{"flagged":false,"categories":{},"category_scores":{}},{"flagged":true,"categories":{},"category_scores":{}}]}"""));

        await OpenAI(server).GetModerationClient("omni-moderation-latest").ClassifyTextAsync(["a", "b"], Token);

        var span = await SingleSpanAsync();
        Assert.Equal(("AsyncModerations", SpanType.Guardrail), (span.Name, span.SpanType));
        Assert.True(span.Attribute(AttributeNames.ModerationFlagged).Boolean);
    }

    [Fact]
    public async Task PlainHttpClient_Calls_AreSeenAndOtherTrafficIsNot()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, """{"object":"list","data":[]}"""));
        using var http = new HttpClient();
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("app", "1.0"));

        await http.GetStringAsync(new Uri(server.Address, "/v1/models"), Token);
        await http.GetStringAsync(new Uri(server.Address, "/v1/files/f/content"), Token);
        (await http.PostAsync(new Uri(server.Address, "/api/moderations"), Content("{}"), Token)).Dispose();
        Assert.Empty(await SpansAsync());

        (await http.PostAsync(new Uri(server.Address, "/serving-endpoints/llama/invocations"), Content("""{"messages":[{"role":"user","content":"x"}]}"""), Token)).Dispose();
        http.DefaultRequestHeaders.UserAgent.Clear();
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("OpenAI", "2.15.0"));
        await http.GetStringAsync(new Uri(server.Address, "/v1/vector_stores/vs_1/files?limit=2"), Token);

        var spans = await SpansAsync();
        Assert.Equal(["AsyncCompletions", "Files.list"], spans.Select(span => span.Name));
        Assert.Equal(("databricks", "llama"), (spans[0].Text(AttributeNames.Provider), spans[0].Text(AttributeNames.Model)));
        AssertJson("""{"vector_store_id":"vs_1","limit":"2"}""", spans[1].Attribute(AttributeNames.Inputs));
    }

    [Fact]
    public async Task Hosts_IncludedAndExcluded_AreFollowed()
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => Json(context, """{"object":"list","data":[]}"""));
        using var http = new HttpClient();
        var options = new OpenAIAutologOptions();
        options.IncludedHosts.Add($"127.0.0.1:{server.Address.Port}");
        options.ExcludedPaths.Add("*/embeddings");
        Capture.Configure(options);

        await http.GetStringAsync(new Uri(server.Address, "/v1/models"), Token);
        (await http.PostAsync(new Uri(server.Address, "/v1/embeddings"), Content("{}"), Token)).Dispose();

        Assert.Equal("Models.list", (await SingleSpanAsync()).Name);
    }

    private static OpenAIClient OpenAI(LoopbackServer server) =>
        new(new ApiKeyCredential("sk-test"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1") });

    private static StringContent Content(string json) => new(json, Encoding.UTF8, "application/json");

    private static JsonNode Json(LiveSpan span, string key) => JsonNode.Parse(span.Attribute(key).Json)!;

    private static async Task Bytes(HttpContext context, string contentType, byte[] body)
    {
        context.Response.ContentType = contentType;
        await context.Response.Body.WriteAsync(body);
    }

    private static byte[] Random(int count)
    {
        var bytes = new byte[count];
        new Random(5).NextBytes(bytes);
        return bytes;
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
