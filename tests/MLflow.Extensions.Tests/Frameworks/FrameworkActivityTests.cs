using System.Diagnostics;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Connectors.OpenAI;
using MLflow.Sdk.Tests.Capture;
using Xunit;

namespace MLflow.Extensions.Tests.Frameworks;

/// <summary>The activities of the frameworks themselves, next to what is seen on HTTP.</summary>
public sealed class FrameworkActivityTests : ModelTestBase
{
    public static TheoryData<bool, bool, bool> Cases
    {
        get
        {
            var cases = new TheoryData<bool, bool, bool>();
            foreach (var streams in new[] { false, true })
            {
                foreach (var outside in new[] { false, true })
                {
                    cases.Add(streams, outside, false);
                    cases.Add(streams, outside, true);
                }
            }

            return cases;
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task ExtensionsAI_WithItsOwnTelemetry_IsOneSpanWithTheFactsOfHttp(bool streams, bool ownActivities)
    {
        Autolog();
        using var client = OpenAIClient(ownActivities).AsIChatClient().AsBuilder().UseOpenTelemetry(configure: c => c.EnableSensitiveData = true).Build();

        await AskAsync(client, streams, null);

        var span = Assert.Single(await SpansAsync());
        Assert.Equal("AsyncCompletions", span.Name);
        Assert.Equal(SpanType.ChatModel, span.SpanType);
        Assert.Equal(11, span.Usage!.Value.TotalTokens);
        Assert.Equal(200, span.Attribute(AttributeNames.HttpStatus).Int64);
        Assert.Equal(Answer, (string?)Node(span, AttributeNames.Outputs)["choices"]![0]!["message"]!["content"]);
        Assert.All(Traceparents, Assert.Null);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task ExtensionsAI_WithTools_IsOneSpanForEachCallAndTool(bool streams, bool isOutside, bool ownActivities)
    {
        Autolog();
        var builder = OpenAIClient(ownActivities).AsIChatClient().AsBuilder();
        builder = isOutside
            ? builder.UseOpenTelemetry(configure: c => c.EnableSensitiveData = true).UseFunctionInvocation()
            : builder.UseFunctionInvocation().UseOpenTelemetry(configure: c => c.EnableSensitiveData = true);
        using var client = builder.Build();
        using (Tracer.StartSpan("question", SpanType.Workflow))
        {
            await AskAsync(client, streams, Tool());
        }

        var spans = await SpansAsync();
        Assert.Equal(isOutside ? "WORKFLOW[CHAIN[CHAT_MODEL TASK CHAT_MODEL]]" : "WORKFLOW[CHAT_MODEL TOOL[TASK] CHAT_MODEL]", Tree(spans));
        Assert.All(Traceparents, Assert.Null);
        if (isOutside)
        {
            // Function invocation reports tools only to telemetry further in.
            return;
        }

        var tool = Assert.Single(spans, span => span.SpanType == SpanType.Tool);
        Assert.Equal("get_weather", tool.Name);
        Assert.Equal(City, (string?)Node(tool, AttributeNames.Inputs)["city"]);
        Assert.Contains(Weather, System.Text.RegularExpressions.Regex.Unescape(Json(tool, AttributeNames.Outputs)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ExtensionsAI_OverAnotherProvider_IsASpanWithItsMessages(bool streams)
    {
        Autolog();
        using var client = new InMemoryChatClient().AsBuilder().UseFunctionInvocation().UseOpenTelemetry(configure: c => c.EnableSensitiveData = true).Build();

        await AskAsync(client, streams, Tool());

        var spans = await SpansAsync();
        Assert.Equal("CHAT_MODEL TOOL[TASK] CHAT_MODEL", Tree(spans));
        var last = spans[^1];
        Assert.Equal("in-memory", last.Text(AttributeNames.Provider));
        Assert.Equal("tiny-1", last.Text(AttributeNames.ResponseModel));
        Assert.Equal(8, last.Usage!.Value.TotalTokens);
        Assert.Equal(Answer, (string?)Node(last, AttributeNames.Outputs)["choices"]![0]!["message"]!["content"]);
        var messages = Node(last, AttributeNames.Inputs)["messages"]!.AsArray();
        Assert.Equal(["user", "assistant", "tool"], messages.Select(m => (string?)m!["role"]));
        Assert.Equal("get_weather", (string?)messages[1]!["tool_calls"]![0]!["function"]!["name"]);
        Assert.Equal("get_weather", (string?)Node(last, AttributeNames.ChatTools)[0]!["function"]!["name"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ExtensionsAI_Failing_IsOneSpanWithTheExceptionOfTheProgram(bool streams)
    {
        Autolog();
        using var client = OpenAIClient(ownActivities: true).AsIChatClient().AsBuilder().UseOpenTelemetry().Build();

        var error = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(client, streams, null, "fail"));

        var span = Assert.Single(await SpansAsync());
        Assert.Equal(SpanStatusCode.Error, span.StatusCode);
        Assert.Equal(error.GetType().Name, span.Exception().Text(AttributeNames.ExceptionType));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task AgentFramework_Run_IsAnAgentAboveItsCallsAndTools(bool streams, bool everybodyReports)
    {
        Autolog();
        var chat = OpenAIClient(everybodyReports).AsIChatClient();
        if (everybodyReports)
        {
            chat = chat.AsBuilder().UseFunctionInvocation().UseOpenTelemetry(configure: c => c.EnableSensitiveData = true).Build();
        }

        var agent = new ChatClientAgent(chat, instructions: "Be brief.", name: "Forecaster", tools: [Tool()])
            .AsBuilder().UseOpenTelemetry(configure: c => c.EnableSensitiveData = true).Build();
        using (Tracer.StartSpan("question", SpanType.Workflow))
        {
            if (streams)
            {
                await foreach (var update in agent.RunStreamingAsync("Weather?", cancellationToken: Token))
                {
                    Assert.Null(Activity.Current);
                }
            }
            else
            {
                await agent.RunAsync("Weather?", cancellationToken: Token);
            }

            Assert.Null(Activity.Current);
        }

        var spans = await SpansAsync();
        var agentSpan = Assert.Single(spans, span => span.SpanType == SpanType.Agent);
        Assert.Equal("Forecaster", agentSpan.Name);
        var calls = spans.Where(span => span.SpanType == SpanType.ChatModel).ToList();
        Assert.Equal(2, calls.Count);
        Assert.All(calls, call => Assert.Same(agentSpan, call.Parent));
        Assert.All(calls, call => Assert.Equal("AsyncCompletions", call.Name));
        if (everybodyReports)
        {
            Assert.Equal("WORKFLOW[AGENT[CHAT_MODEL TOOL[TASK] CHAT_MODEL]]", Tree(spans));
        }

        // The agent's own activity has to stay the current one until it is renamed; nothing says that it is recorded.
        Assert.All(Traceparents, header => Assert.True(header?.EndsWith("-00", StringComparison.Ordinal) ?? true));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SemanticKernel_WithTools_IsOneSpanForEachCallAndTool(bool streams)
    {
        Autolog();
        var builder = Kernel.CreateBuilder();
        builder.AddOpenAIChatCompletion("gpt-4o", new OpenAI.OpenAIClient(new System.ClientModel.ApiKeyCredential("sk-test"), new OpenAI.OpenAIClientOptions { Endpoint = new Uri(Server.Address, "/v1") }));
        var kernel = builder.Build();
        kernel.Plugins.AddFromFunctions("Weather", [KernelFunctionFactory.CreateFromMethod(GetWeather, "get_weather")]);
        var chat = kernel.GetRequiredService<IChatCompletionService>();
        var settings = new OpenAIPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(options: new() { AllowConcurrentInvocation = false }) };
        using (Tracer.StartSpan("question", SpanType.Workflow))
        {
            if (streams)
            {
                await foreach (var update in chat.GetStreamingChatMessageContentsAsync(new ChatHistory("Be brief."), settings, kernel, Token))
                {
                    Assert.Null(Activity.Current);
                }
            }
            else
            {
                await chat.GetChatMessageContentsAsync(new ChatHistory("Be brief."), settings, kernel, Token);
            }

            Assert.Null(Activity.Current);
        }

        var spans = await SpansAsync();
        Assert.Equal(2, Server.Bodies.Count);
        Assert.Equal("WORKFLOW[CHAT_MODEL TOOL[TASK] CHAT_MODEL]", Tree(spans));
        Assert.Contains("get_weather", Assert.Single(spans, span => span.SpanType == SpanType.Tool).Name, StringComparison.Ordinal);
        Assert.All(spans.Where(span => span.SpanType == SpanType.ChatModel), span => Assert.Equal("AsyncCompletions", span.Name));
        Assert.All(Traceparents, Assert.Null);
    }

    [Fact]
    public async Task Activities_TheProgramRecords_StayItsOwn()
    {
        Autolog();
        var seen = new List<Activity>();
        using var app = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Experimental.Microsoft.Extensions.AI",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = seen.Add,
        };
        ActivitySource.AddActivityListener(app);
        Activity? inTool = null;
        var tool = AIFunctionFactory.Create(
            (string city) =>
            {
                inTool = Activity.Current;
                return Weather;
            },
            "get_weather");
        using var client = OpenAIClient().AsIChatClient().AsBuilder().UseFunctionInvocation().UseOpenTelemetry().Build();

        await AskAsync(client, streams: false, tool);

        Assert.Equal("execute_tool get_weather", inTool?.DisplayName);
        Assert.Equal(["chat gpt-4o", "execute_tool get_weather", "chat gpt-4o", "orchestrate_tools"], seen.Select(a => a.DisplayName));
        Assert.All(Traceparents, Assert.NotNull);
        Assert.Equal("CHAT_MODEL TOOL CHAT_MODEL", Tree(await SpansAsync()));
    }

    [Fact]
    public async Task Activities_WithoutTracing_AreNotMade()
    {
        Activity? inTool = null;
        var tool = AIFunctionFactory.Create(
            (string city) =>
            {
                inTool = Activity.Current;
                return Weather;
            },
            "get_weather");
        using var client = OpenAIClient().AsIChatClient().AsBuilder().UseFunctionInvocation().UseOpenTelemetry().Build();

        await AskAsync(client, streams: false, tool);

        Assert.Null(inTool);
        Assert.Empty(await SpansAsync());
    }

    private AIFunction Tool() => AIFunctionFactory.Create(GetWeather, "get_weather");

    private string GetWeather(string city)
    {
        Assert.Null(Activity.Current);
        using var span = Tracer.StartSpan("look", SpanType.Task);
        return Weather;
    }

    private static async Task AskAsync(IChatClient client, bool streams, AIFunction? tool, string question = "Weather?")
    {
        var options = new ChatOptions { Tools = tool is null ? null : [tool] };
        var before = Activity.Current;
        if (streams)
        {
            await foreach (var update in client.GetStreamingResponseAsync(question, options, Token))
            {
                Assert.Same(before, Activity.Current);
            }
        }
        else
        {
            await client.GetResponseAsync(question, options, Token);
        }

        Assert.Same(before, Activity.Current);
    }
}
