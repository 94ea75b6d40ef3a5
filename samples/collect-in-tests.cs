#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

// A test of an agent, with the test framework of your choice around it. Its traces are collected, not sent
var sample = await Sample.StartAsync();
var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);
Mlflow.OpenAI.Autolog();

await using var traces = TraceCollector.Start();
await AskAsync("What is the capital of France?");

// Waits for what is recorded in the background
var trace = await traces.GetTraceAsync();
var call = trace.GetSpan(spanType: SpanType.ChatModel);
Check(trace.ParentOf(call) == trace.GetSpan("AskAsync"), "the call is below the agent");
Check(call.Outputs!.Value.ToString().Contains("Paris", StringComparison.Ordinal), "the model was asked and has answered");
Check(trace.FindSpans(spanType: SpanType.Tool).Count == 0, "no tool was needed");
Console.WriteLine(trace);

[Trace(SpanType.Agent)]
async Task<string> AskAsync(string question)
{
    ChatCompletion answer = await client.CompleteChatAsync(question);
    return answer.Content[0].Text;
}

void Check(bool isTrue, string what) => Console.WriteLine(isTrue ? $"ok: {what}" : throw new InvalidOperationException($"Not so: {what}.{Environment.NewLine}{trace}"));
