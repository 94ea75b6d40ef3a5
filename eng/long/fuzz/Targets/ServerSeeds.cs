using System.Text;
using System.Text.Json;
using Google.Protobuf;
using MLflow.Server;
using MLflow.Server.Otlp;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Tests.Golden;

namespace MLflow.Fuzz;

/// <summary>Inputs to begin with: a few of our own, and recordings of real clients where they are.</summary>
internal static class ServerSeeds
{
    public const string StartTrace = """
        {"trace":{"trace_info":{"trace_id":"tr-11111111111111111111111111111111","client_request_id":"c","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}},
        "request_time":"2026-01-02T03:04:05.678Z","execution_duration":"1.5s","state":"OK","request_preview":"a","response_preview":"b","trace_metadata":{"mlflow.trace.tokenUsage":"{\"input_tokens\":1}",
        "mlflow.trace.sizeStats":"{\"num_spans\":2}"},"tags":{"k":"v"},"assessments":[{"assessment_name":"good","source":{"source_type":"HUMAN","source_id":"me"},"feedback":{"value":true},
        "rationale":"r","metadata":{"a":"b"},"create_time":"2026-01-02T03:04:05Z"}]}}}
        """;

    /// <summary>By the field numbers of the client's format.</summary>
    public static IReadOnlyList<byte[]> Calls { get; } =
    [
        CallOf(
            "chat.completions.create",
            """{"model":"gpt-4o","temperature":0.5,"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"user":"u"}""",
            """{"id":"c","model":"gpt-4o-1","choices":[{"index":0,"message":{"role":"assistant","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"""),
        CallOf(
            "responses.create",
            """{"model":"gpt-4o","input":"hi","instructions":"be brief","tools":[{"type":"web_search"}]}""",
            """{"id":"r","object":"response","status":"completed","model":"gpt-4o","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"yes","annotations":[]}]}],"usage":{"input_tokens":3,"output_tokens":1}}"""),
    ];

    public static IReadOnlyList<byte[]> OtlpLogs { get; } = Bytes(
        """
        {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","eventName":"gen_ai.user.message","body":{"kvlistValue":{"values":[{"key":"content","value":{"stringValue":"hi"}}]}},
        "attributes":[{"key":"gen_ai.system","value":{"stringValue":"openai"}}],"traceId":"11111111111111111111111111111111","spanId":"1111111111111111"},
        {"observedTimeUnixNano":"1","attributes":[{"key":"event.name","value":{"stringValue":"gen_ai.choice"}}],"body":{"stringValue":"{\"message\":{\"content\":\"x\"}}"},
        "traceId":"11111111111111111111111111111111","spanId":"1111111111111111"}]}]}]}
        """);

    public static IReadOnlyList<byte[]> Requests { get; } =
    [
        .. Bytes(
            StartTrace,
            """{"trace_id":"tr-1","assessment":{"assessment_name":"e","trace_id":"tr-1","source":{"source_type":"CODE"},"expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"[1]"}}},"update_mask":"expectation,metadata"}""",
            """{"run_id":"r","metrics":[{"key":"m","value":1.5,"timestamp":1,"step":"2"},{"key":"n","value":"NaN","timestamp":1}],"params":[{"key":"p","value":"v"}],"tags":[{"key":"t","value":"v"}]}""",
            """{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}}],"filter":"trace.status = 'OK'","max_results":100,"order_by":["timestamp_ms DESC"],"include_spans":false,"page_token":"x"}"""),
        .. RecordedRequests(),
    ];

    public static IReadOnlyList<byte[]> Headers { get; } = Bytes(
        "Bearer mlf_0123456789ab_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "Basic YWRhOnNlY3JldA==",
        "https://app.example.com:8443",
        "*.example.com",
        "[::1]:5000",
        "192.168.0.0/16");

    public static IReadOnlyList<byte[]> Filters { get; } = Bytes(
        "trace.status = 'OK' AND tags.k = 'v'", "attributes.timestamp_ms > 1 AND execution_time <= 5.5", "span.type IN ('LLM', 'TOOL') AND span.content ILIKE '%hi%'", "feedback.good = 'true' OR NOT expectation.x IS NULL",
        "metadata.`mlflow.trace.session` LIKE 'a%' AND trace.text LIKE '%東京%'", "span.attributes.mlflow.llm.model RLIKE '^gpt-[0-9]+'", "(request_id = 'tr-1' OR client_request_id IS NOT NULL) AND prompt = 'p/1'",
        "timestamp_ms DESC", "tags.k ASC", "name LIKE 'a%' AND tags.x = \"y\"", "metrics.m > 1 AND params.p = 'v' AND attributes.status = 'FINISHED'", "creation_time > 5");

