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

    private const string MathSchema = """
        {"type":"object","properties":{"steps":{"type":"array","items":{"type":"object","properties":{"explanation":{"type":"string"},"output":{"type":"string"}},
        "required":["explanation","output"],"additionalProperties":false}},"final_answer":{"type":"string"}},"required":["steps","final_answer"],"additionalProperties":false}
        """;

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

    [Theory]
    [InlineData("How can I solve 8x + 7 = -23?", """{"steps":[{"explanation":"Subtract 7 from both sides of the equation.","output":"8x = -30"},{"explanation":"Divide both sides by 8.","output":"x = -30 / 8"},{"explanation":"Simplify the fraction.","output":"x = -15 / 4"}],"final_answer":"x = -3.75"}""")]
    [InlineData("What is the capital of France?", """{"steps":[{"explanation":"The capital of France is Paris.","output":"The capital of France is Paris."}],"final_answer":"The capital of France is Paris."}""")]
    public async Task CompleteChat_JsonSchema_AnswersWhatFits(string question, string expected)
    {
        var options = new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("math_reasoning", BinaryData.FromString(MathSchema), jsonSchemaIsStrict: true) };

        ChatCompletion answer = await Client().CompleteChatAsync([new UserChatMessage(question)], options, Token);

        Assert.Equal(expected, answer.Content[0].Text);
    }

    [Fact]
    public async Task CompleteChat_JsonSchemaOfManyKinds_FillsEach()
    {
        const string Schema = """
            {"$defs":{"Color":{"enum":["red","green"]}},"type":"object","properties":{"color":{"$ref":"#/$defs/Color"},"kind":{"const":"box"},"count":{"type":"integer","minimum":3},
            "weight":{"type":["number","null"]},"open":{"type":"boolean"},"tags":{"type":"array","items":{"type":"string"}},"either":{"anyOf":[{"type":"null"},{"type":"string"}]}}}
            """;
        var options = new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("box", BinaryData.FromString(Schema)) };

        ChatCompletion answer = await Client().CompleteChatAsync([new UserChatMessage("capital?")], options, Token);

        Assert.Equal("""{"color":"red","kind":"box","count":3,"weight":1,"open":true,"tags":["The capital of France is Paris."],"either":null}""", answer.Content[0].Text);
    }

    [Fact]
    public async Task CompleteChat_QuestionThatContinuesAnother_IsUnderstood()
    {
        List<ChatMessage> messages = [new UserChatMessage("What is the capital of France?"), new AssistantChatMessage("The capital of France is Paris."), new UserChatMessage("And of Japan?")];

        ChatCompletion answer = await Client().CompleteChatAsync(messages, cancellationToken: Token);

        Assert.Equal("The capital of Japan is Tokyo.", answer.Content[0].Text);
    }

    [Theory]
    [InlineData("Authorization", "Bearer " + ScriptedOpenAI.ApiKey, 200)]
    [InlineData("api-key", ScriptedOpenAI.ApiKey, 200)]
    [InlineData("api-key", "something-else", 401)]
    public async Task Azure_ByItsV1Address_TakesEitherHeader(string header, string value, int status)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_endpoint.AzureEndpoint, "models?api-version=preview"));
        request.Headers.TryAddWithoutValidation(header, value);
        using var response = await http.SendAsync(request, Token);

        Assert.EndsWith("/openai/v1/", _endpoint.AzureEndpoint.AbsoluteUri, StringComparison.Ordinal);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Azure_KeyHeaderAtOpenAIsAddress_IsRefused()
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, _endpoint.Endpoint + "/models");
        request.Headers.Add("api-key", ScriptedOpenAI.ApiKey);
        using var response = await http.SendAsync(request, Token);

        Assert.Equal(401, (int)response.StatusCode);
    }

    [Fact]
    public async Task Models_Listed_CanEachBeAskedFor()
    {
        var client = new OpenAIClient(new ApiKeyCredential(ScriptedOpenAI.ApiKey), new OpenAIClientOptions { Endpoint = _endpoint.Endpoint }).GetOpenAIModelClient();

        var models = (await client.GetModelsAsync(Token)).Value;
        var small = (await client.GetModelAsync("text-embedding-3-small", Token)).Value;
        var error = await Assert.ThrowsAsync<ClientResultException>(() => client.GetModelAsync("no-such-model", Token));

        Assert.Contains(models, model => model.Id == "gpt-4o-mini");
        Assert.Equal("text-embedding-3-small", small.Id);
        Assert.Equal(404, error.Status);
    }

    [Theory]
    [InlineData("/moderations")]
    [InlineData("/files/file.bin")]
    public async Task Post_UnknownPath_AnswersOpenAIsError(string path)
    {
        using var response = await PostAsync("{}", path);

        Assert.Equal(404, (int)response.StatusCode);
        Assert.Contains("Invalid URL (POST /v1" + path + ")", await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_TooLarge_AnswersOpenAIsError()
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint.Endpoint + "/chat/completions") { Content = new ByteArrayContent(new byte[5 * 1024 * 1024]) };
        request.Headers.Authorization = new("Bearer", ScriptedOpenAI.ApiKey);

        // Asks before it sends: else the refusal comes while the body is on its way, and breaks the connection.
        request.Headers.ExpectContinue = true;
        using var response = await http.SendAsync(request, Token);

        Assert.Equal(413, (int)response.StatusCode);
        Assert.Contains("invalid_request_error", await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
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
    [InlineData("""{"model":"gpt-4o-mini"}""", 400, "missing_required_parameter")]
    [InlineData("""{"messages":[]}""", 400, null)]
    [InlineData("""{"model":"gpt-image-1","messages":[{"role":"user","content":"x"}]}""", 404, "model_not_found")]
    [InlineData("""{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}],"response_format":{"type":"xml"}}""", 400, "unsupported_value")]
    [InlineData("""{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"schema":{"$ref":"#"}}}}""", 400, null)]
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

    private async Task<HttpResponseMessage> PostAsync(string body, string path = "/chat/completions")
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint.Endpoint + path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", ScriptedOpenAI.ApiKey);
        return await http.SendAsync(request, Token);
    }
}
