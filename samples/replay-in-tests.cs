#:project Setup
#:package OpenAI

using System.ClientModel;
using System.ClientModel.Primitives;
using MLflow;
using MLflow.Samples;
using OpenAI;
using OpenAI.Chat;

await using var sample = await Sample.StartAsync();

Mlflow.OpenAI.Autolog();
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-replay-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);
ChatCompletion recorded = client.CompleteChat("What is the capital of France?");
Console.WriteLine($"Recorded: {recorded.Content[0].Text}");

// Read the trace back; a test may as well keep it as a file and use TraceRecord.Parse
await Mlflow.FlushAsync();
var trace = await Mlflow.GetTraceAsync(Mlflow.GetLastActiveTraceId()!);

// The same call is answered from the trace: no key, no network. Any other one throws and says where it differs
using var http = new HttpClient(trace.CreateReplayHandler());
var options = new OpenAIClientOptions { Transport = new HttpClientPipelineTransport(http) };
var offline = new ChatClient("gpt-4o-mini", new ApiKeyCredential("unused"), options);
ChatCompletion replayed = offline.CompleteChat("What is the capital of France?");
Console.WriteLine($"Replayed: {replayed.Content[0].Text}");
