using System.Text.Json;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Client;

/// <summary>A server that gives MLflow's recorded answers, so that our requests can be laid beside those that MLflow's own client sent.</summary>
internal sealed class RecordedExchanges : IAsyncDisposable
{
    private readonly LoopbackServer _server;
    private readonly List<JsonElement> _exchanges;
    private readonly Queue<JsonElement> _answers;

    private RecordedExchanges(LoopbackServer server, List<JsonElement> exchanges)
    {
        _server = server;
        _exchanges = exchanges;
        _answers = new Queue<JsonElement>(exchanges.Select(exchange => exchange.GetProperty("response")));
        server.Intercept = async (context, _) =>
        {
            var answer = _answers.Dequeue();
            await LoopbackServer.AnswerAsync(context, answer.GetProperty("status").GetInt32(), answer.GetProperty("body").GetProperty("json").GetRawText());
            return true;
        };
    }

    public static async Task<RecordedExchanges> LoadAsync(string name)
    {
        var path = SharedFolder.Find($"golden/wire-py-{name}.json");
        Assert.SkipWhen(path is null, "The folder with recorded traffic is not there; MLFLOW_TEST_SHARED names it.");
        return new RecordedExchanges(await LoopbackServer.StartAsync(), [.. JsonDocument.Parse(await File.ReadAllBytesAsync(path!)).RootElement.EnumerateArray()]);
    }

    public MlflowClient Client(string? experiment = null) => Some.Client(_server, experiment);

    /// <summary>The JSON that the real client sent in that request.</summary>
    public JsonElement Body(int index = 0) => _exchanges[index].GetProperty("request").GetProperty("body").GetProperty("json");

    /// <summary>Each request that came has method, path and JSON of the recorded one; times may be others.</summary>
    public void AssertSameRequests()
    {
        Assert.Equal(_exchanges.Select(exchange => Describe(exchange.GetProperty("request"))), _server.Requests.Select(Describe));
        foreach (var (exchange, request) in _exchanges.Zip(_server.Requests).Where(pair => pair.First.GetProperty("request").GetProperty("body").ValueKind == JsonValueKind.Object))
        {
            Assert.Equal("application/json", request.Header("Content-Type"));
            var theirs = WithoutTimes(exchange.GetProperty("request").GetProperty("body").GetProperty("json"));
            var ours = WithoutTimes(request.Json);
            Assert.True(JsonNode.DeepEquals(theirs, ours), $"{ours.ToJsonString()} instead of {theirs.ToJsonString()}");
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string Describe(JsonElement request) => $"{request.GetProperty("method")} {request.GetProperty("path")}";

    private static string Describe(RecordedRequest request) => $"{request.Method} {request.Path}";

    private static JsonNode WithoutTimes(JsonElement json)
    {
        var node = JsonNode.Parse(json.GetRawText())!;
        if (node["assessment"] is JsonObject assessment)
        {
            foreach (var time in (string[])["create_time", "last_update_time"])
            {
                if (assessment.ContainsKey(time))
                {
                    // RFC 3339 with milliseconds, as theirs.
                    Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", assessment[time]!.GetValue<string>());
                    assessment[time] = "";
                }
            }

            // JSON within JSON: Python writes spaces.
            if (assessment["expectation"]?["serialized_value"]?["value"] is { } serialized)
            {
                assessment["expectation"]!["serialized_value"]!["value"] = JsonNode.Parse(serialized.GetValue<string>());
            }
        }

        return node;
    }
}
