#:project Setup
#:package OpenAI
#:property NoWarn=$(NoWarn);OPENAI001

using System.Text.Json;
using MLflow;
using MLflow.Samples;
using OpenAI;
using OpenAI.Responses;

const string Model = "gpt-4o-mini";

await using var sample = await Sample.StartAsync();

// Enable trace logging
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-responses-demo");

var client = new OpenAIClient(sample.Key, sample.Options).GetResponsesClient();

ResponseResult response = await client.CreateResponseAsync(Model, "What is the capital of France?");
Console.WriteLine(response.GetOutputText());

// The service keeps the conversation: the next question continues it
ResponseResult next = await client.CreateResponseAsync(Model, "And of Japan?", previousResponseId: response.Id);
Console.WriteLine(next.GetOutputText());

// Streamed
await foreach (var update in await client.CreateResponseStreamingAsync(Model, "How fast would a glass of water freeze on Titan?"))
{
    if (update is StreamingResponseOutputTextDeltaUpdate text)
    {
        Console.Write(text.Delta);
    }
}

Console.WriteLine();

// With a tool. Mlflow.Trace creates a span for its execution.
string GetWeather(string city) => Mlflow.Trace("get_weather", SpanType.Tool, span =>
{
    span.SetInputs(new Dictionary<string, string> { ["city"] = city });
    return city == "Paris" ? "rainy" : "sunny";
});

var tool = ResponseTool.CreateFunctionTool(
    "get_weather",
    BinaryData.FromString("""{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false}"""),
    strictModeEnabled: true);

var answer = await Mlflow.TraceAsync("run_tool_agent", SpanType.Agent, async span =>
{
    const string Question = "What's the weather like in Paris today?";
    span.SetInputs(new Dictionary<string, string> { ["question"] = Question });
    ResponseResult result = await client.CreateResponseAsync(
        new CreateResponseOptions(Model, [ResponseItem.CreateUserMessageItem(Question)]) { Tools = { tool } });

    // If the model asks for the tool, invoke it and send its results
    List<ResponseItem> outputs = [];
    foreach (var call in result.OutputItems.OfType<FunctionCallResponseItem>())
    {
        using var arguments = JsonDocument.Parse(call.FunctionArguments);
        outputs.Add(ResponseItem.CreateFunctionCallOutputItem(call.CallId, GetWeather(arguments.RootElement.GetProperty("city").GetString()!)));
    }

    if (outputs.Count > 0)
    {
        result = await client.CreateResponseAsync(Model, outputs, previousResponseId: result.Id);
    }

    return result.GetOutputText();
});

Console.WriteLine(answer);
