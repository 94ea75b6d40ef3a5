using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using MLflow.Sdk.Tests.Capture;
using OpenAI;
using Xunit;

namespace MLflow.Extensions.Tests.Clients;

/// <summary>Images and speech through the clients of Microsoft.Extensions.AI, over the OpenAI package: seen twice, recorded once.</summary>
public sealed class TracedMediaOverOpenAITests : ModelTestBase
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Image_SeenByBothLayersOrOne_IsOneSpan(bool isAutologOn)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => JsonAsync(context, """{"created":1,"data":[{"b64_json":"iVBORw0KGgo="}]}"""));
        if (isAutologOn)
        {
            Autolog();
        }

        using var generator = new TracedImageGenerator(Client(server).GetImageClient("gpt-image-1").AsIImageGenerator(), Tracer);
        await generator.GenerateAsync(new ImageGenerationRequest("a cat"), cancellationToken: Token);

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(isAutologOn, span.Has(AttributeNames.HttpStatus));
        Assert.Equal("a cat", (string?)Node(span, AttributeNames.Inputs)["prompt"]);
        Assert.Equal(SpanType.Tool, span.SpanType);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Transcription_SeenByBothLayersOrOne_IsOneSpan(bool isAutologOn)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) => JsonAsync(context, """{"text":"hello there"}"""));
        if (isAutologOn)
        {
            Autolog();
        }

        using var client = new TracedSpeechToTextClient(Client(server).GetAudioClient("whisper-1").AsISpeechToTextClient(), Tracer);
        using var sound = new MemoryStream([1, 2, 3]);
        var answer = await client.GetTextAsync(sound, cancellationToken: Token);

        Assert.Equal("hello there", answer.Text);
        var span = Assert.Single(await SpansAsync());
        Assert.Equal(isAutologOn, span.Has(AttributeNames.HttpStatus));
        Assert.Equal("hello there", (string?)Node(span, AttributeNames.Outputs)["text"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Speech_SeenByBothLayersOrOne_IsOneSpan(bool isAutologOn)
    {
        await using var server = await LoopbackServer.StartAsync((context, _) =>
        {
            context.Response.ContentType = "audio/mpeg";
            return context.Response.Body.WriteAsync(new byte[] { 0xFF, 0xFB, 0, 1 }).AsTask();
        });
        if (isAutologOn)
        {
            Autolog();
        }

        using var client = new TracedTextToSpeechClient(Client(server).GetAudioClient("tts-1").AsITextToSpeechClient(), Tracer);
        await client.GetAudioAsync("hello", new TextToSpeechOptions { VoiceId = "alloy" }, Token);

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(isAutologOn, span.Has(AttributeNames.HttpStatus));
        Assert.Equal("hello", (string?)Node(span, AttributeNames.Inputs)["input"]);
    }

    private static OpenAIClient Client(LoopbackServer server) =>
        new(new System.ClientModel.ApiKeyCredential("sk-test"), new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1") });

    private static Task JsonAsync(HttpContext context, string body)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    }
}
