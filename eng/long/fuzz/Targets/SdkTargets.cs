using System.Text;
using System.Text.Json;
using MLflow.Server.Tests.Golden;

namespace MLflow.Fuzz;

/// <summary>What the SDK reads of others: answers of models, and stored traces.</summary>
internal static class SdkTargets
{
    private static readonly string[] Types = ["application/json", "text/event-stream", "audio/mpeg", "multipart/form-data; boundary=x", "text/plain", ""];

    private static readonly IRecorder[] Recorders = [.. ApiCatalog.All.Append(ApiCatalog.Other).Select(operation => operation.Recorder).Distinct()];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("recorders of bodies and streams", [.. Bodies()], Record, TextMutations.Mutate),
        new("stored traces, read back", [.. Traces()], Read, TextMutations.Mutate),
    ];

    /// <summary>The first two bytes choose recorder and content type.</summary>
    private static void Record(byte[] input)
    {
        if (input.Length < 2)
        {
            return;
        }

        var (recorder, type, body) = (Recorders[input[0] % Recorders.Length], Types[input[1] % Types.Length], input[2..]);
        var fields = new RecordedFields();
        recorder.RecordRequest(new RecordedBody(body, type.Length == 0 ? null : type), fields);
        recorder.RecordResponse(new RecordedBody(body, type.Length == 0 ? null : type), fields);
        Check(fields);
        fields = new RecordedFields();
        recorder.RecordStream(new RecordedBody(body, type.Length == 0 ? null : type), [new BodyMark(0, 1), new BodyMark(body.Length / 2, 2)], fields);
        MediaTrimmer.Trim(fields);
        Check(fields);
        _ = fields.Chunks?.ToEvents().Count();
    }

    private static void Check(RecordedFields fields)
    {
        foreach (var value in new[] { fields.Inputs, fields.Outputs }.Where(value => value.Kind == AttributeValueKind.Json))
        {
            if (!JsonText.IsJson(value.Json))
            {
                throw new InvalidOperationException("What is called JSON is none.");
            }
        }
    }

    private static void Read(byte[] input)
    {
        Allow(() => TraceReader.Read(input));
        Allow(() => TraceReader.ReadOne(input));
        Allow(() => TraceReader.ReadMany(input));
        Allow(() => TraceReader.ReadPage(input));
        Allow(() => TraceReader.ReadSpans(input));
        Allow(() => TraceReader.Read(input, input));
    }

    private static void Allow(Func<object?> read)
    {
        try
        {
            _ = read();
        }
        catch (FormatException)
        {
            // A refusal, as promised.
        }
    }

    private static IEnumerable<byte[]> Bodies()
    {
        string[] own =
        [
            """{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"choices":[{"index":0,"message":{"content":"y"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}""",
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\",\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\ndata: [DONE]\n\n",
            "event: response.created\nid: 1\nretry: 5\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"output\":[]}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"x\"}\n\n",
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--x--\r\n",
        ];
        foreach (var (text, at) in own.Concat(Recorded()).Select((text, at) => (text, at)))
        {
            var isStream = text.StartsWith("data:", StringComparison.Ordinal) || text.StartsWith("event:", StringComparison.Ordinal);
            yield return [(byte)(at % Recorders.Length), (byte)(isStream ? 1 : text.StartsWith("--x", StringComparison.Ordinal) ? 3 : 0), .. Encoding.UTF8.GetBytes(text)];
        }
    }

    private static IEnumerable<byte[]> Traces()
    {
        yield return Encoding.UTF8.GetBytes("""
            {"traces":[{"trace_info":{"trace_id":"tr-1","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}},"request_time":"2026-01-02T03:04:05.678Z","execution_duration":"1.5s","state":"OK","tags":{"k":"v"},
            "assessments":[{"assessment_id":"a-1","assessment_name":"n","feedback":{"value":1}}]},"spans":[{"trace_id":"EREREREREREREREREREREQ==","span_id":"ERERERERERE=","name":"s","start_time_unix_nano":1,"end_time_unix_nano":"2",
            "attributes":[{"key":"mlflow.spanType","value":{"string_value":"\"LLM\""}}],"events":[],"status":{"code":"STATUS_CODE_OK"}}]}],"next_page_token":"x"}
            """);
        yield return Encoding.UTF8.GetBytes("""
            {"info":{"trace_id":"tr-1","state":"OK"},"data":{"spans":[{"trace_id":"EREREREREREREREREREREQ==","span_id":"ERERERERERE=","parent_span_id":null,"name":"s","start_time_unix_nano":1,"end_time_unix_nano":2,
            "attributes":{"mlflow.spanInputs":"{\"a\":1}"},"events":[{"name":"e","time_unix_nano":1,"attributes":{"x":1}}],"status":{"code":"STATUS_CODE_ERROR","message":"m"}}]}}
            """);
        foreach (var text in Recorded().Where(text => text.StartsWith('{') && text.Contains("span", StringComparison.Ordinal)))
        {
            yield return Encoding.UTF8.GetBytes(text);
        }
    }

    /// <summary>Bodies of recorded exchanges with models, and traces of real clients, where they are.</summary>
    private static IEnumerable<string> Recorded()
    {
        foreach (var file in SharedFolder.Find("golden") is { } folder ? Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal) : Enumerable.Empty<string>())
        {
            var text = File.ReadAllText(file);
            if (!file.EndsWith(".http.json", StringComparison.Ordinal))
            {
                if (text.Length <= ByteMutations.MaxBytes / 2)
                {
                    yield return text;
                }

                continue;
            }

            foreach (var body in Texts(JsonDocument.Parse(text).RootElement).Where(body => body.Length is > 20 and <= ByteMutations.MaxBytes / 2))
            {
                yield return body;
            }
        }
    }

    private static IEnumerable<string> Texts(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member =>
            member.Name is "body" or "json" or "text" && member.Value.ValueKind == JsonValueKind.Object ? Texts(member.Value).Append(member.Value.GetRawText()) : Texts(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Texts),
        JsonValueKind.String => [element.GetString()!],
        _ => [],
    };
}
