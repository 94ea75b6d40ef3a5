using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MLflow.Tests.Databricks.Workspace;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MLflow.Tests.Databricks;

/// <summary>Models behind gateways, asked with the OpenAI package as programs do: what automatic tracing records of provider, endpoint and model.</summary>
public sealed class GatewayTests : ClientTestBase
{
    private readonly HttpClient _http = new(TestAuthority.CreateHandler());
    private MlflowClient _client = null!;
    private StandInMlflowGateway _gateway = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _gateway = await StandInMlflowGateway.StartAsync();
        _client = Client();
        OpenAIAutolog.Set(_client, disable: false, configure: null);
    }

    public override async ValueTask DisposeAsync()
    {
        OpenAIAutolog.Set(_client, disable: true, configure: null);
        Assert.Empty(_gateway.Unlisted);
        await _gateway.DisposeAsync();
        _http.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("/serving-endpoints", "databricks")]
    [InlineData("/ai-gateway/mlflow/v1", "databricks")]
    [InlineData("/ai-gateway/openai/v1", "databricks")]
    public async Task Databricks_Chat_RecordsProviderEndpointAndModel(string path, string provider)
    {
        var span = await CallAsync(async () =>
        {
            var answer = await Chat(Workspace.Host + path, "chat-prod").CompleteChatAsync([new UserChatMessage("What is the capital of France?")], cancellationToken: Token);
            Assert.Equal(ServedModel.Answer, answer.Value.Content[0].Text);
        });

        Assert.Equal(("AsyncCompletions", "CHAT_MODEL"), (span.Name, span.SpanType));
        AssertFacts(span, provider, "chat-prod", "chat-prod", "gpt-4o-mini-2024-07-18");
        Assert.Equal($"{Workspace.Host}{path}/chat/completions", Text(span, "url.full"));
        Assert.Contains("What is the capital of France?", span.Inputs!.Value.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("\"total_tokens\":21", span.Attributes["mlflow.chat.tokenUsage"].GetRawText().Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/serving-endpoints", true, "databricks", "chat-prod")]
    [InlineData("/gateway/mlflow/v1", false, "mlflow", StandInMlflowGateway.Endpoint)]
    [InlineData("/gateway/openai/v1", false, "openai", StandInMlflowGateway.Endpoint)]
    public async Task Chat_Streamed_IsMergedWithAndWithoutDone(string path, bool isDatabricks, string provider, string endpoint)
    {
        var span = await CallAsync(async () =>
        {
            var text = "";
            await foreach (var update in Chat((isDatabricks ? Workspace.Host : _gateway.Address.ToString().TrimEnd('/')) + path, endpoint).CompleteChatStreamingAsync([new UserChatMessage("Capital?")], cancellationToken: Token))
            {
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            }

            Assert.Equal(ServedModel.Answer, text);
        });

        AssertFacts(span, provider, endpoint, endpoint, StandInMlflowGateway.Model);
        Assert.Contains(ServedModel.Answer, span.Outputs!.Value.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("completed", Text(span, "mlflow.stream.end"));
        Assert.Equal(isDatabricks, span.Attributes.ContainsKey("mlflow.stream.done"));
        Assert.Contains("\"total_tokens\":21", span.Attributes["mlflow.chat.tokenUsage"].GetRawText().Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/gateway/mlflow/v1", "mlflow", true)]
    [InlineData("/gateway/openai/v1", "openai", true)]
    [InlineData("/v1", null, false)]
    public async Task MlflowGateway_Chat_RecordsProviderEndpointAndModel(string path, string? provider, bool isToldByAddress)
    {
        var span = await CallAsync(() => Chat(_gateway.Address.ToString().TrimEnd('/') + path, StandInMlflowGateway.Endpoint).CompleteChatAsync([new UserChatMessage("Capital?")], cancellationToken: Token));

        AssertFacts(span, provider, isToldByAddress ? StandInMlflowGateway.Endpoint : null, StandInMlflowGateway.Endpoint, StandInMlflowGateway.Model);
    }

    [Fact]
    public async Task Embeddings_OfAnEndpoint_RecordIt()
    {
        var span = await CallAsync(() => Open(Workspace.Host + "/serving-endpoints").GetEmbeddingClient("embed-prod").GenerateEmbeddingAsync("Titan", cancellationToken: Token));

        Assert.Equal(("AsyncEmbeddings", "EMBEDDING"), (span.Name, span.SpanType));
        AssertFacts(span, "databricks", "embed-prod", "embed-prod", "gte-large-en");
    }

    [Theory]
    [InlineData("/gateway/chat/mlflow/invocations", "mlflow")]
    [InlineData("/gateway/chat/invocations", "mlflow")]
    [InlineData("/endpoints/chat/invocations", "mlflow")]
    [InlineData("/serving-endpoints/chat-prod/invocations", "databricks")]
    public async Task Invocations_ByAnyClient_AreRecordedByTheirForm(string path, string provider)
    {
        var isDatabricks = provider == "databricks";
        var span = await CallAsync(async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, (isDatabricks ? Workspace.Host : _gateway.Address.ToString().TrimEnd('/')) + path)
            {
                Content = JsonContent.Create(new { messages = new[] { new { role = "user", content = "Capital?" } } }),
            };
            request.Headers.Authorization = isDatabricks ? new("Bearer", Workspace.Tokens.AddPersonal()) : null;

            // The oldest form is seen where the client says that it is one of OpenAI's.
            request.Headers.UserAgent.ParseAdd("OpenAI/2.15.0");
            using var answer = await _http.SendAsync(request, Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            await answer.Content.ReadAsByteArrayAsync(Token);
        });

        Assert.Equal("CHAT_MODEL", span.SpanType);
        var endpoint = isDatabricks ? "chat-prod" : "chat";

        // The request names no model, so what answered is it.
        Assert.Equal((provider, endpoint), (Text(span, "mlflow.llm.provider"), Text(span, "mlflow.llm.endpoint")));
        Assert.Equal((StandInMlflowGateway.Model, endpoint, StandInMlflowGateway.Model), (Text(span, "mlflow.llm.model"), Text(span, "gen_ai.request.model"), Text(span, "gen_ai.response.model")));
        Assert.Contains(ServedModel.Answer, span.Outputs!.Value.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_ThatIsNotThere_IsAnErrorWithItsCode()
    {
        var span = await CallAsync(async () =>
        {
            var e = await Assert.ThrowsAsync<ClientResultException>(() => Chat(Workspace.Host + "/serving-endpoints", "away").CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token));
            Assert.Equal(404, e.Status);
        });

        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal("away", Text(span, "mlflow.llm.endpoint"));
        Assert.Contains("RESOURCE_DOES_NOT_EXIST", Text(span, "openai.error.body"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_WithItsRateExceeded_IsOneSpanWithItsAttempts()
    {
        Workspace.Quotas.RefuseNext(QuotaGroup.ServeModels, 1, TimeSpan.Zero);
        var span = await CallAsync(() => Chat(Workspace.Host + "/serving-endpoints", "chat-prod").CompleteChatAsync([new UserChatMessage("x")], cancellationToken: Token));

        Assert.Equal([429, 200], span.Events.Where(e => e.Name == "mlflow.openai.attempt").Select(e => e.Attributes["http.response.status_code"].GetInt32()));
        AssertFacts(span, "databricks", "chat-prod", "chat-prod", "gpt-4o-mini-2024-07-18");
    }

    [Fact]
    public async Task Key_OfTheGatewayFromASecret_IsInNoTrace()
    {
        var key = Workspace.Tokens.AddPersonal();
        Workspace.Secrets.Add("gateway", "token", key + "\n");
        var credential = (await _client.Secrets.GetAsync("gateway", "token", Token)).ToApiKeyCredential();
        var span = await CallAsync(() => new OpenAIClient(credential, Options(Workspace.Host + "/serving-endpoints")).GetChatClient("chat-prod").CompleteChatAsync([new UserChatMessage("my key is " + key)], cancellationToken: Token));

        Assert.Contains("my key is [REDACTED]", span.Inputs!.Value.GetRawText(), StringComparison.Ordinal);
    }

    private static void AssertFacts(TraceSpan span, string? provider, string? endpoint, string requested, string answered)
    {
        Assert.Equal(provider, Text(span, "mlflow.llm.provider"));
        Assert.Equal(endpoint, Text(span, "mlflow.llm.endpoint"));
        Assert.Equal(requested, Text(span, "mlflow.llm.model"));
        Assert.Equal(requested, Text(span, "gen_ai.request.model"));
        Assert.Equal(answered, Text(span, "gen_ai.response.model"));
    }

    private static string? Text(TraceSpan span, string key) => span.Attributes.TryGetValue(key, out var value) ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText() : null;

    /// <summary>The one span of a call, as it would be sent.</summary>
    private async Task<TraceSpan> CallAsync(Func<Task> call)
    {
        await using var collector = TraceCollector.Start(_client);
        await call();
        return Assert.Single((await collector.GetTraceAsync(cancellationToken: Token)).Spans);
    }

    private ChatClient Chat(string address, string model) => Open(address).GetChatClient(model);

    private OpenAIClient Open(string address) => new(new ApiKeyCredential(Workspace.Tokens.AddPersonal()), Options(address));

    private OpenAIClientOptions Options(string address) => new() { Endpoint = new Uri(address), Transport = new HttpClientPipelineTransport(_http) };
}
