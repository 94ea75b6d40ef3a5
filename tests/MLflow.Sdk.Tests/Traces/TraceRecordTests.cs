using System.Text.Json;
using Xunit;

namespace MLflow.Sdk.Tests.Traces;

public sealed class TraceRecordTests
{
    private const string ApiAnswer =
        """
        {"trace":{"trace_info":{"trace_id":"tr-1","client_request_id":"cr-1","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"7"}},
        "request_time":"2026-11-23T02:01:44.360Z","execution_duration":"0.127s","state":"OK","request_preview":"Hi","response_preview":"Ho",
        "trace_metadata":{"mlflow.trace.user":"u1"},"tags":{"mlflow.traceName":"add"}},
        "spans":[{"trace_id":"VOWpVNlEwhaO6/q33ItMEQ==","span_id":"TcU4/2Kw2tg=","name":"Completions","start_time_unix_nano":1795399205107053253,"end_time_unix_nano":1795399205119782300,
        "attributes":[{"key":"mlflow.spanType","value":{"string_value":"CHAT_MODEL"}},
        {"key":"mlflow.spanInputs","value":{"kvlist_value":{"values":[{"key":"a","value":{"array_value":{"values":[{"int_value":1},{"double_value":0.5},{"bool_value":true},{},{"string_value":"東京"}]}}},
        {"key":"b","value":{"kvlist_value":{}}},{"key":"c"},{"key":"d","value":{"int_value":"9007199254740993"}}]}}},{"key":"mlflow.spanOutputs"}],
        "events":[{"time_unix_nano":1795399205116386000,"name":"mlflow.chunk.item.0","attributes":[{"key":"mlflow.chunk.value","value":{"string_value":"{\"x\":1}"}}]}],
        "status":{"code":"STATUS_CODE_ERROR","message":"broken"}}]}}
        """;

    [Fact]
    public void Parse_AnswerOfTheApi_HasFactsAndSpans()
    {
        var trace = TraceRecord.Parse(ApiAnswer);

        Assert.Equal(("tr-1", "cr-1", "7", "OK"), (trace.TraceId, trace.ClientRequestId, trace.ExperimentId, trace.State));
        Assert.Equal(new DateTimeOffset(2026, 11, 23, 2, 1, 44, 360, TimeSpan.Zero), trace.RequestTime);
        Assert.Equal(TimeSpan.FromMilliseconds(127), trace.Duration);
        Assert.Equal(("Hi", "Ho"), (trace.RequestPreview, trace.ResponsePreview));
        Assert.Equal("u1", trace.Metadata["mlflow.trace.user"]);
        Assert.Equal("add", trace.Tags["mlflow.traceName"]);
        var span = Assert.Single(trace.Spans);
        Assert.Equal(("4dc538ff62b0dad8", "Completions", "CHAT_MODEL"), (span.SpanId, span.Name, span.SpanType));
        Assert.Null(span.ParentId);
        Assert.Equal((SpanStatusCode.Error, "broken"), (span.StatusCode, span.StatusMessage));
        Assert.Equal("""{"a":[1,0.5,true,null,"東京"],"b":{},"c":null,"d":9007199254740993}""", span.Inputs!.Value.GetRawText());
        Assert.Equal(JsonValueKind.Null, span.Outputs!.Value.ValueKind);
        Assert.Equal("""{"x":1}""", Assert.Single(span.Events).Attributes["mlflow.chunk.value"].GetString());
        Assert.Equal(TimeSpan.FromTicks(127291), span.EndTime - span.StartTime);
    }

    [Fact]
    public void Parse_PythonsToJson_DecodesAttributes()
    {
        var trace = TraceRecord.Parse(
            """
            {"info":{"trace_id":"tr-2","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"2"}},"request_time":"2026-11-23T02:00:05.107Z","state":"ERROR",
            "execution_duration_ms":12,"trace_metadata":{},"tags":{}},
            "data":{"spans":[{"trace_id":"VOWpVNlEwhaO6/q33ItMEQ==","span_id":"TcU4/2Kw2tg=","parent_span_id":"AAAAAAAAAAE=","name":"f","start_time_unix_nano":1000,"end_time_unix_nano":null,"events":[],
            "status":{"code":"STATUS_CODE_OK","message":""},
            "attributes":{"mlflow.traceRequestId":"\"tr-2\"","mlflow.spanInputs":"{\"x\": 1}","mlflow.spanOutputs":"\"123\"","n":"3","odd":"NaN"}}]}}
            """);

        var span = Assert.Single(trace.Spans);
        Assert.Equal(("tr-2", "ERROR", TimeSpan.FromMilliseconds(12)), (trace.TraceId, trace.State, trace.Duration));
        Assert.Equal("0000000000000001", span.ParentId);
        Assert.Equal(1, span.Inputs!.Value.GetProperty("x").GetInt32());
        Assert.Equal("123", span.Outputs!.Value.GetString());
        Assert.Equal(3, span.Attributes["n"].GetInt32());
        Assert.Equal("NaN", span.Attributes["odd"].GetString());
        Assert.Null(span.EndTime);
        Assert.Null(span.StatusMessage);
    }

    [Theory]
    [InlineData("\"\\\"tr-3\\\"\"", "\"\\\"Paris\\\"\"")]
    [InlineData("\"tr-3\"", "\"Paris\"")]
    public void Parse_TracesJsonOfAnyClient_TakesFactsFromItsRoot(string id, string outputs)
    {
        var trace = TraceRecord.Parse(
            $$"""
            {"spans":[{"span_id":"4dc538ff62b0dad8","parent_span_id":"","name":"f","start_time_unix_nano":1000000,"end_time_unix_nano":3000000,"status":{"code":"STATUS_CODE_OK"},
            "attributes":{"mlflow.traceRequestId":{{id}},"mlflow.spanOutputs":{{outputs}} } }]}
            """);

        Assert.Equal(("tr-3", "OK", TimeSpan.FromMilliseconds(2)), (trace.TraceId, trace.State, trace.Duration));
        Assert.Equal("Paris", Assert.Single(trace.Spans).Outputs!.Value.GetString());
    }

    [Fact]
    public void Parse_SeveralTraces_SaysToReadThemAll()
    {
        const string Text = """{"traces":[{"trace_info":{"trace_id":"tr-1"},"spans":[]},{"info":{"trace_id":"tr-2"},"data":{"spans":[]}}]}""";

        Assert.Contains("ParseAll", Assert.Throws<FormatException>(() => TraceRecord.Parse(Text)).Message, StringComparison.Ordinal);
        Assert.Equal(["tr-1", "tr-2"], TraceRecord.ParseAll(Text).Select(trace => trace.TraceId));
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("[]")]
    [InlineData("""{"a":1}""")]
    [InlineData("""{"spans":[1]}""")]
    [InlineData("""{"spans":[{"span_id":"?"}]}""")]
    [InlineData("""{"spans":[{"attributes":[{"value":{}}]}]}""")]
    public void Parse_SomethingElse_SaysWhatIsReadable(string text) =>
        Assert.Contains("traces.json", Assert.Throws<FormatException>(() => TraceRecord.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void CreateReplayHandler_NoCalls_SaysSo() =>
        Assert.Contains("tr-1", Assert.Throws<InvalidOperationException>(() => TraceRecord.Parse(ApiAnswer).CreateReplayHandler()).Message, StringComparison.Ordinal);
}
