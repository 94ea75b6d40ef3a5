#:project Setup
#:package Microsoft.Extensions.AI
#:package Microsoft.Extensions.AI.OpenAI

using Microsoft.Extensions.AI;
using MLflow;
using MLflow.Samples;

await using var sample = await Sample.StartAsync();

// Enable trace logging: it sees the calls below Microsoft.Extensions.AI
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("extensions-ai-demo");

// Define the tool function. With [Trace] each call of it is a span, also one by a framework.
[Trace(SpanType.Tool, Name = "get_weather")]
static string GetWeather(string city) => city switch
{
    "Tokyo" => "sunny",
    "Paris" => "rainy",
    _ => "unknown",
};

// Microsoft.Extensions.AI invokes the tools that the model asks for
using var client = new OpenAI.Chat.ChatClient("gpt-4o-mini", sample.Key, sample.Options)
    .AsIChatClient()
    .AsBuilder()
    .UseFunctionInvocation()
    .Build();

var answer = await Mlflow.TraceAsync("ask_about_weather", SpanType.Agent, async span =>
{
    const string Question = "What's the weather like in Paris and Tokyo today?";
    span.SetInputs(new Dictionary<string, string> { ["question"] = Question });
    var response = await client.GetResponseAsync(Question, new ChatOptions { Tools = [AIFunctionFactory.Create(GetWeather, "get_weather")] });
    return response.Text;
});

Console.WriteLine(answer);
