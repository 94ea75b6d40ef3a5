#:project Setup
#:package OpenAI

using System.Text.Json;
using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

await using var sample = await Sample.StartAsync();

// Enable trace logging
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-structured-output-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);

// The answer will be JSON that fits this schema
var schema = BinaryData.FromString("""
    {
      "type": "object",
      "properties": {
        "steps": {
          "type": "array",
          "items": {
            "type": "object",
            "properties": { "explanation": { "type": "string" }, "output": { "type": "string" } },
            "required": ["explanation", "output"],
            "additionalProperties": false
          }
        },
        "final_answer": { "type": "string" }
      },
      "required": ["steps", "final_answer"],
      "additionalProperties": false
    }
    """);

ChatCompletion response = await client.CompleteChatAsync(
    [new UserChatMessage("How can I solve 8x + 7 = -23?")],
    new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("math_reasoning", schema, jsonSchemaIsStrict: true) });

using var answer = JsonDocument.Parse(response.Content[0].Text);
foreach (var step in answer.RootElement.GetProperty("steps").EnumerateArray())
{
    Console.WriteLine($"{step.GetProperty("output")}    {step.GetProperty("explanation")}");
}

Console.WriteLine(answer.RootElement.GetProperty("final_answer"));
