using System.ClientModel;
using System.Reflection;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using OpenAI;
using OpenAI.Audio;
using OpenAI.Chat;
using OpenAI.Embeddings;
using OpenAI.Files;
using OpenAI.Images;
using OpenAI.Models;
using OpenAI.Moderations;
using Xunit;

namespace MLflow.OpenAIVersions.Tests;

/// <summary>What autolog promises, with the typed methods of the OpenAI package of one version, into a real server.</summary>
[Collection("tracked process")]
public sealed class PackageVersionTests(TrackedProcess tracked) : IAsyncLifetime
{
    private ModelEndpoint _endpoint = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private OpenAIClientOptions Options => new() { Endpoint = new Uri(_endpoint.Address, "/v1") };

    private static ApiKeyCredential Key => new("sk-none");

    private ChatClient ChatClient => new("gpt-4o-mini", Key, Options);

    public async ValueTask InitializeAsync() => _endpoint = await ModelEndpoint.StartAsync();

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    [Fact]
    public void Package_IsOfTheVersionThatWasAskedFor()
    {
        var asked = typeof(PackageVersionTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "OpenAIVersion").Value;
        var loaded = typeof(ChatClient).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

        Assert.StartsWith(string.IsNullOrEmpty(asked) ? "2." : asked, loaded, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_IsRecorded(bool isAsync)
    {
        var client = ChatClient;
        var (call, answer) = await CallAsync(async () => isAsync ? await client.CompleteChatAsync("Capital of France?") : client.CompleteChat("Capital of France?"));

        Assert.Equal("Paris", ((ChatCompletion)answer).Content[0].Text);
        AssertCall(call, isAsync ? "AsyncCompletions" : "Completions", "CHAT_MODEL", "chat.completions.create", ModelEndpoint.Chat);
        Assert.Equal("gpt-4o-mini", (string?)call.Attributes["mlflow.llm.model"]);
        Assert.Equal("""{"input_tokens":9,"output_tokens":12,"total_tokens":21,"cache_read_input_tokens":0}""", call.Attributes["mlflow.chat.tokenUsage"]!.ToJsonString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ChatStream_IsMerged(bool isAsync)
    {
        var client = ChatClient;
        var (call, text) = await CallAsync(async () =>
        {
            var text = "";
            if (isAsync)
            {
                await foreach (var update in client.CompleteChatStreamingAsync("Say hello."))
                {
                    text += string.Concat(update.ContentUpdate.Select(part => part.Text));
                }
            }
            else
            {
                foreach (var update in client.CompleteChatStreaming("Say hello."))
                {
                    text += string.Concat(update.ContentUpdate.Select(part => part.Text));
                }
            }

            return text;
        });

        Assert.Equal("Hello world", text);
        Assert.Equal("Hello world", (string?)call.Attributes["mlflow.spanOutputs"]!["choices"]![0]!["message"]!["content"]);
        Assert.Equal("completed", (string?)call.Attributes["mlflow.stream.end"]);
        Assert.Equal(5, call.Events.Count(e => e.Name.StartsWith("mlflow.chunk.item.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ToolCall_IsRecordedWithTheTools()
    {
        var options = new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("get_weather", "The weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}""")) } };
        var (call, answer) = await CallAsync(() => ChatClient.CompleteChatAsync([new UserChatMessage("Weather in Paris?")], options));

        Assert.Equal("get_weather", answer.Value.ToolCalls[0].FunctionName);
        Assert.Equal("get_weather", (string?)call.Attributes["mlflow.chat.tools"]![0]!["function"]!["name"]);
        Assert.Equal("tool_calls", (string?)call.Attributes["mlflow.llm.finish_reason"]);
    }

    [Fact]
    public async Task Retry_IsOneSpanWithAttempts()
    {
        _endpoint.Failures.Enqueue(429);
        var (call, _) = await CallAsync(() => ChatClient.CompleteChatAsync("Capital of France?"));

        Assert.Equal("STATUS_CODE_OK", call.StatusCode);
        Assert.Equal(2, call.Events.Count(e => e.Name == "mlflow.openai.attempt"));
    }

    [Fact]
    public async Task Error_IsRecordedWithTheProgramsException()
    {
        _endpoint.Failures.Enqueue(400);
        var (call, exception) = await CallAsync(() => Assert.ThrowsAsync<ClientResultException>(() => ChatClient.CompleteChatAsync("Capital of France?")));

        Assert.Equal(400, exception.Status);
        Assert.Equal("STATUS_CODE_ERROR", call.StatusCode);
        var recorded = Assert.Single(call.Events, e => e.Name == "exception");
        Assert.Equal("ClientResultException", (string?)recorded.Attributes["exception.type"]);
        Assert.False(call.Attributes.ContainsKey("mlflow.spanOutputs"));
    }

    [Fact]
    public async Task Embedding_IsRecorded()
    {
        var (call, embedding) = await CallAsync(() => new EmbeddingClient("text-embedding-3-small", Key, Options).GenerateEmbeddingAsync("Hello"));

        Assert.Equal([1f, 2f], embedding.Value.ToFloats().ToArray());
        AssertCall(call, "AsyncEmbeddings", "EMBEDDING", "embeddings.create", ModelEndpoint.Embeddings);
    }

    [Fact]
    public async Task Image_IsRecorded()
    {
        var (call, image) = await CallAsync(() => new ImageClient("dall-e-3", Key, Options).GenerateImageAsync("A lion"));

        Assert.Equal("A lion.", image.Value.RevisedPrompt);
        AssertCall(call, "AsyncImages", "TOOL", "images.generate", ModelEndpoint.Image);
    }

    [Fact]
    public async Task Speech_IsRecordedWithItsBytes()
    {
        var (call, speech) = await CallAsync(() => new AudioClient("tts-1", Key, Options).GenerateSpeechAsync("Hello", GeneratedSpeechVoice.Alloy));

        Assert.Equal(ModelEndpoint.Speech, speech.Value.ToArray());
        Assert.Equal("audio.speech.create", (string?)call.Attributes["openai.operation"]);
        Assert.Equal("Hello", (string?)call.Attributes["mlflow.spanInputs"]!["input"]);
        Assert.Equal(ModelEndpoint.Speech.Length, (int?)call.Attributes["mlflow.spanOutputs"]!["size_bytes"]);
    }

    [Fact]
    public async Task Transcription_OfAStreamThatCanBeReadOnce_ArrivesAndIsRecorded()
    {
        var (call, text) = await CallAsync(() => new AudioClient("whisper-1", Key, Options).TranscribeAudioAsync(new MemoryStream(ModelEndpoint.Speech), "a.mp3"));

        Assert.Equal("Hello.", text.Value.Text);
        Assert.Equal("audio.transcriptions.create", (string?)call.Attributes["openai.operation"]);
        Assert.Equal("whisper-1", (string?)call.Attributes["mlflow.llm.model"]);
        Assert.Equal("a.mp3", (string?)call.Attributes["mlflow.spanInputs"]!["file"]!["filename"]);
    }

    [Fact]
    public async Task Moderation_IsRecorded()
    {
        var (call, result) = await CallAsync(() => new ModerationClient("omni-moderation-latest", Key, Options).ClassifyTextAsync("Hello"));

        Assert.False(result.Value.Flagged);
        AssertCall(call, "AsyncModerations", "GUARDRAIL", "moderations.create", ModelEndpoint.Moderation);
    }

    [Fact]
    public async Task File_IsRecorded()
    {
        var (call, file) = await CallAsync(() => new OpenAIFileClient(Key, Options).UploadFileAsync(BinaryData.FromString("{}\n"), "a.jsonl", FileUploadPurpose.Batch));

        Assert.Equal("file-1", file.Value.Id);
        Assert.Equal("files.create", (string?)call.Attributes["openai.operation"]);
        Assert.Equal("batch", (string?)call.Attributes["mlflow.spanInputs"]!["purpose"]);
    }

    [Fact]
    public async Task Models_AreRecorded()
    {
        var (call, models) = await CallAsync(() => new OpenAIModelClient(Key, Options).GetModelsAsync());

        Assert.Single(models.Value);
        Assert.Equal("models.list", (string?)call.Attributes["openai.operation"]);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(ModelEndpoint.Models), call.Attributes["mlflow.spanOutputs"]));
    }

#if !NO_RESPONSES
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Response_IsRecordedStreamedOrNot(bool isStream)
    {
        var client = new OpenAIClient(Key, Options).GetResponsesClient();
        var body = BinaryContent.Create(BinaryData.FromString($$"""{"model":"gpt-4o-mini","input":"Capital of France?","stream":{{(isStream ? "true" : "false")}}}"""));
        var (call, read) = await CallAsync(async () =>
        {
            var result = await client.CreateResponseAsync(body, new System.ClientModel.Primitives.RequestOptions { BufferResponse = !isStream });
            using var response = result.GetRawResponse();
            using var memory = new MemoryStream();
            await response.ContentStream!.CopyToAsync(memory, Token);
            return memory.Length;
        });

        Assert.True(read > 0);
        AssertCall(call, "AsyncResponses", "CHAT_MODEL", "responses.create", ModelEndpoint.Response);
        Assert.Equal("""{"input_tokens":36,"output_tokens":87,"total_tokens":123,"cache_read_input_tokens":0}""", call.Attributes["mlflow.chat.tokenUsage"]!.ToJsonString());
        Assert.Equal(isStream ? "completed" : null, (string?)call.Attributes["mlflow.stream.end"]);
    }
#endif

    private static void AssertCall(StoredSpan call, string name, string type, string operation, string output)
    {
        Assert.Equal(name, call.Name);
        Assert.Equal(type, (string?)call.Attributes["mlflow.spanType"]);
        Assert.Equal(operation, (string?)call.Attributes["openai.operation"]);
        Assert.Equal("STATUS_CODE_OK", call.StatusCode);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(output), call.Attributes["mlflow.spanOutputs"]), call.Attributes["mlflow.spanOutputs"]?.ToJsonString());
    }

    private Task<(StoredSpan Call, T Result)> CallAsync<T>(Func<Task<T>> call) => TrackedCall.MakeAsync(tracked, call, Token);
}
