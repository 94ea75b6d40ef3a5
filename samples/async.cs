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
Mlflow.SetExperiment("openai-async-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);

ChatCompletion response = await client.CompleteChatAsync(
    new UserChatMessage("How fast would a glass of water freeze on Titan?")); // Async streaming is also supported: async_streaming.cs

Console.WriteLine(response.Content[0].Text);
