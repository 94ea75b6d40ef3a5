#:project Setup
#:package OpenAI

using System.Text.Json;
using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

await using var sample = await Sample.StartAsync();

Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-function-agent-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);

// Define the tool function. With [Trace] each call of it is a span.
[Trace(SpanType.Tool)]
static string GetWeather(string city) => city switch
{
    "Tokyo" => "sunny",
    "Paris" => "rainy",
    _ => "unknown",
};

var tool = ChatTool.CreateFunctionTool(
    "get_weather",
    functionParameters: BinaryData.FromString("""{"type": "object", "properties": {"city": {"type": "string"}}}"""));

var toolFunctions = new Dictionary<string, Func<JsonElement, string>>
{
    ["get_weather"] = arguments => GetWeather(arguments.GetProperty("city").GetString()!),
};

// Define a simple tool calling agent
[Trace(SpanType.Agent)]
string RunToolAgent(string question)
{
    List<ChatMessage> messages = [new UserChatMessage(question)];

    // Invoke the model with the given question and available tools
    ChatCompletion response = client.CompleteChat(messages, new ChatCompletionOptions { Tools = { tool } });
    messages.Add(new AssistantChatMessage(response));

    // If the model requests tool calls, invoke the function with the specified arguments
    foreach (var toolCall in response.ToolCalls)
    {
        var toolFunction = toolFunctions.GetValueOrDefault(toolCall.FunctionName)
            ?? throw new InvalidOperationException("An invalid tool is returned from the assistant!");
        using var arguments = JsonDocument.Parse(toolCall.FunctionArguments);
        messages.Add(new ToolChatMessage(toolCall.Id, toolFunction(arguments.RootElement)));
    }

    // Send the tool results to the model and get a new response
    if (response.ToolCalls.Count > 0)
    {
        response = client.CompleteChat(messages);
    }

    return response.Content[0].Text;
}

// Run the tool calling agent
var answer = RunToolAgent("What's the weather like in Paris today?");

Console.WriteLine(answer);
