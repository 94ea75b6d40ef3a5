using System.Text;

namespace MLflow.Fuzz;

/// <summary>Traces to begin with, as clients send and keep them.</summary>
internal static class TraceSeeds
{
    public static IReadOnlyList<byte[]> OtlpTraces { get; } = Bytes(
        """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"scope":{"name":"app","version":"1"},"spans":[
        {"traceId":"11111111111111111111111111111111","spanId":"1111111111111111","name":"root","kind":1,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000",
        "attributes":[{"key":"mlflow.spanType","value":{"stringValue":"CHAT_MODEL"}},{"key":"mlflow.spanInputs","value":{"stringValue":"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"}},
        {"key":"mlflow.chat.tokenUsage","value":{"stringValue":"{\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3}"}},{"key":"mlflow.llm.model","value":{"stringValue":"\"gpt-4o\""}},
        {"key":"l","value":{"arrayValue":{"values":[{"intValue":"1"},{"doubleValue":1.5},{"boolValue":true},{"kvlistValue":{"values":[{"key":"a","value":{"bytesValue":"AQI="}}]}}]}}}],
        "events":[{"name":"exception","timeUnixNano":"1700000000500000000","attributes":[{"key":"exception.message","value":{"stringValue":"boom"}}]}],
        "links":[{"traceId":"22222222222222222222222222222222","spanId":"2222222222222222"}],"status":{"code":2,"message":"m"}},
        {"traceId":"11111111111111111111111111111111","spanId":"3333333333333333","parentSpanId":"1111111111111111","name":"chat","startTimeUnixNano":"1700000000000000001",
        "attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.input.messages","value":{"stringValue":"[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"hi\"}]}]"}},
        {"key":"gen_ai.usage.input_tokens","value":{"intValue":"3"}},{"key":"gen_ai.response.model","value":{"stringValue":"gpt-4o"}}]}]}]}]}
        """);

    public static IReadOnlyList<byte[]> TracesJson { get; } = Bytes(
        """
        {"spans":[{"trace_id":"ERERERERERERERERERERERERE","span_id":"EREREREREREx","parent_span_id":null,"name":"root","start_time_unix_nano":1700000000000000000,"end_time_unix_nano":1700000001000000000,
        "events":[{"name":"exception","time_unix_nano":1700000000000000001,"attributes":{"exception.message":"boom"}}],"status":{"code":"STATUS_CODE_OK","message":""},
        "attributes":{"mlflow.traceRequestId":"\"tr-1\"","mlflow.spanType":"\"LLM\"","mlflow.spanInputs":"{\"a\":1}"}}]}
        """,
        """
        {"spans":[{"context":{"trace_id":"0x11111111111111111111111111111111","span_id":"0x1111111111111111"},"parent_id":null,"name":"x","start_time":1700000000000000000,"end_time":1700000000000000001,
        "status_code":"OK","status_message":"","attributes":{"mlflow.spanOutputs":{"b":[1,2]}},"events":[]}]}
        """);

    private static byte[][] Bytes(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];
}
