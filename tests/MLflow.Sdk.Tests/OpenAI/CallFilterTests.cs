using Xunit;

namespace MLflow.Sdk.Tests.Capture;

public sealed class CallFilterTests
{
    [Theory]
    [InlineData("POST https://api.openai.com/v1/chat/completions", "chat.completions.create", "openai")]
    [InlineData("GET https://eu.api.openai.com/v1/models", "models.list", "openai")]
    [InlineData("POST https://api.openai.com/v1/some/new/thing", "other", "openai")]
    [InlineData("POST https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", "chat.completions.create", "azure")]
    [InlineData("POST https://x.openai.azure.com/openai/v1/responses", "responses.create", "azure")]
    [InlineData("GET https://x.openai.azure.com/openai/v1/files/f/content", "files.content", "azure")]
    [InlineData("POST https://x.services.ai.azure.com/openai/v1/embeddings", "embeddings.create", "azure")]
    [InlineData("POST https://gateway.example.com/openai/deployments/d/audio/speech", "audio.speech.create", "azure")]
    [InlineData("POST https://x.cloud.databricks.com/serving-endpoints/llama/invocations", "invocations", "databricks")]
    [InlineData("POST https://adb-1.2.azuredatabricks.net/serving-endpoints/chat/completions", "chat.completions.create", "databricks")]
    [InlineData("POST https://dbx.example.com/serving-endpoints/embed/invocations", "invocations", "databricks")]
    [InlineData("POST https://dbx.example.com/ai-gateway/mlflow/v1/chat/completions", "chat.completions.create", "databricks")]
    [InlineData("POST http://localhost:5000/gateway/mlflow/v1/chat/completions", "chat.completions.create", "mlflow")]
    [InlineData("POST http://localhost:5000/prefix/gateway/openai/v1/responses", "responses.create", "openai")]
    [InlineData("POST http://localhost:5000/gateway/chat/mlflow/invocations", "gateway.mlflow.invocations", "mlflow")]
    [InlineData("POST http://localhost:5000/gateway/chat/invocations", "gateway.invocations", "mlflow")]
    [InlineData("POST https://openrouter.ai/api/v1/chat/completions", "chat.completions.create", "openrouter")]
    [InlineData("POST http://localhost:11434/v1/chat/completions", "chat.completions.create", "ollama")]
    [InlineData("POST http://localhost:8000/v1/completions", "completions.create", null)]
    [InlineData("POST http://vllm.internal/v1/embeddings/", "embeddings.create", null)]
    [InlineData("POST https://api.x.ai/v1/images/edits", "images.edit", "xai")]
    [InlineData("POST https://api.groq.com/openai/v1/audio/transcriptions", "audio.transcriptions.create", "groq")]
    [InlineData("POST https://llm.example.com/v1/images/generations", "images.generate", null)]
    public void Match_Call_IsRecognisedWithItsProvider(string request, string operation, string? provider)
    {
        using var message = Request(request);

        Assert.Equal(operation, new CallFilter(new OpenAIAutologOptions()).Match(message)?.Name);
        Assert.Equal(provider, ApiProvider.Of(message.RequestUri!));
    }

    [Theory]
    [InlineData("GET http://localhost:8000/v1/models")]
    [InlineData("GET https://llm.example.com/v1/files/f/content")]
    [InlineData("GET https://llm.example.com/v1/chat/completions")]
    [InlineData("POST https://forum.example.com/api/moderations")]
    [InlineData("POST https://example.com/v1/threads")]
    [InlineData("POST https://example.com/embeddings/search")]
    [InlineData("POST https://example.com/model/invocations")]
    [InlineData("POST https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/forecast/invocations")]
    [InlineData("POST https://x.blob.core.windows.net/container/files")]
    [InlineData("PUT https://example.com/v1/chat/completions")]
    [InlineData("GET https://example.com/")]
    public void Match_OtherTraffic_IsNotSeen(string request)
    {
        using var message = Request(request, "curl/8.5");

        Assert.Null(new CallFilter(new OpenAIAutologOptions()).Match(message));
    }

