using System.ClientModel;
using System.Text;
using MLflow;
using MLflow.AotSmoke;
using OpenAI;
using OpenAI.Chat;

// A native binary traces a call, a stream and a span, and the far end really gets them. Exit code 0 when everything arrived.
using var endpoint = new LoopbackEndpoint();

Mlflow.OpenAI.Autolog();
Mlflow.SetTrackingUri(endpoint.Address);
Mlflow.SetExperiment("aot-smoke");

var chat = new ChatClient("gpt-4o-mini", new ApiKeyCredential("sk-smoke"), new OpenAIClientOptions { Endpoint = new Uri(endpoint.Address + "/v1") });
ChatCompletion answer = await chat.CompleteChatAsync("What is the capital of France?");
var streamed = new StringBuilder();
await foreach (var update in chat.CompleteChatStreamingAsync("And of Japan?"))
{
    foreach (var part in update.ContentUpdate)
    {
        streamed.Append(part.Text);
    }
}

var sunny = Mlflow.Trace("get_weather", SpanType.Tool, span =>
{
    span.SetInputs(new Dictionary<string, string> { ["city"] = "東京" });
    return "sunny";
});

var flushed = await Mlflow.FlushAsync();
string[] expected = ["What is the capital of France?", "Paris", "And of Japan?", "Tokyo", "get_weather", "東京", "CHAT_MODEL", "mlflow.chunk.item.0"];
var received = endpoint.ReceivedSpans;
foreach (var (reason, count) in flushed.DroppedBy)
{
    Console.WriteLine($"dropped {count}: {reason}, {flushed.LastError}");
}

var missing = expected.Where(e => received.AsSpan().IndexOf(Encoding.UTF8.GetBytes(e)) < 0).ToList();
Console.WriteLine($"answer '{answer.Content[0].Text}', streamed '{streamed}', tool '{sunny}', exported {flushed.Exported}, dropped {flushed.Dropped}, infos {endpoint.ReceivedInfos}");
foreach (var text in missing)
{
    Console.WriteLine($"not received: {text}");
}

return missing.Count == 0 && flushed is { Exported: 3, Dropped: 0 } && endpoint.ReceivedInfos == 3 ? 0 : 1;
