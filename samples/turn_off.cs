#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

await using var sample = await Sample.StartAsync();

Mlflow.OpenAI.Autolog();
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-turn-off-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);
ChatCompletion traced = client.CompleteChat("What is the capital of France?");
Console.WriteLine($"Traced: {traced.Content[0].Text}");

// Turn auto-tracing for OpenAI off; Mlflow.Autolog(disable: true) does it for every integration
Mlflow.OpenAI.Autolog(disable: true);

ChatCompletion untraced = client.CompleteChat("What is the capital of France?");
Console.WriteLine($"Not traced: {untraced.Content[0].Text}");
