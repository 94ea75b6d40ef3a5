using System.ClientModel;
using System.Text;
using System.Text.Json;
using MLflow.Cli.Demo.Scripted;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

/// <summary>OpenAI's own client, the server as a program, and a scripted model behind its gateway.</summary>
public sealed class GatewayTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Client_OfOpenAI_ChatsStreamsAndEmbedsThroughTheGateway()
    {
        await using var model = await ScriptedOpenAI.StartAsync(cancellationToken: Token);
        await using var server = CliProcess.Mlflow(
            _folder.Path, ["server", "--port", "0", "--otlp-grpc-port", "none"], ("MLFLOW_GATEWAY_ALLOWED_HOSTS", model.Endpoint.Authority), ("MLFLOW_CRYPTO_KEK_PASSPHRASE", "some words"));
        using var http = new HttpClient { BaseAddress = await server.ServerAsync(Token) };
        await SetUpAsync(http, model.Endpoint);
        var client = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(http.BaseAddress!, "/gateway/openai/v1") });

        ChatCompletion answer = await client.GetChatClient("chat").CompleteChatAsync([new UserChatMessage("What is the capital of France?")], cancellationToken: Token);
        Assert.NotEmpty(answer.Content[0].Text);
        var text = new StringBuilder();
        await foreach (var update in client.GetChatClient("chat").CompleteChatStreamingAsync([new UserChatMessage("What is the capital of France?")], cancellationToken: Token))
        {
            text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
        }

        Assert.Equal(answer.Content[0].Text, text.ToString());
        OpenAIEmbedding embedding = await client.GetEmbeddingClient("embed").GenerateEmbeddingAsync("text", cancellationToken: Token);
        Assert.True(embedding.ToFloats().Length > 0);
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => client.GetChatClient("nobody").CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token));
        Assert.Equal(404, refused.Status);
        Assert.Contains("model_not_found", refused.Message, StringComparison.Ordinal);
    }

    private static async Task SetUpAsync(HttpClient http, Uri model)
    {
        const string Root = "/api/3.0/mlflow/gateway/";
        var secret = await PostAsync("secrets/create", new { secret_name = "openai", secret_value = new { api_key = ScriptedOpenAI.ApiKey }, auth_config = new { api_base = model.ToString() } });
        foreach (var (name, model_name) in ((string, string)[])[("chat", "gpt-4o-mini"), ("embed", "text-embedding-3-small")])
        {
            var definition = await PostAsync("model-definitions/create", new { name, provider = "openai", model_name, secret_id = secret.GetProperty("secret").GetProperty("secret_id").GetString() });
            await PostAsync("endpoints/create", new { name, model_configs = new[] { new { model_definition_id = definition.GetProperty("model_definition").GetProperty("model_definition_id").GetString() } } });
        }

        async Task<JsonElement> PostAsync(string path, object body)
        {
            using var content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
            using var response = await http.PostAsync(new Uri(Root + path, UriKind.Relative), content, Token);
            var text = await response.Content.ReadAsStringAsync(Token);
            Assert.True(response.IsSuccessStatusCode, text);
            return JsonDocument.Parse(text).RootElement.Clone();
        }
    }
}
