using System.Text;
using System.Text.Json.Nodes;
using MLflow.EndToEnd.Tests.Recordings;
using Xunit;

namespace MLflow.Sdk.Tests.Capture;

/// <summary>Recorded responses whose requests are not known, and the examples of the OpenAPI document, straight to the recorders.</summary>
public sealed class DocumentedBodiesTests
{
    private static readonly Dictionary<string, (string Operation, string Method, string Path)> ByApi = new()
    {
        ["chat.completions"] = ("createChatCompletion", "POST", "/v1/chat/completions"),
        ["responses"] = ("createResponse", "POST", "/v1/responses"),
        ["completions"] = ("createCompletion", "POST", "/v1/completions"),
        ["embeddings"] = ("createEmbedding", "POST", "/v1/embeddings"),
        ["images.generations"] = ("createImage", "POST", "/v1/images/generations"),
        ["images.edits"] = ("createImageEdit", "POST", "/v1/images/edits"),
        ["audio.transcriptions"] = ("createTranscription", "POST", "/v1/audio/transcriptions"),
    };

    [Fact]
    public void Recorder_EveryResponseWithoutRequest_AgreesWithTheReference()
    {
        var recordings = Recording.LoadAll("response-only");
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        var wrong = new List<string>();
        foreach (var recording in recordings!)
        {
            var (operation, method, path) = ByApi[recording.Api];
            var body = Encoding.UTF8.GetString(recording.ResponseBody);
            var fields = recording.IsEventStream ? Stream(ApiCatalog.Find(method, path)!, body) : Response(ApiCatalog.Find(method, path)!, body);
            var expected = recording.IsEventStream ? Merge(operation, body) : JsonNode.Parse(body);
            Check(recording.Id, expected, fields, wrong);
            if (!JsonNode.DeepEquals(UsageReference.Read(expected?["usage"] as JsonObject), Usage(fields)))
            {
                wrong.Add($"{recording.Id}: usage is {Usage(fields)?.ToJsonString()} of {expected?["usage"]?.ToJsonString()}");
            }
        }

        Xunit.TestContext.Current.TestOutputHelper!.WriteLine($"{recordings.Count} responses, {wrong.Count} differences");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.NotEmpty(recordings);
    }

    [Fact]
    public void Recorder_EveryExampleOfAnOperation_IsKept()
    {
        var operations = OpenApiDocument.Operations;
        Assert.SkipWhen(operations is null, "The examples (../shared/recordings) are not here.");
        var wrong = new List<string>();
        var count = 0;
        foreach (var operation in operations!)
        {
            var id = (string)operation["operationId"]!;
            var row = ApiCatalog.Find((string)operation["method"]!, "/v1" + ((string)operation["path"]!).Split('?')[0])!;
            foreach (var body in operation["request_examples"]!.AsArray().Select(example => example!["parsed"]?["body"]).Where(body => body is JsonObject))
            {
                count++;
                var fields = new RecordedFields();
                row.Recorder.RecordRequest(new RecordedBody(Encoding.UTF8.GetBytes(body!.ToJsonString(SharedFolder.AsText)), "application/json"), fields);
                if (!JsonNode.DeepEquals(body, JsonNode.Parse(fields.Inputs.Json)))
                {
                    wrong.Add($"{id}: a request was changed");
                }
            }

            foreach (var example in operation["response_examples"]!.AsArray())
            {
                count++;
                switch ((string)example!["kind"]!)
                {
                    case "sse":
                        var text = (string)example["text"]!;

                        // What is shortened for readers ("...") is no stream.
                        var events = StreamEvent.Read(text).Where(e => e.Data != "[DONE]").ToList();
                        if (events.TrueForAll(e => JsonText.IsJsonObject(Encoding.UTF8.GetBytes(e.Data))))
                        {
                            Check(id, StreamReference.Merge(id.Replace("beta_", "", StringComparison.Ordinal), events), Stream(row, text), wrong);
                        }

                        break;
                    case "json":
                        Check(id, example["body"], Response(row, example["body"]!.ToJsonString(SharedFolder.AsText)), wrong);
                        break;
                    default:
                        Assert.NotEqual(AttributeValueKind.Null, Response(row, (string)example["text"]!).Outputs.Kind);
                        break;
                }
            }
        }

        Xunit.TestContext.Current.TestOutputHelper!.WriteLine($"{operations.Count} operations, {count} examples, {wrong.Count} differences");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(count > 400);
    }

    [Fact]
    public void Recorders_EveryExampleOfASchema_DoNotThrow()
    {
        var examples = OpenApiDocument.Examples;
        Assert.SkipWhen(examples is null, "The examples (../shared/recordings) are not here.");
        foreach (var example in examples!)
        {
            var body = example["body"]?.ToJsonString(SharedFolder.AsText) ?? (string)example["text"]!;
            var stream = Encoding.UTF8.GetBytes($"event: {example["schema"]}\ndata: {body.ReplaceLineEndings(" ")}\n\n");
            foreach (var recorder in ApiCatalog.All.Select(operation => operation.Recorder).Distinct())
            {
                var fields = new RecordedFields();
                recorder.RecordRequest(Encoding.UTF8.GetBytes(body), fields);
                recorder.RecordResponse(Encoding.UTF8.GetBytes(body), fields);
                recorder.RecordStream(stream, [], new RecordedFields());
                Assert.NotEqual(AttributeValueKind.Null, fields.Outputs.Kind);
            }
        }

        Assert.True(examples.Count > 300);
    }

    private static RecordedFields Response(ApiOperation operation, string body)
    {
        var fields = new RecordedFields();
        operation.Recorder.RecordResponse(new RecordedBody(Encoding.UTF8.GetBytes(body), body.TrimStart() is ['{' or '[', ..] ? "application/json" : "text/plain"), fields);
        return fields;
    }

    private static RecordedFields Stream(ApiOperation operation, string body)
    {
        var fields = new RecordedFields();
        operation.Recorder.RecordStream(new RecordedBody(Encoding.UTF8.GetBytes(body), "text/event-stream"), [], fields);
        return fields;
    }

    private static JsonNode? Merge(string operation, string body) =>
        StreamReference.Merge(operation, [.. StreamEvent.Read(body).Where(e => e.Data != "[DONE]")]);

    private static void Check(string what, JsonNode? expected, RecordedFields fields, List<string> wrong)
    {
        var actual = fields.Outputs.Kind == AttributeValueKind.Json ? JsonNode.Parse(fields.Outputs.Json) : fields.Outputs.Kind == AttributeValueKind.String ? fields.Outputs.String : null;
        if (!JsonNode.DeepEquals(expected, actual))
        {
            wrong.Add($"{what}\n  expected {Short(expected)}\n  actual   {Short(actual)}");
        }
    }

    private static string? Short(JsonNode? node) => node?.ToJsonString(SharedFolder.AsText) is { Length: > 1500 } text ? text[..1500] : node?.ToJsonString(SharedFolder.AsText);

    private static JsonObject? Usage(RecordedFields fields)
    {
        if (fields.Usage is not { } usage)
        {
            return null;
        }

        var result = new JsonObject();
        foreach (var (name, value) in new[]
        {
            ("input_tokens", usage.InputTokens), ("output_tokens", usage.OutputTokens), ("total_tokens", usage.TotalTokens),
            ("cache_read_input_tokens", usage.CacheReadInputTokens), ("cache_creation_input_tokens", usage.CacheCreationInputTokens),
        })
        {
            if (value is not null)
            {
                result[name] = value;
            }
        }

        return result;
    }
}
