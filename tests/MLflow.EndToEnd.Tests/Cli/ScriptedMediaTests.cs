using System.Buffers.Binary;
using System.ClientModel;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using MLflow.Cli.Demo.Scripted;
using OpenAI;
using OpenAI.Audio;
using OpenAI.Embeddings;
using OpenAI.Images;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>Vectors, pictures and sound of the scripted endpoint.</summary>
public sealed class ScriptedMediaTests : IAsyncLifetime
{
    private ScriptedOpenAI _endpoint = null!;
    private OpenAIClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _endpoint = await ScriptedOpenAI.StartAsync(cancellationToken: Token);
        _client = new OpenAIClient(new ApiKeyCredential(ScriptedOpenAI.ApiKey), new OpenAIClientOptions { Endpoint = _endpoint.Endpoint });
    }

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    [Fact]
    public async Task Embeddings_SeveralInputs_AreUnitVectorsNearWhenWordsAreShared()
    {
        OpenAIEmbeddingCollection answer = await _client.GetEmbeddingClient("text-embedding-3-small")
            .GenerateEmbeddingsAsync(["How fast would a glass of water freeze on Titan?", "How fast would a lake freeze on Titan?", "the capital of France"], cancellationToken: Token);
        var vectors = answer.Select(each => each.ToFloats().ToArray()).ToList();

        Assert.Equal([0, 1, 2], answer.Select(each => each.Index));
        Assert.All(vectors, vector => Assert.Equal(1536, vector.Length));
        Assert.All(vectors, vector => Assert.Equal(1, Product(vector, vector), 3));
        Assert.True(Product(vectors[0], vectors[1]) > Product(vectors[0], vectors[2]) + 0.2);
        Assert.True(answer.Usage.InputTokenCount > 10);
        Assert.Equal(answer.Usage.InputTokenCount, answer.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task Embeddings_FloatAndBase64_AreTheSameVector()
    {
        var numbers = (await PostJsonAsync("/embeddings", """{"model":"text-embedding-3-large","input":"Paris","dimensions":8}"""))["data"]![0]!["embedding"]!.AsArray().Select(number => number!.GetValue<float>()).ToArray();
        var bytes = Convert.FromBase64String((await PostJsonAsync("/embeddings", """{"model":"text-embedding-3-large","input":["Paris"],"dimensions":8,"encoding_format":"base64"}"""))["data"]![0]!["embedding"]!.GetValue<string>());

        Assert.Equal(8, numbers.Length);
        Assert.Equal(numbers, Enumerable.Range(0, 8).Select(i => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(i * 4))));
    }

    [Theory]
    [InlineData("[[1,2,3],[4]]", 2, 4)]
    [InlineData("[1,2,3]", 1, 3)]
    public async Task Embeddings_TokenNumbers_AreCounted(string input, int vectors, int tokens)
    {
        var answer = await PostJsonAsync("/embeddings", $$"""{"model":"text-embedding-ada-002","input":{{input}}}""");

        Assert.Equal(vectors, answer["data"]!.AsArray().Count);
        Assert.Equal(tokens, answer["usage"]!["prompt_tokens"]!.GetValue<int>());
    }

    [Theory]
    [InlineData("W1024xH1024", 1024, 1024, 272)]
    [InlineData("W1536xH1024", 1536, 1024, 400)]
    public async Task Images_OfEachSize_ArePngOfThatSize(string size, int width, int height, int tokens)
    {
        var options = new ImageGenerationOptions { Size = size == "W1024xH1024" ? GeneratedImageSize.W1024xH1024 : new GeneratedImageSize(width, height), Quality = new GeneratedImageQuality("low") };
        GeneratedImageCollection images = await _client.GetImageClient("gpt-image-1").GenerateImagesAsync("A moon above the sea", 2, options, Token);
        var png = images[0].ImageBytes.ToArray();

        Assert.Equal(2, images.Count);
        Assert.NotEqual(png, images[1].ImageBytes.ToArray());
        Assert.Equal((width, height), ReadPng(png));
        Assert.True(png.Length < 64 * 1024, $"{png.Length} bytes");
        Assert.Equal(2 * tokens, images.Usage.OutputTokenCount);
        Assert.Equal(images.Usage.InputTokenCount + images.Usage.OutputTokenCount, images.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task Speech_InWav_SaysItsOwnLengthAndIsWrittenDown()
    {
        BinaryData speech = await _client.GetAudioClient("gpt-4o-mini-tts").GenerateSpeechAsync(
            "Hello there, how are you?", GeneratedSpeechVoice.Nova, new SpeechGenerationOptions { ResponseFormat = GeneratedSpeechFormat.Wav }, Token);
        var wav = speech.ToArray();

        Assert.Equal("RIFF", Encoding.ASCII.GetString(wav, 0, 4));
        Assert.Equal(wav.Length - 8, BitConverter.ToInt32(wav, 4));
        Assert.Equal(wav.Length - 44, BitConverter.ToInt32(wav, 40));
        Assert.Contains(wav.Skip(44), value => value != 0);

        // Seven pieces of 60 milliseconds: five words and two marks.
        var listener = _client.GetAudioClient("whisper-1");
        AudioTranscription plain = await listener.TranscribeAudioAsync(speech.ToStream(), "hello.wav", cancellationToken: Token);
        AudioTranscription verbose = await listener.TranscribeAudioAsync(speech.ToStream(), "hello.wav", new AudioTranscriptionOptions { ResponseFormat = AudioTranscriptionFormat.Verbose }, Token);
        Assert.Equal($"I was given hello.wav, {wav.Length} bytes, 0.42 seconds of sound.", plain.Text);
        Assert.Equal(plain.Text, verbose.Text);
        Assert.Equal(0.42, verbose.Duration!.Value.TotalSeconds, 3);
        Assert.Equal(plain.Text, Assert.Single(verbose.Segments).Text.Trim());
    }

    [Fact]
    public async Task Speech_InPcm_IsTheSoundOfTheWav()
    {
        const string Request = """{"model":"tts-1","input":"Hello","voice":"alloy","response_format":"FORMAT"}""";
        using var pcm = await PostAsync("/audio/speech", Request.Replace("FORMAT", "pcm", StringComparison.Ordinal));
        using var wav = await PostAsync("/audio/speech", Request.Replace("FORMAT", "wav", StringComparison.Ordinal));

        Assert.Equal("audio/pcm", pcm.Content.Headers.ContentType?.MediaType);
        Assert.Equal("audio/wav", wav.Content.Headers.ContentType?.MediaType);
        Assert.Equal(await pcm.Content.ReadAsByteArrayAsync(Token), (await wav.Content.ReadAsByteArrayAsync(Token)).Skip(44));
    }

    [Fact]
    public async Task Transcription_InText_IsPlain()
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent([1, 2, 3]), "file", "noise.mp3" },
            { new StringContent("gpt-4o-transcribe"), "model" },
            { new StringContent("text"), "response_format" },
        };
        using var response = await SendAsync("/audio/transcriptions", form);

        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("I was given noise.mp3, 3 bytes.\n", await response.Content.ReadAsStringAsync(Token));
    }

    [Theory]
    [InlineData("model", 400, "model parameter")]
    [InlineData("file", 400, "'file'")]
    [InlineData("response_format=srt", 400, "'verbose_json'")]
    [InlineData("timestamp_granularities[]=word", 400, "'segment'")]
    public async Task Transcription_BadForm_AnswersOpenAIsError(string change, int status, string says)
    {
        using var form = new MultipartFormDataContent();
        if (change != "file")
        {
            form.Add(new ByteArrayContent([1, 2, 3]), "file", "noise.mp3");
        }

        if (change != "model")
        {
            form.Add(new StringContent("whisper-1"), "model");
        }

        if (change.Split('=') is [var name, var value])
        {
            form.Add(new StringContent(value), name);
        }

        using var response = await SendAsync("/audio/transcriptions", form);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(says, JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/embeddings", """{"model":"text-embedding-3-small","input":["prompt"],"dimensions":-42}""", "-42 is less than the minimum of 1 - 'dimensions'")]
    [InlineData("/embeddings", """{"model":"text-embedding-3-small","input":"x","dimensions":1537}""", "1536")]
    [InlineData("/embeddings", """{"model":"text-embedding-3-small","input":["x",""]}""", "input")]
    [InlineData("/embeddings", """{"model":"text-embedding-3-small"}""", "'input'")]
    [InlineData("/embeddings", """{"model":"text-embedding-3-small","input":"x","encoding_format":"int8"}""", "'base64'")]
    [InlineData("/images/generations", """{"model":"gpt-image-1","prompt":"x","output_format":"webp"}""", "'png'")]
    [InlineData("/images/generations", """{"model":"gpt-image-1","prompt":"x","size":"1x1"}""", "'1024x1024'")]
    [InlineData("/images/generations", """{"model":"gpt-image-1","prompt":"x","n":99}""", "'n'")]
    [InlineData("/images/generations", """{"model":"gpt-image-1","prompt":"x","response_format":"b64_json"}""", "Unknown parameter: 'response_format'.")]
    [InlineData("/audio/speech", """{"model":"tts-1","input":"x","voice":"alloy"}""", "'wav', 'pcm'")]
    [InlineData("/audio/speech", """{"model":"tts-1","input":"x","voice":"nobody","response_format":"wav"}""", "'alloy'")]
    [InlineData("/audio/speech", """{"model":"tts-1","input":"x","voice":"alloy","response_format":"wav","speed":9}""", "'speed'")]
    [InlineData("/audio/transcriptions", "{}", "multipart")]
    public async Task Post_BadRequest_SaysWhatCanBeDone(string path, string body, string says)
    {
        using var response = await PostAsync(path, body);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!["error"]!;

        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal("invalid_request_error", error["type"]!.GetValue<string>());
        Assert.Contains(says, error["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    private static float Product(float[] a, float[] b) => a.Zip(b, (x, y) => x * y).Sum();

    /// <summary>Checks the file as a reader does: each chunk by its checksum, and as many pixels as the header says.</summary>
    private static (int Width, int Height) ReadPng(byte[] png)
    {
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], png[..8]);
        var types = new List<string>();
        var (width, height) = (0, 0);
        for (var at = 8; at < png.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            var data = png.AsSpan(at + 8, length);
            types.Add(Encoding.ASCII.GetString(png, at + 4, 4));
            Assert.Equal(Crc32(png.AsSpan(at + 4, 4 + length)), BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at + 8 + length)));
            if (types[^1] == "IHDR")
            {
                (width, height) = (BinaryPrimitives.ReadInt32BigEndian(data), BinaryPrimitives.ReadInt32BigEndian(data[4..]));
            }

            if (types[^1] == "IDAT")
            {
                using var zlib = new ZLibStream(new MemoryStream(data.ToArray()), CompressionMode.Decompress);
                using var pixels = new MemoryStream();
                zlib.CopyTo(pixels);
                Assert.Equal((width + 1) * height, pixels.Length);
            }

            at += 12 + length;
        }

        Assert.Equal(["IHDR", "PLTE", "IDAT", "IEND"], types);
        return (width, height);
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        var table = Enumerable.Range(0, 256).Select(i => Enumerable.Range(0, 8).Aggregate((uint)i, (c, _) => (c & 1) == 1 ? 0xEDB88320 ^ (c >> 1) : c >> 1)).ToArray();
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = table[(crc ^ value) & 0xFF] ^ (crc >> 8);
        }

        return ~crc;
    }

    private async Task<JsonNode> PostJsonAsync(string path, string body)
    {
        using var response = await PostAsync(path, body);
        response.EnsureSuccessStatusCode();
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!;
    }

    private async Task<HttpResponseMessage> PostAsync(string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        return await SendAsync(path, content);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, HttpContent content)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint.Endpoint + path) { Content = content };
        request.Headers.Authorization = new("Bearer", ScriptedOpenAI.ApiKey);
        return await http.SendAsync(request, Token);
    }
}
