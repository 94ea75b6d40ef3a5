#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

await using var sample = await Sample.StartAsync();

// Enable auto-tracing for OpenAI
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-tracing-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);

ChatCompletion response = client.CompleteChat(
    [new UserChatMessage("What is the capital of France?")],
    new ChatCompletionOptions { Temperature = 0.1f, MaxOutputTokenCount = 100 });

Console.WriteLine(response.Content[0].Text);