    public static IReadOnlyList<byte[]> Conventions { get; } = Bytes(
        """
        {"scope":"openinference.instrumentation.openai","openinference.span.kind":"LLM","llm.input_messages.0.message.role":"user","llm.input_messages.0.message.content":"hi",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name":"f","llm.token_count.prompt":3,"input.value":"{\"messages\":[]}","retrieval.documents.0.document.metadata":{"a":1}}
        """,
        """{"scope":"logfire.openai","request_data":{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}]},"response_data":{"message":{"role":"assistant","content":"y"}}}""",
        """{"scope":"pydantic-ai","all_messages_events":[{"event.name":"gen_ai.user.message","content":"x"},{"event.name":"gen_ai.choice","message":{"content":"y"}}],"final_result":"y"}""",
        """{"scope":"langfuse-sdk","langfuse.observation.type":"generation","langfuse.observation.input":"[{\"role\":\"user\",\"content\":\"x\"}]","langfuse.observation.cost_details":{"input":1,"total":2},"langfuse.observation.level":"ERROR"}""",
        """{"scope":"langsmith","langsmith.span.kind":"llm","gen_ai.prompt":"{\"messages\":[[{\"id\":[\"x\",\"HumanMessage\"],\"kwargs\":{\"content\":\"x\"}}]]}","gen_ai.completion":"{\"generations\":[[{\"text\":\"y\"}]]}"}""",
        """{"scope":"ai","operation.name":"ai.generateText","ai.prompt":"{\"prompt\":\"x\"}","ai.prompt.messages":"[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]","ai.response.text":"y","ai.usage.promptTokens":1,"ai.prompt.tools":["{\"type\":\"function\",\"name\":\"f\"}"]}""",
        """{"gen_ai.operation.name":"chat","gen_ai.prompt.0.role":"user","gen_ai.prompt.0.content":"x","gen_ai.completion.0.content":"y","gen_ai.completion.0.tool_calls.0.name":"f","llm.request.functions.0.name":"g","events":{"gen_ai.user.message":{"content":"x"},"gen_ai.choice":{"message":{"content":"y"}}}}""");

    /// <summary>What real exporters sent, where the recordings are.</summary>
    public static IReadOnlyList<byte[]> Recorded(string pattern) => SharedFolder.Find("golden-otlp") is not { } folder ? [] :
        [.. Directory.GetFiles(folder, "*." + pattern, SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".pb", StringComparison.Ordinal) || file.EndsWith(".wire.json", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(File.ReadAllBytes).Where(IsShort)];

    /// <summary>The spans of those, each as <see cref="Conventions"/> has them.</summary>
    public static IEnumerable<byte[]> RecordedSpans() =>
        from message in Recorded("traces.*pb")
        from resource in OtlpProtobuf.Parse(message, new ExportTraceServiceRequest(), new MlflowServerLimits()).ResourceSpans
        from scope in resource.ScopeSpans
        from span in scope.Spans
        select Encoding.UTF8.GetBytes($"{{\"scope\":{JsonSerializer.Serialize(scope.Scope?.Name)}{string.Concat(AnyValueJson.Attributes(span.Attributes).Select(a => $",{JsonSerializer.Serialize(a.Key)}:{a.Value}"))}}}");

    private static IEnumerable<byte[]> RecordedRequests() => SharedFolder.Find("golden") is not { } folder ? [] :
        from file in Directory.GetFiles(folder, "wire-*.json").Order(StringComparer.Ordinal)
        from item in JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateArray()
        let body = item.GetProperty("request").GetProperty("body")
        where body.ValueKind == JsonValueKind.Object && body.TryGetProperty("json", out _)
        let bytes = Encoding.UTF8.GetBytes(body.GetProperty("json").GetRawText())
        where IsShort(bytes)
        select bytes;

    private static bool IsShort(byte[] bytes) => bytes.Length <= ByteMutations.MaxBytes / 2;

    private static byte[][] Bytes(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static byte[] CallOf(string operation, string request, string response)
    {
        using var buffer = new MemoryStream();
        using (var output = new CodedOutputStream(buffer, leaveOpen: true))
        {
            (int Field, string Text)[] texts = [(1, operation), (4, "POST"), (6, "https://api.openai.com/v1/chat/completions"), (7, "openai"), (11, "application/json"), (16, request), (17, response), (18, ",\"mlflow.user\":\"me\"}")];
            foreach (var (field, text) in texts)
            {
                output.WriteTag(field, WireFormat.WireType.LengthDelimited);
                output.WriteString(text);
            }

            output.WriteTag(5, WireFormat.WireType.Varint);
            output.WriteInt32(200);
            output.WriteTag(15, WireFormat.WireType.Fixed64);
            output.WriteFixed64(2);
        }

        return buffer.ToArray();
    }
}
