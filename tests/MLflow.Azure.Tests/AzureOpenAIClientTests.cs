using System.ClientModel;
using Azure.AI.OpenAI;
using MLflow.EndToEnd.Tests.Recordings;
using MLflow.OpenAIVersions.Tests;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Azure.Tests;

/// <summary>Calls by <see cref="AzureOpenAIClient"/>: deployments in the path, the key in <c>api-key</c>, Azure's own retries.</summary>
[Collection("tracked process")]
public sealed class AzureOpenAIClientTests(TrackedProcess tracked) : IAsyncLifetime
{
    private ModelEndpoint _endpoint = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private AzureOpenAIClient Client => new(_endpoint.Address, new ApiKeyCredential("azure-secret-key"));

    public async ValueTask InitializeAsync() => _endpoint = await ModelEndpoint.StartAsync();

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_ByDeployment_IsRecorded(bool isAsync)
    {
        var client = Client.GetChatClient("my-deployment");
        var (call, answer) = await CallAsync(async () => isAsync ? await client.CompleteChatAsync("Capital of France?") : client.CompleteChat("Capital of France?"));

        Assert.Equal("Paris", ((ChatCompletion)answer).Content[0].Text);
        Assert.Equal(isAsync ? "AsyncCompletions" : "Completions", call.Name);
        Assert.Equal("azure", (string?)call.Attributes["mlflow.llm.provider"]);
        Assert.Equal("my-deployment", (string?)call.Attributes["gen_ai.request.model"]);
        Assert.Equal("gpt-4o-mini-2024-07-18", (string?)call.Attributes["gen_ai.response.model"]);
        Assert.Equal(21, (int?)call.Attributes["mlflow.chat.tokenUsage"]!["total_tokens"]);
        Assert.DoesNotContain("azure-secret-key", call.Attributes.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChatStream_ByDeployment_IsMerged()
    {
        var client = Client.GetChatClient("my-deployment");
        var (call, text) = await CallAsync(async () =>
        {
            var text = "";
            await foreach (var update in client.CompleteChatStreamingAsync("Say hello."))
            {
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            }

            return text;
        });

        Assert.Equal("Hello world", text);
        Assert.Equal("Hello world", (string?)call.Attributes["mlflow.spanOutputs"]!["choices"]![0]!["message"]!["content"]);
    }

    [Fact]
    public async Task Chat_RefusedOnce_IsOneSpan()
    {
        _endpoint.Failures.Enqueue(429);
        var (call, _) = await CallAsync(() => Client.GetChatClient("my-deployment").CompleteChatAsync("Capital of France?"));

        Assert.Equal("STATUS_CODE_OK", call.StatusCode);
        Assert.Equal(2, call.Events.Count(e => e.Name == "mlflow.openai.attempt"));
    }

    [Fact]
    public async Task Embedding_ByDeployment_IsRecorded()
    {
        var (call, embedding) = await CallAsync(() => Client.GetEmbeddingClient("my-embeddings").GenerateEmbeddingAsync("Hello"));

        Assert.Equal([1f, 2f], embedding.Value.ToFloats().ToArray());
        Assert.Equal("EMBEDDING", (string?)call.Attributes["mlflow.spanType"]);
        Assert.Equal("my-embeddings", (string?)call.Attributes["gen_ai.request.model"]);
    }

    [Fact]
    public async Task Image_ByDeployment_IsRecorded()
    {
        var (call, _) = await CallAsync(() => Client.GetImageClient("my-images").GenerateImageAsync("A lion"));

        Assert.Equal("images.generate", (string?)call.Attributes["openai.operation"]);
        Assert.Equal("azure", (string?)call.Attributes["mlflow.llm.provider"]);
    }

    [Fact]
    public async Task Transcription_ByDeployment_IsRecorded()
    {
        var (call, text) = await CallAsync(() => Client.GetAudioClient("my-whisper").TranscribeAudioAsync(new MemoryStream(ModelEndpoint.Speech), "a.mp3"));

        Assert.Equal("Hello.", text.Value.Text);
        Assert.Equal("audio.transcriptions.create", (string?)call.Attributes["openai.operation"]);
    }

    private Task<(StoredSpan Call, T Result)> CallAsync<T>(Func<Task<T>> call) => TrackedCall.MakeAsync(tracked, call, Token);
}
