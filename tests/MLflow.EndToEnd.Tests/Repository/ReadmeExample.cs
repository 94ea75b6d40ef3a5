using OpenAI.Chat;

namespace MLflow.EndToEnd.Tests.Repository;

/// <summary>README's example, so that it compiles; <see cref="ReadmeTests"/> compares the two.</summary>
internal static class ReadmeExample
{
    public static async Task RunAsync(string apiKey)
    {
        // <example>
        Mlflow.SetTrackingUri("http://127.0.0.1:5000");
        Mlflow.SetExperiment("weather");
        Mlflow.OpenAI.Autolog();    // from here on every OpenAI call of this process becomes a trace

        var client = new ChatClient("gpt-4o-mini", apiKey);
        string advice = await Mlflow.TraceAsync("advise", SpanType.Agent, async span =>
        {
            span.SetInputs(new { city = "Tokyo" });
            string weather = Mlflow.Trace("get_weather", SpanType.Tool, _ => "sunny, 24 °C");
            ChatCompletion answer = await client.CompleteChatAsync($"It is {weather} in Tokyo. What shall I wear?");
            return answer.Content[0].Text;
        });

        Console.WriteLine($"{advice} ({Mlflow.GetLastActiveTraceId()})");
        // </example>
    }
}
