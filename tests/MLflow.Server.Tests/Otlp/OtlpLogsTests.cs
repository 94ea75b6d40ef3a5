using Google.Protobuf;
using MLflow.Server.Otlp.Protos;
using MLflow.Server.Tests.Rest;
using Xunit;

namespace MLflow.Server.Tests.Otlp;

public sealed class OtlpLogsTests : IClassFixture<SomeServer>
{
    private readonly SomeServer _server;
    private readonly byte[] _traceId = Guid.NewGuid().ToByteArray();

    public OtlpLogsTests(SomeServer server) => _server = server;

    private string TraceId => "tr-" + Convert.ToHexStringLower(_traceId);

    [Theory]
    [InlineData("span, logs")]
    [InlineData("logs, span")]
    [InlineData("logs, logs, span, span, logs")]
    public async Task Messages_InAnyOrderOfArrival_AreTheirSpansInputsAndOutputs(string order)
    {
        foreach (var what in order.Split(", "))
        {
            await SendAsync(what == "span" ? Spans() : Logs(Message("gen_ai.system.message", "Be terse."), Message("gen_ai.user.message", "Hello?"), Message("gen_ai.user.message", "Hello?"), Choice("Hi.")));
        }

        var span = Assert.Single(await _server.SpansAsync(TraceId));
        Assert.Equal(
            """{"messages":[{"role":"system","content":"Be terse."},{"role":"user","content":"Hello?"},{"role":"user","content":"Hello?"}],"model":"gpt-4o"}""",
            span["mlflow.spanInputs"]);
        Assert.Equal("""{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}""", span["mlflow.spanOutputs"]);
        Assert.Equal(4, span.Events.Count);
        Assert.Empty(span.Sent!.Events);
        var info = (await _server.GetAsync($"/api/3.0/mlflow/traces/{TraceId}")).Body.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal(("Hello?", "Hi."), (info.GetProperty("request_preview").GetString(), info.GetProperty("response_preview").GetString()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Exception_OfAFailedCall_IsTheErrorOfItsTrace(bool spanFirst)
    {
        var span = Spans();
        span.ResourceSpans[0].ScopeSpans[0].Spans[0].Status = new Status { Code = Status.Types.StatusCode.Error, Message = "failed" };
        var record = new LogRecord { EventName = "gen_ai.client.operation.exception", TimeUnixNano = 4 };
        Add(record.Attributes, "exception.type", "ClientResultException");
        Add(record.Attributes, "exception.message", "HTTP 401");
        Add(record.Attributes, "exception.stacktrace", "at Some.Method()");
        foreach (IMessage message in spanFirst ? [span, Logs(record)] : new IMessage[] { Logs(record), span })
        {
            await SendAsync(message);
        }

        var @event = Assert.Single(Assert.Single(await _server.SpansAsync(TraceId)).Events);
        Assert.Equal("exception", @event.Name);
        Assert.Contains(KeyValuePair.Create("exception.stacktrace", "\"at Some.Method()\""), @event.Attributes);
        Assert.Contains(KeyValuePair.Create("event.name", "\"gen_ai.client.operation.exception\""), @event.Attributes);
        var (_, found) = await _server.PostAsync("/api/3.0/mlflow/traces/search", new { locations = new[] { new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = "0" } } } });
        Assert.Contains(TraceId, found.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_OfTheProgramItself_AreCountedAndNotKept()
    {
        await SendAsync(Spans());
        var request = Logs(new LogRecord { Body = new AnyValue { StringValue = "hello" } }, new LogRecord { EventName = "app.event" }, Message("gen_ai.user.message", "kept"));
        request.ResourceLogs[0].ScopeLogs[0].LogRecords.Add(new LogRecord { EventName = "gen_ai.user.message" });

        var answer = ExportLogsServiceResponse.Parser.ParseFrom(await SendAsync(request));

        Assert.Equal(3, answer.PartialSuccess.RejectedLogRecords);
        Assert.Equal(
            "Only log records with an exception, or whose event name begins with 'gen_ai.', are kept. Log records without a trace id and a span id are not kept.",
            answer.PartialSuccess.ErrorMessage);
        Assert.Equal("gen_ai.user.message", Assert.Single(Assert.Single(await _server.SpansAsync(TraceId)).Events).Name);
    }

    [Fact]
    public async Task Logs_OfATraceWithAChosenId_FindIt()
    {
        var spans = Spans();
        Add(spans.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes, "mlflow.traceRequestId", "chosen-" + TraceId);
        await SendAsync(spans);
        await SendAsync(Logs(Message("gen_ai.user.message", "Hello?")));

        Assert.Single(Assert.Single(await _server.SpansAsync("chosen-" + TraceId)).Events);
    }

    [Fact]
    public async Task Trace_Deleted_TakesItsLogsAlong()
    {
        await SendAsync(Spans());
        await SendAsync(Logs(Message("gen_ai.user.message", "Hello?")));
        Assert.Equal(200, (await _server.PostAsync("/api/3.0/mlflow/traces/delete-traces", new { experiment_id = "0", request_ids = new[] { TraceId } })).Status);
        await SendAsync(Spans());

        var span = Assert.Single(await _server.SpansAsync(TraceId));
        Assert.Empty(span.Events);
        Assert.Null(span["mlflow.spanInputs"]);
    }

    [Fact]
    public async Task Logs_InJson_AreRead()
    {
        await SendAsync(Spans());
        Assert.Equal(200, await _server.PostBytesAsync("/v1/logs", System.Text.Encoding.UTF8.GetBytes(OtlpJsonText.Of(Logs(Message("gen_ai.user.message", "Hello?")))), "application/json"));

        Assert.Single(Assert.Single(await _server.SpansAsync(TraceId)).Events);
    }

    private static void Add(Google.Protobuf.Collections.RepeatedField<KeyValue> attributes, string key, string value) =>
        attributes.Add(new KeyValue { Key = key, Value = new AnyValue { StringValue = value } });

    private static LogRecord Message(string name, string content)
    {
        var record = new LogRecord { TimeUnixNano = 3, Body = new AnyValue { KvlistValue = new KeyValueList() } };
        Add(record.Body.KvlistValue.Values, "content", content);
        Add(record.Attributes, "event.name", name);
        return record;
    }

    private static LogRecord Choice(string content)
    {
        var choice = Message("gen_ai.choice", content);
        choice.EventName = "gen_ai.choice";
        choice.Attributes.Clear();
        var message = new AnyValue { KvlistValue = choice.Body.KvlistValue };
        choice.Body = new AnyValue { KvlistValue = new KeyValueList { Values = { new KeyValue { Key = "message", Value = message } } } };
        Add(choice.Body.KvlistValue.Values, "finish_reason", "stop");
        return choice;
    }

    private ExportTraceServiceRequest Spans()
    {
        var span = new Span { TraceId = ByteString.CopyFrom(_traceId), SpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 1), Name = "chat gpt-4o", StartTimeUnixNano = 1, EndTimeUnixNano = 5 };
        Add(span.Attributes, "gen_ai.operation.name", "chat");
        Add(span.Attributes, "gen_ai.request.model", "gpt-4o");
        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { span } } } } } };
    }

    private ExportLogsServiceRequest Logs(params LogRecord[] records)
    {
        foreach (var record in records)
        {
            record.TraceId = ByteString.CopyFrom(_traceId);
            record.SpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 1);
        }

        return new ExportLogsServiceRequest { ResourceLogs = { new ResourceLogs { ScopeLogs = { new ScopeLogs { LogRecords = { records } } } } } };
    }

    private async Task<byte[]> SendAsync(IMessage message)
    {
        using var content = new ByteArrayContent(message.ToByteArray());
        content.Headers.ContentType = new("application/x-protobuf");
        using var response = await _server.Client.PostAsync(new Uri(message is ExportTraceServiceRequest ? "/v1/traces" : "/v1/logs", UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync();
    }
}