    [Theory]
    [InlineData("OpenAI/2.15.0 (.NET 10.0; Linux)", true)]
    [InlineData("azsdk-net-AI.OpenAI/2.1.0 (.NET 10.0)", true)]
    [InlineData("app/1.0 OpenAI/2.15.0", true)]
    [InlineData("MyOpenAI/1.0", false)]
    [InlineData("curl/8.5", false)]
    public void Match_UserAgentOfAClient_IsEnoughOnAnyHost(string agent, bool isSeen)
    {
        using var message = Request("GET http://localhost:8000/v1/models", agent);

        Assert.Equal(isSeen ? "models.list" : null, new CallFilter(new OpenAIAutologOptions()).Match(message)?.Name);
    }

    [Theory]
    [InlineData("GET https://llm.example.com/v1/models", "models.list")]
    [InlineData("GET https://llm.example.com/health", "other")]
    [InlineData("GET http://localhost:8000/v1/models", "models.list")]
    [InlineData("GET http://localhost:8001/v1/models", null)]
    [InlineData("POST https://other.net/internal/a/generate", "invocations")]
    [InlineData("POST https://other.net/internal/a/embed", null)]
    [InlineData("POST https://secret.example.com/v1/chat/completions", null)]
    [InlineData("POST https://api.openai.com/v1/moderations", null)]
    [InlineData("POST https://api.openai.com/v1/embeddings", "embeddings.create")]
    public void Match_WithHostsAndPaths_FollowsThem(string request, string? operation)
    {
        var options = new OpenAIAutologOptions();
        options.IncludedHosts.Add("*.example.com");
        options.IncludedHosts.Add("localhost:8000");
        options.ExcludedHosts.Add("secret.example.com");
        options.IncludedPaths.Add("/internal/*/generate");
        options.ExcludedPaths.Add("*/moderations");
        using var message = Request(request);

        Assert.Equal(operation, new CallFilter(options).Match(message)?.Name);
    }

    [Theory]
    [InlineData("https://x.openai.azure.com/openai/deployments/my%20gpt/chat/completions", "my gpt")]
    [InlineData("https://x.cloud.databricks.com/serving-endpoints/llama/invocations", "llama")]
    [InlineData("https://x.cloud.databricks.com/serving-endpoints/chat/completions", null)]
    [InlineData("https://api.openai.com/v1/chat/completions", null)]
    [InlineData("wss://api.openai.com/v1/realtime?model=gpt-realtime", "gpt-realtime")]
    [InlineData("wss://x.openai.azure.com/openai/realtime?api-version=1&deployment=rt", "rt")]
    [InlineData("wss://api.openai.com/v1/realtime?call_id=rtc_1", null)]
    public void ModelOf_Path_IsTheDeployment(string address, string? model) => Assert.Equal(model, ApiProvider.ModelOf(new Uri(address)));

    [Theory]
    [InlineData("https://x.cloud.databricks.com/serving-endpoints/chat/completions", "asked")]
    [InlineData("https://x.cloud.databricks.com/serving-endpoints/llama%203/invocations", "llama 3")]
    [InlineData("https://x.cloud.databricks.com/ai-gateway/mlflow/v1/chat/completions", "asked")]
    [InlineData("http://localhost:5000/gateway/mlflow/v1/chat/completions", "asked")]
    [InlineData("http://localhost:5000/gateway/openai/v1/embeddings", "asked")]
    [InlineData("http://localhost:5000/gateway/chat/mlflow/invocations", "chat")]
    [InlineData("http://localhost:5000/endpoints/chat/invocations", "chat")]
    [InlineData("https://api.openai.com/v1/chat/completions", null)]
    [InlineData("https://x.openai.azure.com/openai/deployments/d/chat/completions", null)]
    public void EndpointOf_Gateway_IsWhatWasAsked(string address, string? endpoint) => Assert.Equal(endpoint, CallAddress.Of(new Uri(address)).EndpointOf("asked"));

    private static HttpRequestMessage Request(string request, string? agent = null)
    {
        var parts = request.Split(' ');
        var message = new HttpRequestMessage(new HttpMethod(parts[0]), parts[1]);
        if (agent is not null)
        {
            message.Headers.TryAddWithoutValidation("User-Agent", agent);
        }

        return message;
    }
}
