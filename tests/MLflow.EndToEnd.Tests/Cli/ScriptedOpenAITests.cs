using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using System.Text.Json;
using MLflow.Cli.Demo.Scripted;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class ScriptedOpenAITests : IAsyncLifetime
{
    private static readonly ChatTool GetWeather = ChatTool.CreateFunctionTool(
        "get_weather", functionParameters: BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""));

    private ScriptedOpenAI _endpoint = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _endpoint = await ScriptedOpenAI.StartAsync(cancellationToken: Token);

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    [Fact]
    public async Task CompleteChat_KnownQuestion_AnswersWithUsage()
    {
        ChatCompletion answer = await Client().CompleteChatAsync([new UserChatMessage("What is the capital of France?")], cancellationToken: Token);

        Assert.Equal("The capital of France is Paris.", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.StartsWith("chatcmpl-", answer.Id, StringComparison.Ordinal);
        Assert.True(answer.Usage.InputTokenCount > 0);
        Assert.Equal(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount);
        Assert.NotNull(answer.Usage.InputTokenDetails);
        Assert.NotNull(answer.Usage.OutputTokenDetails);
    }

    [Theory]
    [InlineData("フランスの首都はどこですか？", "フランスの首都はパリです。")]
    [InlineData("タイタンではコップの水はどれくらいで凍りますか？", "タイタンの表面温度")]
    public async Task CompleteChat_JapaneseQuestion_AnswersInJapanese(string question, string answer)
    {
        ChatCompletion completion = await Client().CompleteChatAsync([new UserChatMessage(question)], cancellationToken: Token);

        Assert.StartsWith(answer, completion.Content[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CompleteChat_TokenLimit_StopsThere()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 2 };

        ChatCompletion answer = await Client().CompleteChatAsync([new UserChatMessage("What is the capital of France?")], options, Token);

        Assert.Equal("The capital", answer.Content[0].Text);
        Assert.Equal(ChatFinishReason.Length, answer.FinishReason);
        Assert.Equal(2, answer.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task CompleteChatStreaming_KnownQuestion_StreamsTheSameAnswerInPieces()
    {
        var question = new UserChatMessage("How fast would a glass of water freeze on Titan?");
        ChatCompletion whole = await Client().CompleteChatAsync([question], cancellationToken: Token);
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in Client().CompleteChatStreamingAsync([question], cancellationToken: Token))
        {
            updates.Add(update);
        }

        Assert.Equal(whole.Content[0].Text, string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.True(updates.Count > 20);
        Assert.Single(updates.Select(update => update.CompletionId).Distinct());
        Assert.Equal(whole.Usage.TotalTokenCount, updates[^1].Usage.TotalTokenCount);
        Assert.Equal(ChatFinishReason.Stop, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(""","stream_options":{"include_usage":true}""", true)]
    public async Task Stream_IncludeUsage_DecidesOnTheUsageChunk(string options, bool expected)
    {
        using var response = await PostAsync("""{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"capital?"}]""" + options + "}");
        var text = await response.Content.ReadAsStringAsync(Token);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        Assert.Equal(expected, text.Contains("\"total_tokens\"", StringComparison.Ordinal));
        Assert.Equal(expected, text.Contains("\"usage\":null", StringComparison.Ordinal));
    }

    [Fact]
    public async Task CompleteChat_ToolsOffered_CallsTheToolForEachCityAndAnswersFromTheResults()
    {
        List<ChatMessage> messages = [new UserChatMessage("What's the weather like in Paris and Tokyo today?")];
        ChatCompletion calls = await Client().CompleteChatAsync(messages, new ChatCompletionOptions { Tools = { GetWeather } }, Token);

        Assert.Equal(ChatFinishReason.ToolCalls, calls.FinishReason);
        Assert.Equal(["""{"city":"Paris"}""", """{"city":"Tokyo"}"""], calls.ToolCalls.Select(call => call.FunctionArguments.ToString()));
        Assert.All(calls.ToolCalls, call => Assert.Equal("get_weather", call.FunctionName));

        messages.Add(new AssistantChatMessage(calls));
        messages.Add(new ToolChatMessage(calls.ToolCalls[1].Id, "sunny"));
        messages.Add(new ToolChatMessage(calls.ToolCalls[0].Id, "rainy"));
        ChatCompletion answer = await Client().CompleteChatAsync(messages, new ChatCompletionOptions { Tools = { GetWeather } }, Token);

        Assert.Equal("The weather in Tokyo today is sunny. The weather in Paris today is rainy.", answer.Content[0].Text);
    }

    [Fact]
    public async Task CompleteChatStreaming_ToolsOffered_StreamsTheArgumentsInPieces()
    {
        var arguments = new StringBuilder();
        var pieces = 0;
        var options = new ChatCompletionOptions { Tools = { GetWeather } };
        await foreach (var update in Client().CompleteChatStreamingAsync([new UserChatMessage("今日の東京の天気は？")], options, Token))
        {
            foreach (var call in update.ToolCallUpdates)
            {
                arguments.Append(call.FunctionArgumentsUpdate);
                pieces++;
            }
        }

        Assert.Equal("""{"city":"Tokyo"}""", arguments.ToString());
        Assert.True(pieces > 2);
    }

    [Fact]
    public async Task CompleteChat_WrongKey_IsRefusedWithoutRepeatingTheKey()
    {
        var error = await Assert.ThrowsAsync<ClientResultException>(() => Client(key: "sk-not-the-key").CompleteChatAsync([new UserChatMessage("capital?")], cancellationToken: Token));

        Assert.Equal(401, error.Status);
        Assert.Contains("invalid_api_key", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-key", error.GetRawResponse()!.Content.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model":"no-such-model","messages":[{"role":"user","content":"x"}]}""", 404, "model_not_found")]
    [InlineData("""{"model":"gpt-4o-mini","temperature":9,"messages":[{"role":"user","content":"x"}]}""", 400, "decimal_above_max_value")]
    [InlineData("""{"model":"gpt-4o-mini"}""", 400, null)]
    [InlineData("""{"messages":[]}""", 400, null)]
    [InlineData("[1]", 400, null)]
    [InlineData("{", 400, null)]
    public async Task Post_BadRequest_AnswersOpenAIsError(string body, int status, string? code)
    {
        using var response = await PostAsync(body);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Token));

        Assert.Equal(status, (int)response.StatusCode);
        var error = answer.RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.NotEmpty(error.GetProperty("message").GetString()!);
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
    }

    [Fact]
    public async Task CompleteChat_RateLimitedModel_IsRefusedOnceWithRetryAfter()
    {
        var client = Client(ScriptedOpenAI.RateLimitedModel, retries: 0);
        var error = await Assert.ThrowsAsync<ClientResultException>(() => client.CompleteChatAsync([new UserChatMessage("capital?")], cancellationToken: Token));

        Assert.Equal(429, error.Status);
        Assert.True(error.GetRawResponse()!.Headers.TryGetValue("Retry-After", out var seconds));
        Assert.Equal("1", seconds);

        ChatCompletion answer = await client.CompleteChatAsync([new UserChatMessage("capital?")], cancellationToken: Token);
        Assert.Equal("The capital of France is Paris.", answer.Content[0].Text);
    }

    private ChatClient Client(string model = "gpt-4o-mini", string key = ScriptedOpenAI.ApiKey, int retries = 3) =>
        new(model, new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = _endpoint.Endpoint, RetryPolicy = new ClientRetryPolicy(retries) });

    private async Task<HttpResponseMessage> PostAsync(string body)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint.Endpoint + "/chat/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", ScriptedOpenAI.ApiKey);
        return await http.SendAsync(request, Token);
    }
}
