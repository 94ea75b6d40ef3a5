#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

// With DATABRICKS_HOST and DATABRICKS_TOKEN, or after 'databricks auth login': your workspace
await using var sample = await Sample.StartDatabricksAsync();

// Enable auto-tracing for OpenAI
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking to Databricks: the URI is "databricks"
Mlflow.SetTrackingUri(sample.WorkspaceUri);
Mlflow.SetExperiment("/Shared/openai-tracing-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);

ChatCompletion response = client.CompleteChat(
    [new UserChatMessage("What is the capital of France?")],
    new ChatCompletionOptions { Temperature = 0.1f, MaxOutputTokenCount = 100 });

Console.WriteLine(response.Content[0].Text);
