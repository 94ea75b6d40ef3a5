using System.Text;
using System.Text.Json.Nodes;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>Compares a stored trace with the exchange that was recorded.</summary>
public static class ExchangeCheck
{
    private const string ChunkPrefix = "mlflow.chunk.item.";

    private static readonly string[] ModelCalls = ["chat.completions.create", "completions.create", "responses.create"];

    /// <param name="recording">The exchange.</param>
    /// <param name="trace">The trace of its replay; null where none was stored.</param>
    /// <param name="sent">The request as it was sent, when that is not the recorded one (typed methods); else null.</param>
    public static IEnumerable<ExchangeDifference> Compare(Recording recording, StoredTrace? trace, (byte[] Body, string? ContentType)? sent = null)
    {
        if (trace?.Call is not { } call || trace.Spans.Count != 2)
        {
            return [new ExchangeDifference(recording, "spans", "a root and a call", trace is null ? "no trace" : $"{trace.Spans.Count} spans")];
        }

        var expected = new ExpectedCall(recording);
        var isError = recording.Status >= 400;
        var differences = new List<ExchangeDifference>();
        Check("operation", expected.Operation, (string?)call.Attributes["openai.operation"]);
        CheckJson("inputs", sent is { } request ? ExpectedCall.InputsOf(request.Body, request.ContentType) : expected.Inputs, call.Attributes["mlflow.spanInputs"]);
        CheckJson("outputs", expected.Outputs, call.Attributes["mlflow.spanOutputs"]);
        CheckJson("usage", expected.Usage, call.Attributes["mlflow.chat.tokenUsage"]);
        if (sent is null)
        {
            Check("model", expected.Model, (string?)call.Attributes["mlflow.llm.model"]);
        }

        Check("status", isError || ReportsError(expected) ? "STATUS_CODE_ERROR" : "STATUS_CODE_OK", call.StatusCode);
        Check("error body", isError ? Encoding.UTF8.GetString(recording.ResponseBody) : null, TextOf(call.Attributes["openai.error.body"]));
        Check("method", recording.Method, (string?)call.Attributes["http.request.method"]);
        Check("address", ReplayEndpoint.AddressOf(recording).AbsoluteUri, (string?)call.Attributes["url.full"]);
        Check("HTTP status", $"{recording.Status}", call.Attributes["http.response.status_code"]?.ToJsonString());
        Check("content type", recording.ContentType, (string?)call.Attributes["http.response.header.content-type"]);
        Check("request id", recording.RequestId, (string?)call.Attributes["openai.request_id"]);
        CheckEvents();
        return differences;

        void Check(string what, string? wanted, string? stored)
        {
            if (wanted != stored)
            {
                differences.Add(new ExchangeDifference(recording, what, wanted, stored));
            }
        }

        void CheckJson(string what, JsonNode? wanted, JsonNode? stored)
        {
            if (!JsonNode.DeepEquals(wanted, stored))
            {
                differences.Add(new ExchangeDifference(recording, what, wanted?.ToJsonString(SharedFolder.AsText), stored?.ToJsonString(SharedFolder.AsText)));
            }
        }

        void CheckEvents()
        {
            var chunks = call.Events.Where(e => e.Name.StartsWith(ChunkPrefix, StringComparison.Ordinal)).ToList();
            Check("number of chunks", $"{expected.Events.Count}", $"{chunks.Count}");
            foreach (var (e, (name, attributes), i) in expected.Events.Zip(chunks).Select((pair, i) => (pair.First, pair.Second, i)))
            {
                Check("name of a chunk", ChunkPrefix + i, name);
                Check("data of a chunk", e.Data, TextOf(attributes["mlflow.chunk.value"]));

                // The name is kept where the data do not say the same.
                var stored = (string?)attributes["mlflow.chunk.event"];
                Check("event line of a chunk", e.Name ?? "", stored ?? TypeOf(e.Data) ?? "");
            }
        }
    }

    /// <summary>Some servers report in a successful answer that they failed.</summary>
    private static bool ReportsError(ExpectedCall expected) =>
        (ModelCalls.Contains(expected.Operation) && expected.Outputs is JsonObject answer && answer["error"] is JsonObject)
        || expected.Events.Any(e => e.Name == "error" || (Parse(e.Data) is JsonObject chunk && (chunk["error"] is JsonObject || (string?)chunk["type"] == "error")));

    private static string? TextOf(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? text : node?.ToJsonString(SharedFolder.AsText);

    private static string? TypeOf(string data) =>
        (Parse(data) as JsonObject)?["type"] is JsonValue type && type.TryGetValue<string>(out var text) ? text : null;

    private static JsonNode? Parse(string data)
    {
        try
        {
            return JsonNode.Parse(data);
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}
