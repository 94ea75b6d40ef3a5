using System.ClientModel;
using System.Text;
using System.Text.Json.Nodes;
using MLflow.Cli.Demo.Scripted;
using OpenAI;
using OpenAI.Responses;
using Xunit;

namespace MLflow.EndToEnd.Tests.Cli;

public sealed class ScriptedResponsesTests : IAsyncLifetime
{
    private const string Model = "gpt-4o-mini";

    private static readonly ResponseTool GetWeather = ResponseTool.CreateFunctionTool(
        "get_weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""), strictModeEnabled: false);

    private ScriptedOpenAI _endpoint = null!;
    private ResponsesClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _endpoint = await ScriptedOpenAI.StartAsync(cancellationToken: Token);
        _client = new OpenAIClient(new ApiKeyCredential(ScriptedOpenAI.ApiKey), new OpenAIClientOptions { Endpoint = _endpoint.Endpoint }).GetResponsesClient();
    }

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    [Fact]
    public async Task CreateResponse_KnownQuestion_AnswersWithUsage()
    {
        ResponseResult answer = await _client.CreateResponseAsync(Model, "What is the capital of France?", cancellationToken: Token);

        Assert.Equal("The capital of France is Paris.", answer.GetOutputText());
        Assert.Equal(ResponseStatus.Completed, answer.Status);
        Assert.StartsWith("resp_", answer.Id, StringComparison.Ordinal);
        Assert.Equal(Model, answer.Model);
        Assert.True(answer.Usage.InputTokenCount > 0);
        Assert.Equal(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task CreateResponse_PreviousResponse_ContinuesItsConversation()
    {
        ResponseResult first = await _client.CreateResponseAsync(Model, "What is the capital of France?", cancellationToken: Token);
        ResponseResult alone = await _client.CreateResponseAsync(Model, "And of Japan?", cancellationToken: Token);
        ResponseResult next = await _client.CreateResponseAsync(Model, "And of Japan?", first.Id, Token);

        Assert.Contains("no line prepared", alone.GetOutputText(), StringComparison.Ordinal);
        Assert.Equal("The capital of Japan is Tokyo.", next.GetOutputText());
        Assert.Equal(first.Id, next.PreviousResponseId);
        Assert.True(next.Usage.InputTokenCount > alone.Usage.InputTokenCount);
    }

    [Fact]
    public async Task CreateResponse_NotStored_CannotBeContinued()
    {
        ResponseResult first = await _client.CreateResponseAsync(
            new CreateResponseOptions(Model, [ResponseItem.CreateUserMessageItem("capital?")]) { StoredOutputEnabled = false }, Token);
        var error = await Assert.ThrowsAsync<ClientResultException>(() => _client.CreateResponseAsync(Model, "And of Japan?", first.Id, Token));

        Assert.Equal(400, error.Status);
        Assert.Contains("previous_response_not_found", error.GetRawResponse()!.Content.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateResponse_ManyLater_ForgetsTheOldest()
    {
        ResponseResult oldest = await _client.CreateResponseAsync(Model, "capital?", cancellationToken: Token);
        ResponseResult[] later = await Task.WhenAll(Enumerable.Range(0, ResponseMemory.Capacity).Select(async _ => (await _client.CreateResponseAsync(Model, "capital?", cancellationToken: Token)).Value));

        await Assert.ThrowsAsync<ClientResultException>(() => _client.CreateResponseAsync(Model, "And of Japan?", oldest.Id, Token));
        ResponseResult next = await _client.CreateResponseAsync(Model, "And of Japan?", later[^1].Id, Token);
        Assert.Equal("The capital of Japan is Tokyo.", next.GetOutputText());
    }

    [Fact]
    public async Task CreateResponse_ToolsOffered_CallsThemAndAnswersFromTheirResults()
    {
        ResponseResult calls = await _client.CreateResponseAsync(
            new CreateResponseOptions(Model, [ResponseItem.CreateUserMessageItem("What's the weather like in Paris and Tokyo today?")]) { Tools = { GetWeather } }, Token);
        var asked = calls.OutputItems.Cast<FunctionCallResponseItem>().ToList();

        Assert.Equal(["""{"city":"Paris"}""", """{"city":"Tokyo"}"""], asked.Select(call => call.FunctionArguments.ToString()));

        ResponseResult answer = await _client.CreateResponseAsync(
            Model, [ResponseItem.CreateFunctionCallOutputItem(asked[0].CallId, "rainy"), ResponseItem.CreateFunctionCallOutputItem(asked[1].CallId, "sunny")], calls.Id, Token);
        Assert.Equal("The weather in Paris today is rainy. The weather in Tokyo today is sunny.", answer.GetOutputText());

        // The results of an earlier question are not told again.
        ResponseResult again = await _client.CreateResponseAsync(
            new CreateResponseOptions(Model, [ResponseItem.CreateUserMessageItem("And in London?")]) { Tools = { GetWeather }, PreviousResponseId = answer.Id }, Token);
        var london = Assert.IsType<FunctionCallResponseItem>(Assert.Single(again.OutputItems));
        ResponseResult last = await _client.CreateResponseAsync(Model, [ResponseItem.CreateFunctionCallOutputItem(london.CallId, "unknown")], again.Id, Token);
        Assert.Equal("The weather in London today is unknown.", last.GetOutputText());
    }

    [Fact]
    public async Task CreateResponse_TokenLimit_IsIncomplete()
    {
        ResponseResult answer = await _client.CreateResponseAsync(
            new CreateResponseOptions(Model, [ResponseItem.CreateUserMessageItem("What is the capital of France?")]) { MaxOutputTokenCount = 2 }, Token);

        Assert.Equal("The capital", answer.GetOutputText());
        Assert.Equal(ResponseStatus.Incomplete, answer.Status);
        Assert.Equal(2, answer.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task Stream_Text_HasTheEventsOfTheRealOne()
    {
        using var response = await PostAsync("""{"model":"gpt-4o-mini","input":"What is the capital of France?","stream":true}""");
        var events = Events(await response.Content.ReadAsStringAsync(Token));

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(each => each["sequence_number"]!.GetValue<int>()));
        Assert.Equal(
            [
                "response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.delta",
                "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
            ],
            events.Select(each => each["type"]!.GetValue<string>()).Distinct());
        Assert.Equal("The capital of France is Paris.", string.Concat(events.Select(each => each["delta"]?.GetValue<string>())));
        Assert.Equal("The capital of France is Paris.", events[^1]["response"]!["output"]![0]!["content"]![0]!["text"]!.GetValue<string>());
        Assert.NotNull(events[^1]["response"]!["usage"]);
        Assert.Null(events[0]["response"]!["usage"]);
    }

    [Fact]
    public async Task Stream_ToolsOffered_StreamsTheArguments()
    {
        var calls = new List<FunctionCallResponseItem>();
        var arguments = new StringBuilder();
        var options = new CreateResponseOptions(Model, [ResponseItem.CreateUserMessageItem("今日の東京の天気は？")]) { Tools = { GetWeather }, StreamingEnabled = true };
        await foreach (var update in await _client.CreateResponseStreamingAsync(options, Token))
        {
            if (update is StreamingResponseFunctionCallArgumentsDeltaUpdate delta)
            {
                arguments.Append(delta.Delta);
            }

            if (update is StreamingResponseOutputItemDoneUpdate { Item: FunctionCallResponseItem call })
            {
                calls.Add(call);
            }
        }

        Assert.Equal("""{"city":"Tokyo"}""", arguments.ToString());
        Assert.Equal("""{"city":"Tokyo"}""", Assert.Single(calls).FunctionArguments.ToString());
    }

    [Theory]
    [InlineData("""{"model":"gpt-4o-mini"}""", "missing_required_parameter")]
    [InlineData("""{"model":"gpt-4o-mini","input":"x","background":true}""", "unsupported_value")]
    [InlineData("""{"model":"gpt-4o-mini","input":"x","tools":[{"type":"web_search"}]}""", "unsupported_value")]
    [InlineData("""{"model":"gpt-4o-mini","input":[{"type":"item_reference","id":"x"}]}""", "unsupported_value")]
    [InlineData("""{"model":"gpt-4o-mini","input":[{"type":"function_call_output","output":"x"}]}""", "missing_required_parameter")]
    [InlineData("""{"model":"gpt-4o-mini","input":"x","previous_response_id":"resp_never"}""", "previous_response_not_found")]
    public async Task Post_BadRequest_AnswersOpenAIsError(string body, string code)
    {
        using var response = await PostAsync(body);
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!["error"]!;

        Assert.Equal(400, (int)response.StatusCode);
        Assert.Equal(code, error["code"]!.GetValue<string>());
    }

    [Fact]
    public async Task Post_ConversationTooLong_AnswersOpenAIsError()
    {
        using var response = await PostAsync($$"""{"model":"gpt-4o-mini","input":"{{new string('x', 600_000)}}"}""");

        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains("context_length_exceeded", await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    /// <summary>The data of each event; its name must be the type that the data name.</summary>
    private static List<JsonNode> Events(string stream)
    {
        var events = new List<JsonNode>();
        foreach (var block in stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = block.Split('\n');
            var data = JsonNode.Parse(lines[1]["data: ".Length..])!;
            Assert.Equal("event: " + data["type"], lines[0]);
            events.Add(data);
        }

        return events;
    }

    private async Task<HttpResponseMessage> PostAsync(string body)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint.Endpoint + "/responses") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new("Bearer", ScriptedOpenAI.ApiKey);
        return await http.SendAsync(request, Token);
    }
}
