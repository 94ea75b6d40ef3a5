using System.ClientModel;
using System.Text;
using MLflow;
using MLflow.AotSmoke;
using OpenAI;
using OpenAI.Chat;

// A native binary traces a call, a stream, a span and methods with [Trace], and the far end really gets them; feedback and a search work too. Exit code 0 when everything arrived.
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

var plan = await PlanAsync("大阪", 2, new Money(3));

var flushed = await Mlflow.FlushAsync();
string[] expected = ["What is the capital of France?", "Paris", "And of Japan?", "Tokyo", "get_weather", "東京", "CHAT_MODEL", "mlflow.chunk.item.0", "PlanAsync", "大阪", "3 coins", "Days", "Pick", "Tuesday"];
var received = endpoint.ReceivedSpans;
foreach (var (reason, count) in flushed.DroppedBy)
{
    Console.WriteLine($"dropped {count}: {reason}, {flushed.LastError}");
}

var missing = expected.Where(e => received.AsSpan().IndexOf(Encoding.UTF8.GetBytes(e)) < 0).ToList();
Console.WriteLine($"answer '{answer.Content[0].Text}', streamed '{streamed}', tool '{sunny}', plan '{plan}', exported {flushed.Exported}, dropped {flushed.Dropped}, infos {endpoint.ReceivedInfos}");
foreach (var text in missing)
{
    Console.WriteLine($"not received: {text}");
}

// Where System.Text.Json has no reflection, values are written and answers are read without it too.
var feedback = await Mlflow.LogFeedbackAsync("tr-1", "helpful", new Dictionary<string, object?> { ["stars"] = 4, ["by"] = "ada" }, AssessmentSource.Human("ada"));
var found = await Mlflow.SearchTracesAsync("trace.status = 'OK'").SingleAsync();
var isAsked = feedback.Value?.GetProperty("stars").GetInt32() == 4 && found.Spans is [{ Name: "found" }];
Console.WriteLine($"feedback {feedback}, found {found}");

return isAsked && missing.Count == 0 && flushed is { Exported: 4, Dropped: 0 } && endpoint.ReceivedInfos == 4 && plan == "Monday-Tuesday of 2" ? 0 : 1;

// Of a generic method, a value type and both kinds of iterators, native code has to be made for what was woven.
[Trace(SpanType.Agent)]
static async Task<string> PlanAsync<T>(string city, int count, T budget)
{
    await Task.Yield();
    var days = new List<string>();
    await foreach (var day in Days(count))
    {
        days.Add(day);
    }

    return $"{string.Join('-', days)} of {Pick(days.Select(day => day.Length).ToArray()).Count()}";
}

[Trace]
static async IAsyncEnumerable<string> Days(int count)
{
    for (var i = 1; i <= count; i++)
    {
        await Task.Yield();
        yield return ((DayOfWeek)i).ToString();
    }
}

[Trace]
static IEnumerable<Money> Pick(ReadOnlySpan<int> lengths) => lengths.ToArray().Select(length => new Money(length)).ToList();
