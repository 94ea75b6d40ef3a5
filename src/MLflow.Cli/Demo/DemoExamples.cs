using System.ClientModel;
using System.Text.Json;
using OpenAI.Chat;

namespace MLflow.Cli.Demo;

/// <summary>The examples of the documentation, through the official OpenAI package.</summary>
internal static class DemoExamples
{
    public const string Model = "gpt-4o-mini";

    private const string Capital = "What is the capital of France?";
    private const string Titan = "How fast would a glass of water freeze on Titan?";
    private const string Weather = "What's the weather like in Paris today?";

    private static readonly ChatTool GetWeatherTool = ChatTool.CreateFunctionTool(
        "get_weather",
        functionParameters: BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""));

    public static IReadOnlyList<DemoExample> All { get; } =
    [
        new("basic", Basic),
        new("streaming", Streaming),
        new("async", AsyncCall),
        new("async streaming", AsyncStreaming),

        // The agent, two model calls, and the tool if the model asks for it.
        new("function-calling agent", RunToolAgentAsync, MinSpans: 3),
        new("failing call", FailingCall, State: "ERROR"),
    ];

    private static Task Basic(ChatClient client, CancellationToken cancellationToken)
    {
        client.CompleteChat([new UserChatMessage(Capital)], new ChatCompletionOptions { Temperature = 0.1f, MaxOutputTokenCount = 100 }, cancellationToken);
        return Task.CompletedTask;
    }

    private static Task Streaming(ChatClient client, CancellationToken cancellationToken)
    {
        foreach (var _ in client.CompleteChatStreaming([new UserChatMessage(Titan)], cancellationToken: cancellationToken))
        {
        }

        return Task.CompletedTask;
    }

    private static async Task AsyncCall(ChatClient client, CancellationToken cancellationToken) =>
        await client.CompleteChatAsync([new UserChatMessage(Titan)], cancellationToken: cancellationToken);

    private static async Task AsyncStreaming(ChatClient client, CancellationToken cancellationToken)
    {
        await foreach (var _ in client.CompleteChatStreamingAsync([new UserChatMessage(Titan)], cancellationToken: cancellationToken))
        {
        }
    }

    private static Task<string> RunToolAgentAsync(ChatClient client, CancellationToken cancellationToken) =>
        Mlflow.TraceAsync("run_tool_agent", SpanType.Agent, async span =>
        {
            span.SetInputs(new Dictionary<string, object?> { ["question"] = Weather });
            List<ChatMessage> messages = [new UserChatMessage(Weather)];
            ChatCompletion answer = await client.CompleteChatAsync(messages, new ChatCompletionOptions { Tools = { GetWeatherTool } }, cancellationToken);
            if (answer.FinishReason == ChatFinishReason.ToolCalls)
            {
                messages.Add(new AssistantChatMessage(answer));
                foreach (var call in answer.ToolCalls)
                {
                    using var arguments = JsonDocument.Parse(call.FunctionArguments);
                    messages.Add(new ToolChatMessage(call.Id, GetWeather(arguments.RootElement.GetProperty("city").GetString())));
                }

                answer = await client.CompleteChatAsync(messages, cancellationToken: cancellationToken);
            }

            return answer.Content[0].Text;
        });

    private static string GetWeather(string? city) => Mlflow.Trace("get_weather", SpanType.Tool, span =>
    {
        span.SetInputs(new Dictionary<string, object?> { ["city"] = city });
        return city switch
        {
            "Tokyo" => "sunny",
            "Paris" => "rainy",
            _ => "unknown",
        };
    });

    /// <summary>A temperature that the API does not allow.</summary>
    private static async Task FailingCall(ChatClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.CompleteChatAsync([new UserChatMessage(Capital)], new ChatCompletionOptions { Temperature = 9 }, cancellationToken);
        }
        catch (ClientResultException e) when (e.Status is 400 or 422)
        {
            // Expected: the trace shows what the API answered.
        }
    }
}
