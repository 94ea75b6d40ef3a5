#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI;
using OpenAI.Chat;

// With AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY: your resource. The model is the name of a deployment.
await using var sample = await Sample.StartAzureAsync();
var deployment = Environment.GetEnvironmentVariable("AZURE_OPENAI_DEPLOYMENT") is { Length: > 0 } name ? name : "gpt-4o-mini";

// Enable auto-tracing for OpenAI, Azure's included
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("azure-openai-demo");

// Azure's v1 address, https://….openai.azure.com/openai/v1/, speaks to the OpenAI package itself
var client = new OpenAIClient(sample.Key, sample.Options).GetChatClient(deployment);

ChatCompletion response = await client.CompleteChatAsync("What is the capital of France?");

Console.WriteLine(response.Content[0].Text);
