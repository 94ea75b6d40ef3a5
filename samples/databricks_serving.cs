#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI;

// With DATABRICKS_HOST and DATABRICKS_TOKEN: your workspace's serving endpoints. The model is the name of an endpoint.
await using var sample = await Sample.StartServingAsync();
var endpoint = Environment.GetEnvironmentVariable("DATABRICKS_SERVING_ENDPOINT") is { Length: > 0 } name ? name : "gpt-4o-mini";

// Enable auto-tracing for OpenAI, serving endpoints included
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking to Databricks: the URI is "databricks"
Mlflow.SetTrackingUri(sample.WorkspaceUri);
Mlflow.SetExperiment("/Shared/serving-endpoint-demo");

// https://….cloud.databricks.com/serving-endpoints speaks to the OpenAI package itself
var client = new OpenAIClient(sample.Key, sample.Options).GetChatClient(endpoint);

await foreach (var chunk in client.CompleteChatStreamingAsync("What is the capital of France?"))
{
    Console.Write(string.Concat(chunk.ContentUpdate.Select(part => part.Text)));
}

Console.WriteLine();
