using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Extensions.Tests.Clients;

/// <summary>Clients for embeddings, images and speech.</summary>
public sealed class TracedGeneratorTests : ModelTestBase
{
    [Fact]
    public async Task Embedding_Made_IsASpanWithItsVectors()
    {
        using var generator = new TracedEmbeddingGenerator<string, Embedding<float>>(new Embeddings(), Tracer);

        await generator.GenerateAsync(["東京", "Paris"], new EmbeddingGenerationOptions { Dimensions = 2 }, Token);

        var span = Assert.Single(await SpansAsync());
        Assert.Equal("embeddings embed-1", span.Name);
        Assert.Equal(SpanType.Embedding, span.SpanType);
        Assert.Equal("in-memory", span.Text(AttributeNames.Provider));
        Assert.Equal("""{"input":["東京","Paris"],"dimensions":2}""", Json(span, AttributeNames.Inputs));
        Assert.Equal([0.5f, 0.25f], Node(span, AttributeNames.Outputs)["data"]![1]!["embedding"]!.AsArray().Select(n => (float)n!));
        Assert.Equal(4, span.Usage!.Value.TotalTokens);
    }

    [Fact]
    public async Task Embedding_OverOpenAI_IsOneSpan()
    {
        Autolog();
        using var generator = new TracedEmbeddingGenerator<string, Embedding<float>>(
            new OpenAI.OpenAIClient(new System.ClientModel.ApiKeyCredential("sk-test"), new OpenAI.OpenAIClientOptions { Endpoint = new Uri(Server.Address, "/v1") })
                .GetEmbeddingClient("text-embedding-3-small").AsIEmbeddingGenerator(),
            Tracer);

        await generator.GenerateAsync(["x"], cancellationToken: Token);

        var span = Assert.Single(await SpansAsync());
        Assert.Equal("AsyncEmbeddings", span.Name);
        Assert.Equal(200, span.Attribute(AttributeNames.HttpStatus).Int64);
    }

    [Fact]
    public async Task Embedding_Failing_IsAnError()
    {
        using var generator = new TracedEmbeddingGenerator<string, Embedding<float>>(new Embeddings(), Tracer);

        await Assert.ThrowsAsync<InvalidOperationException>(() => generator.GenerateAsync([], cancellationToken: Token));

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("nothing to embed", span.Exception().Text(AttributeNames.ExceptionMessage));
    }

    [Fact]
    public async Task Image_Generated_IsASpanWithoutTheImage()
    {
        using var generator = new TracedImageGenerator(new Images(), Tracer);

        await generator.GenerateAsync(new ImageGenerationRequest("a cat"), new ImageGenerationOptions { Count = 1, ImageSize = new System.Drawing.Size(64, 32) }, Token);

        var span = Assert.Single(await SpansAsync());
        Assert.Equal("a cat", (string?)Node(span, AttributeNames.Inputs)["prompt"]);
        Assert.Equal("64x32", span.Text("size"));
        Assert.Equal("""{"data":[{"type":"data","media_type":"image/png","bytes":3}]}""", Json(span, AttributeNames.Outputs));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Speech_Transcribed_IsASpanWithItsText(bool streams)
    {
        using var client = new TracedSpeechToTextClient(new Transcriber(), Tracer);
        using var sound = new MemoryStream([1, 2]);
        var options = new SpeechToTextOptions { ModelId = "ears-1", SpeechLanguage = "ja" };

        if (streams)
        {
            await foreach (var update in client.GetStreamingTextAsync(sound, options, Token))
            {
            }
        }
        else
        {
            await client.GetTextAsync(sound, options, Token);
        }

        var span = Assert.Single(await SpansAsync());
        Assert.Equal("transcription ears-1", span.Name);
        Assert.Equal("ja", (string?)Node(span, AttributeNames.Inputs)["language"]);
        Assert.Equal("hello there", (string?)Node(span, AttributeNames.Outputs)["text"]);
        Assert.Equal(streams, span.Has(AttributeNames.ChunkCount));
        Assert.Equal(0, sound.Position);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Text_Spoken_IsASpanWithTheSizeOfTheSound(bool streams)
    {
        using var client = new TracedTextToSpeechClient(new Speaker(), Tracer);
        var options = new TextToSpeechOptions { ModelId = "mouth-1", VoiceId = "alloy" };

        if (streams)
        {
            await foreach (var update in client.GetStreamingAudioAsync("hello", options, Token))
            {
            }
        }
        else
        {
            await client.GetAudioAsync("hello", options, Token);
        }

        var span = Assert.Single(await SpansAsync());
        Assert.Equal("speech mouth-1", span.Name);
        Assert.Equal("hello", (string?)Node(span, AttributeNames.Inputs)["input"]);
        Assert.Equal("alloy", span.Text("voice"));
        Assert.Equal(4, (int?)Node(span, AttributeNames.Outputs)["contents"]![0]!["bytes"]);
    }

    [Fact]
    public void Builders_WithTracing_PutItIntoEveryPipeline()
    {
        Assert.IsType<TracedChatClient>(new InMemoryChatClient().AsBuilder().UseMlflowTracing().Build());
        Assert.IsType<TracedEmbeddingGenerator<string, Embedding<float>>>(new Embeddings().AsBuilder().UseMlflowTracing().Build());
        Assert.IsType<TracedImageGenerator>(new Images().AsBuilder().UseMlflowTracing().Build());
        Assert.IsType<TracedSpeechToTextClient>(new Transcriber().AsBuilder().UseMlflowTracing().Build());
        Assert.IsType<TracedTextToSpeechClient>(new Speaker().AsBuilder().UseMlflowTracing().Build());
    }

    private sealed class Embeddings : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            var embeddings = values.Select(_ => new Embedding<float>(new[] { 0.5f, 0.25f })).ToList();
            return embeddings.Count == 0
                ? throw new InvalidOperationException("nothing to embed")
                : Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(embeddings) { Usage = new UsageDetails { InputTokenCount = 4, TotalTokenCount = 4 } });
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("in-memory", null, "embed-1") : null;

        public void Dispose()
        {
        }
    }

    private sealed class Images : IImageGenerator
    {
        public Task<ImageGenerationResponse> GenerateAsync(
            ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ImageGenerationResponse([new DataContent(new byte[3], "image/png")]));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    private sealed class Transcriber : ISpeechToTextClient
    {
        public Task<SpeechToTextResponse> GetTextAsync(
            Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new SpeechToTextResponse("hello there"));

        public async IAsyncEnumerable<SpeechToTextResponseUpdate> GetStreamingTextAsync(
            Stream audioSpeechStream, SpeechToTextOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return new SpeechToTextResponseUpdate("hello ") { Kind = SpeechToTextResponseUpdateKind.TextUpdating };
            await Task.Yield();
            yield return new SpeechToTextResponseUpdate("there") { Kind = SpeechToTextResponseUpdateKind.TextUpdated };
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    private sealed class Speaker : ITextToSpeechClient
    {
        public Task<TextToSpeechResponse> GetAudioAsync(string text, TextToSpeechOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new TextToSpeechResponse([new DataContent(new byte[4], "audio/mpeg")]));

        public async IAsyncEnumerable<TextToSpeechResponseUpdate> GetStreamingAudioAsync(
            string text, TextToSpeechOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            yield return new TextToSpeechResponseUpdate([new DataContent(new byte[4], "audio/mpeg")]);
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
