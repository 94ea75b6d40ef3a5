using OpenAI.Chat;

namespace MLflow.EndToEnd.Tests.Repository;

/// <summary>README's example, so that it compiles; <see cref="ReadmeTests"/> compares the two.</summary>
internal static class ReadmeExample
{
    public static async Task RunAsync()
    {
        // <example>
        Mlflow.SetTrackingUri("http://127.0.0.1:5000");
        Mlflow.SetExperiment("weather");
        Mlflow.OpenAI.Autolog();    // from here on every OpenAI call of this process becomes a trace

        var client = new ChatClient("gpt-4o-mini", Environment.GetEnvironmentVariable("OPENAI_API_KEY"));
        string advice = await AdviseAsync("Tokyo");
        Console.WriteLine($"{advice} ({Mlflow.GetLastActiveTraceId()})");

        [Trace(SpanType.Agent)]     // each call is a span: inputs, output, exception
        async Task<string> AdviseAsync(string city)
        {
            ChatCompletion answer = await client.CompleteChatAsync($"It is {GetWeather(city)} in {city}. What shall I wear?");
            return answer.Content[0].Text;
        }

        [Trace(SpanType.Tool)]
        static string GetWeather(string city) => "sunny, 24 °C";
        // </example>
    }
}
