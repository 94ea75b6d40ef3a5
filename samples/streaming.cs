#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

await using var sample = await Sample.StartAsync();

// Enable trace logging
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-streaming-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);

var stream = client.CompleteChatStreaming(new UserChatMessage("How fast would a glass of water freeze on Titan?"));

foreach (var chunk in stream)
{
    Console.Write(string.Concat(chunk.ContentUpdate.Select(part => part.Text)));
}

Console.WriteLine();
