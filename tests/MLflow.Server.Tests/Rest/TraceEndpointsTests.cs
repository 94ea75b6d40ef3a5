using System.Text.Json;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using MLflow.Server.Otlp.Protos;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public class TraceEndpointsTests : IClassFixture<SomeServer>
{
    private readonly SomeServer _server;

    public TraceEndpointsTests(SomeServer server) => _server = server;

    [Fact]
    public async Task Trace_SentAsClientsDo_IsReadBackAndFound()
    {
        var experiment = (await _server.PostAsync("/api/2.0/mlflow/experiments/create", new { name = "happy path" })).Body.GetProperty("experiment_id").GetString();
        var otelId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
        var traceId = "tr-" + otelId;
        using var exported = await _server.ExportAsync(Request(otelId), long.Parse(experiment!, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(200, (int)exported.StatusCode);
        Assert.Equal("application/x-protobuf", exported.Content.Headers.ContentType?.ToString());
        Assert.Empty(await exported.Content.ReadAsByteArrayAsync(Xunit.TestContext.Current.CancellationToken));

        var started = await _server.PostAsync("/api/3.0/mlflow/traces", $$$$"""
            {"trace": {"trace_info": {
              "trace_id": "{{{{traceId}}}}",
              "client_request_id": "cr-1",
              "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "{{{{experiment}}}}"}},
              "request_time": "2026-11-23T02:01:44.360Z",
              "execution_duration": "0.127s",
              "state": "OK",
              "trace_metadata": {"mlflow.trace_schema.version": "3", "mlflow.trace.sizeStats": "{\"num_spans\": 2}"},
              "tags": {"t": "1", "mlflow.traceName": "add"} } } }
            """);

        Assert.Equal(200, started.Status);
        var info = started.Body.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal("2026-11-23T02:01:44.360Z", info.GetProperty("request_time").GetString());
        Assert.Equal("0.127s", info.GetProperty("execution_duration").GetString());
        Assert.Equal("OK", info.GetProperty("state").GetString());
        Assert.Equal(experiment, info.GetProperty("trace_location").GetProperty("mlflow_experiment").GetProperty("experiment_id").GetString());
        Assert.Equal("TRACKING_STORE", info.GetProperty("tags").GetProperty("mlflow.trace.spansLocation").GetString());
        Assert.Equal($"mlflow-artifacts:/{experiment}/traces/{traceId}/artifacts", info.GetProperty("tags").GetProperty("mlflow.artifactLocation").GetString());

        var got = await _server.GetAsync($"/api/3.0/mlflow/traces/{traceId}?trace_id={traceId}");
        Assert.Equal(info.GetRawText(), got.Body.GetProperty("trace").GetProperty("trace_info").GetRawText());

        var whole = await _server.GetAsync($"/api/3.0/mlflow/traces/get?trace_id={traceId}&allow_partial=False");
        var spans = whole.Body.GetProperty("trace").GetProperty("spans");
        Assert.Equal(2, spans.GetArrayLength());
        Assert.Equal(spans.GetRawText(), (await _server.GetAsync($"/ajax-api/3.0/mlflow/traces/batchGet?trace_ids=tr-nope&trace_ids={traceId}")).Body.GetProperty("traces")[0].GetProperty("spans").GetRawText());

        var found = await _server.PostAsync("/api/3.0/mlflow/traces/search", new
        {
            locations = new[] { new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = experiment } } },
            filter = "status = 'OK' AND tags.t = '1' AND span.name = 'inner'",
            max_results = 10,
            order_by = new[] { "timestamp_ms DESC" },
        });
        Assert.Equal(traceId, Assert.Single(found.Body.GetProperty("traces").EnumerateArray()).GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task Export_WithFacts_StoresWhatStartTraceStores()
    {
        var answers = new List<string>();
        foreach (var together in (bool[])[true, false])
        {
            var otelId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
            if (together)
            {
                // Twice, as a client does that has not seen the answer.
                for (var i = 0; i < 2; i++)
                {
                    using var answer = await _server.ExportAsync(RequestWithFacts(otelId, Facts(otelId)));
                    Assert.Equal(200, (int)answer.StatusCode);
                    Assert.Equal("1", answer.Headers.GetValues("x-mlflow-trace-facts").Single());
                }
            }
            else
            {
                using var answer = await _server.ExportAsync(Request(otelId));
                Assert.False(answer.Headers.Contains("x-mlflow-trace-facts"));
                Assert.Equal(200, (await _server.PostAsync("/api/3.0/mlflow/traces", Facts(otelId))).Status);
            }

            var trace = await _server.GetAsync($"/api/3.0/mlflow/traces/get?trace_id=tr-{otelId}&allow_partial=False");
            answers.Add(trace.Body.GetRawText().Replace(otelId, "id", StringComparison.Ordinal).Replace(Convert.ToBase64String(Convert.FromHexString(otelId)), "id", StringComparison.Ordinal));
        }

        Assert.Equal(answers[1], answers[0]);
        Assert.Contains("\"what?\"", answers[0], StringComparison.Ordinal);
        Assert.DoesNotContain("traceFacts", answers[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", 400, "The request's body is not JSON")]
    [InlineData("{}", 400, "Missing value for required parameter 'trace'.")]
    [InlineData("""{"trace":{"trace_info":{"trace_id":"t","trace_location":{"mlflow_experiment":{"experiment_id":"777"}}}}}""", 404, "No Experiment with id=777 exists")]
    public async Task Export_WithWrongFacts_IsRefusedWhole(string facts, int status, string message)
    {
        var otelId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());

        using var answer = await _server.ExportAsync(RequestWithFacts(otelId, facts), userAgent: "mlflow-dotnet-client/1.0");

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains(message, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken)).RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(404, (await _server.GetAsync("/api/3.0/mlflow/traces/tr-" + otelId)).Status);
    }

    [Fact]
    public async Task ServerInfo_SaysThatFactsAreTaken() =>
        Assert.True((await _server.GetAsync("/api/3.0/mlflow/server-info")).Body.GetProperty("takes_trace_facts").GetBoolean());

    [Fact]
    public async Task Spans_InTheApi_HaveTheShapeThatClientsRead()
    {
        var otelId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
        using var exported = await _server.ExportAsync(Request(otelId));

        var spans = (await _server.GetAsync($"/api/3.0/mlflow/traces/get?trace_id=tr-{otelId}")).Body.GetProperty("trace").GetProperty("spans");

        Assert.Equal($$$$"""
            {"trace_id":"{{{{Convert.ToBase64String(Convert.FromHexString(otelId))}}}}","span_id":"AAAAAAAAAAE=","name":"add","start_time_unix_nano":1795399326331675252,"end_time_unix_nano":1795399326332100000,
            "attributes":[{"key":"mlflow.traceRequestId","value":{"string_value":"tr-{{{{otelId}}}}"}},{"key":"mlflow.spanType","value":{"string_value":"CHAIN"}},
            {"key":"d","value":{"kvlist_value":{"values":[{"key":"a","value":{"array_value":{"values":[{"int_value":1},{"double_value":2.5},{},{"bool_value":true}]}}}]}}},
            {"key":"mlflow.spanInputs","value":{"kvlist_value":{}}},{"key":"mlflow.spanOutputs"}],
            "events":[{"time_unix_nano":1795399326331900000,"name":"ev","attributes":[{"key":"a","value":{"string_value":"b"}}]}],
            "status":{"code":"STATUS_CODE_OK"}}
            """.ReplaceLineEndings(""), spans[0].GetRawText());
        Assert.Equal("AAAAAAAAAAE=", spans[1].GetProperty("parent_span_id").GetString());
        Assert.Equal("""{"code":"STATUS_CODE_ERROR","message":"boom"}""", spans[1].GetProperty("status").GetRawText());
    }

    [Theory]
    [InlineData("/api/3.0/mlflow/traces/tr-nope", 404, "RESOURCE_DOES_NOT_EXIST", "Trace with ID 'tr-nope' not found.")]
    [InlineData("/api/3.0/mlflow/traces/get?trace_id=tr-nope", 404, "RESOURCE_DOES_NOT_EXIST", "Trace with ID tr-nope is not found.")]
    [InlineData("/api/3.0/mlflow/traces/get?trace_id=x&allow_partial=maybe", 400, "INVALID_PARAMETER_VALUE", "Invalid boolean value: maybe, must be 'true' or 'false'.")]
    [InlineData("/api/2.0/mlflow/experiments/get?experiment_id=999", 404, "RESOURCE_DOES_NOT_EXIST", "No Experiment with id=999 exists")]
    [InlineData("/api/2.0/mlflow/experiments/get?experiment_id=abc", 400, "INVALID_PARAMETER_VALUE", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.")]
    [InlineData("/api/2.0/mlflow/experiments/get", 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'experiment_id'. See the API docs for more information about request parameters.")]
    [InlineData("/api/2.0/mlflow/experiments/get-by-name?experiment_name=zz", 404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with name 'zz'")]
    public async Task Get_WhatIsNotThere_IsMlflowsError(string path, int status, string code, string message)
    {
        var (actual, body) = await _server.GetAsync(path);

        Assert.Equal((status, code, message), (actual, body.GetProperty("error_code").GetString(), body.GetProperty("message").GetString()));
    }

    [Theory]
    [InlineData("/api/3.0/mlflow/traces", "{}", 400, "Missing value for required parameter 'trace'.")]
    [InlineData("/api/3.0/mlflow/traces", """{"trace":{"trace_info":{"trace_id":"t"}}}""", 400, "Missing value for required parameter 'trace_location'.")]
    [InlineData("/api/3.0/mlflow/traces", """{"trace":{"trace_info":{"trace_id":"t","trace_location":{"mlflow_experiment":{"experiment_id":"777"}}}}}""", 404, "No Experiment with id=777 exists")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"max_results":501}""", 400, "Invalid value 501 for parameter 'max_results' supplied:")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"max_results":0}""", 400, "Invalid value 0 for parameter 'max_results' supplied:")]
    [InlineData("/api/3.0/mlflow/traces/search", "{", 400, "The request's body is not JSON")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"filter":"state = 'OK'"}""", 400, "Invalid attribute key 'state' specified. Valid keys are '{")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"filter":"name = 'a\u0000'"}""", 400, "Invalid clause(s) in filter string: it has the character U+0000")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"order_by":["name SIDEWAYS"]}""", 400, "Invalid ordering key in order_by clause 'name SIDEWAYS'.")]
    [InlineData("/api/3.0/mlflow/traces/search", """{"page_token":"*","locations":[{"mlflow_experiment":{"experiment_id":"0"}}]}""", 400, "Invalid page token, could not base64-decode")]
    [InlineData("/api/2.0/mlflow/experiments/search", """{"max_results":1,"filter":"name = 'a"}""", 400, "Invalid clause(s) in filter string: ''a'. The quote at position 8 is not closed.")]
    [InlineData("/api/2.0/mlflow/traces/delete-traces", """{"experiment_id":"0"}""", 400, "Either `max_timestamp_millis` or `trace_ids` must be specified.")]
    [InlineData("/api/3.0/mlflow/traces/delete-traces", """{"experiment_id":"0","request_ids":["a"],"max_timestamp_millis":1}""", 400, "Only one of `max_timestamp_millis` and `trace_ids` can be specified.")]
    [InlineData("/api/2.0/mlflow/traces/delete-traces", """{"experiment_id":"0","max_timestamp_millis":1,"max_traces":-3}""", 400, "`max_traces` must be a positive integer, received -3.")]
    [InlineData("/api/2.0/mlflow/experiments/create", """{"name":"Default"}""", 400, "Experiment(name=Default) already exists.")]
    [InlineData("/api/2.0/mlflow/experiments/search", "{}", 400, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer")]
    [InlineData("/api/2.0/mlflow/experiments/search", """{"max_results":50001}""", 400, "It must be at most 50000")]
    [InlineData("/api/2.0/mlflow/experiments/update", """{"experiment_id":"999","new_name":"x"}""", 404, "No Experiment with id=999 exists")]
    [InlineData("/api/2.0/mlflow/experiments/update", """{"experiment_id":"0"}""", 400, "Missing value for required parameter 'new_name'.")]
    [InlineData("/api/2.0/mlflow/experiments/delete", """{"experiment_id":"abc"}""", 400, "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.")]
    [InlineData("/api/2.0/mlflow/experiments/restore", """{"experiment_id":"0"}""", 404, "No Experiment with id=0 exists")]
    [InlineData("/api/2.0/mlflow/experiments/delete-experiment-tag", """{"experiment_id":"0","key":"nope"}""", 404, "No tag with name: nope in experiment with id 0")]
    public async Task Post_WrongParameters_AreToldSo(string path, string body, int status, string message)
    {
        var answer = await _server.PostAsync(path, body);

        Assert.Equal(status, answer.Status);
        Assert.StartsWith(message, answer.Body.GetProperty("message").GetString()!.Replace("Invalid value 50001 for parameter 'max_results' supplied. ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"max_results\": \"5\", \"unknown\": 1, \"view_type\": 3}")]
    [InlineData("\"{\\\"max_results\\\": 5}\"")]
    public async Task Post_BodyAsLooseAsMlflowAllows_IsUnderstood(string body)
    {
        var answer = await _server.PostAsync("/ajax-api/2.0/mlflow/experiments/search", body);

        Assert.Equal(200, answer.Status);
        Assert.Contains(answer.Body.GetProperty("experiments").EnumerateArray(), experiment => experiment.GetProperty("name").GetString() == "Default");
    }

    [Fact]
    public async Task Text_WithHalfOfASurrogatePair_IsKeptAndFoundWithAReplacement()
    {
        // As Python writes what it read with errors="surrogateescape".
        var started = await _server.PostAsync(
            "/api/3.0/mlflow/traces", """{"trace":{"trace_info":{"trace_id":"tr-half","trace_location":{"mlflow_experiment":{"experiment_id":"0"}},"request_preview":"a\ud800b","tags":{"half":"\uDC00"}}}}""");

        Assert.Equal("a\uFFFDb", started.Body.GetProperty("trace").GetProperty("trace_info").GetProperty("request_preview").GetString());
        var found = await _server.PostAsync("/api/3.0/mlflow/traces/search", """{"locations":[{"mlflow_experiment":{"experiment_id":"0"}}],"filter":"tags.half = '\ud800'"}""");
        Assert.Equal("tr-half", Assert.Single(found.Body.GetProperty("traces").EnumerateArray()).GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task Tags_SetAndDeletedOverHttp_Follow()
    {
        var otelId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
        using var exported = await _server.ExportAsync(Request(otelId));
        var path = $"/api/2.0/mlflow/traces/tr-{otelId}/tags";

        Assert.Equal((200, "{}"), Text(await _server.SendAsync(HttpMethod.Patch, path, new { key = "k", value = "v" })));
        Assert.Equal("v", (await TagsAsync(otelId)).GetProperty("k").GetString());
        Assert.Equal((200, "{}"), Text(await _server.SendAsync(HttpMethod.Delete, path.Replace("2.0", "3.0", StringComparison.Ordinal), new { key = "k" })));
        Assert.False((await TagsAsync(otelId)).TryGetProperty("k", out _));

        var missing = await _server.SendAsync(HttpMethod.Delete, path, new { key = "k" });
        Assert.Equal((404, $"No trace tag with key 'k' for trace with ID 'tr-{otelId}'"), (missing.Status, missing.Body.GetProperty("message").GetString()));
        Assert.Equal(400, (await _server.SendAsync(HttpMethod.Patch, path, new { key = "ä?", value = "v" })).Status);
    }

    [Fact]
    public async Task LinkToRun_OverHttp_TakesAHundredAtOnce()
    {
        Assert.Equal((200, "{}"), Text(await _server.PostAsync("/api/2.0/mlflow/traces/link-to-run", new { trace_ids = Array.Empty<string>(), run_id = "r" })));
        Assert.Equal((200, "{}"), Text(await _server.PostAsync("/api/2.0/mlflow/traces/link-to-run", new { trace_ids = Enumerable.Repeat("tr-1", 100), run_id = "r" })));

        var refused = await _server.PostAsync("/api/2.0/mlflow/traces/link-to-run", new { trace_ids = Enumerable.Repeat("tr-1", 101), run_id = "r" });
        Assert.Equal((400, "Cannot link more than 100 traces to a run in a single request. Provided 101 traces."), (refused.Status, refused.Body.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Delete_OverHttp_SaysHowMany()
    {
        var otelId = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
        using var exported = await _server.ExportAsync(Request(otelId));

        Assert.Equal(
            (200, """{"traces_deleted":1}"""),
            Text(await _server.PostAsync("/api/2.0/mlflow/traces/delete-traces", new { experiment_id = "0", request_ids = new[] { "tr-" + otelId, "tr-nope" } })));
        Assert.Equal(404, (await _server.GetAsync("/api/3.0/mlflow/traces/tr-" + otelId)).Status);
    }

    [Fact]
    public async Task Get_TraceThatIsNotAllHere_IsRefusedUnlessPartIsEnough()
    {
        await _server.PostAsync("/api/3.0/mlflow/traces", """
            {"trace": {"trace_info": {"trace_id": "tr-partial", "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
              "trace_metadata": {"mlflow.trace.sizeStats": "{\"num_spans\": 2}"}}}}
            """);

        Assert.Equal(200, (await _server.GetAsync("/api/3.0/mlflow/traces/get?trace_id=tr-partial&allow_partial=True")).Status);
        Assert.Equal((200, "{}"), Text(await _server.GetAsync("/api/3.0/mlflow/traces/batchGet?trace_ids=tr-partial")));
        var refused = await _server.GetAsync("/api/3.0/mlflow/traces/get?trace_id=tr-partial&allow_partial=false");
        Assert.Equal((404, "Trace with ID tr-partial is not fully exported yet, please try again later."), (refused.Status, refused.Body.GetProperty("message").GetString()));
    }

    private async Task<JsonElement> TagsAsync(string otelId) =>
        (await _server.GetAsync("/api/3.0/mlflow/traces/tr-" + otelId)).Body.GetProperty("trace").GetProperty("trace_info").GetProperty("tags");

    private static (int Status, string Body) Text((int Status, JsonElement Body) answer) => (answer.Status, answer.Body.GetRawText());

    private static ExportTraceServiceRequest RequestWithFacts(string otelId, string facts)
    {
        var request = Request(otelId);
        request.ResourceSpans[0].ScopeSpans[0].Spans[^1].Attributes.Add(new KeyValue { Key = "mlflow.traceFacts", Value = new AnyValue { StringValue = facts } });
        return request;
    }

    private static string Facts(string otelId) => $$$$"""
        {"trace": {"trace_info": {
          "trace_id": "tr-{{{{otelId}}}}",
          "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
          "request_time": "2026-11-23T02:01:44.360Z",
          "execution_duration": "0.127s",
          "state": "OK",
          "request_preview": "what?",
          "trace_metadata": {"mlflow.trace_schema.version": "3", "mlflow.trace.sizeStats": "{\"num_spans\": 2}", "mlflow.trace.session": "s-1"},
          "tags": {"t": "1", "mlflow.traceName": "add"} } } }
        """;

    private static ExportTraceServiceRequest Request(string otelId)
    {
        var traceId = ByteString.CopyFrom(Convert.FromHexString(otelId));
        var root = new Span
        {
            TraceId = traceId,
            SpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 1),
            Name = "add",
            StartTimeUnixNano = 1795399326331675252,
            EndTimeUnixNano = 1795399326332100000,
            Status = new Status { Code = Status.Types.StatusCode.Ok },
            Attributes =
            {
                new KeyValue { Key = "mlflow.traceRequestId", Value = new AnyValue { StringValue = "tr-" + otelId } },
                new KeyValue { Key = "mlflow.spanType", Value = new AnyValue { StringValue = "CHAIN" } },
                new KeyValue
                {
                    Key = "d",
                    Value = new AnyValue
                    {
                        KvlistValue = new KeyValueList
                        {
                            Values =
                            {
                                new KeyValue
                                {
                                    Key = "a",
                                    Value = new AnyValue
                                    {
                                        ArrayValue = new ArrayValue { Values = { new AnyValue { IntValue = 1 }, new AnyValue { DoubleValue = 2.5 }, new AnyValue(), new AnyValue { BoolValue = true } } },
                                    },
                                },
                            },
                        },
                    },
                },
                new KeyValue { Key = "mlflow.spanInputs", Value = new AnyValue { KvlistValue = new KeyValueList() } },
                new KeyValue { Key = "mlflow.spanOutputs" },
            },
            Events = { new Span.Types.Event { Name = "ev", TimeUnixNano = 1795399326331900000, Attributes = { new KeyValue { Key = "a", Value = new AnyValue { StringValue = "b" } } } } },
        };
        var inner = new Span
        {
            TraceId = traceId,
            SpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 2),
            ParentSpanId = root.SpanId,
            Name = "inner",
            StartTimeUnixNano = 1795399326331675253,
            EndTimeUnixNano = 1795399326332000000,
            Status = new Status { Code = Status.Types.StatusCode.Error, Message = "boom" },
        };
        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { inner, root } } } } } };
    }

    [Fact]
    public async Task Trace_WhoseProcessStoppedBeating_IsInProgressToClientsAndSaysThatItIsInterrupted()
    {
        using var folder = new TemporaryFolder();
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await MlflowServer.StartAsync(
            new MlflowServerOptions { Port = 0, OtlpGrpcPort = null, BackendStoreUri = "sqlite:///" + folder.File("mlflow.db"), TimeProvider = clock }, Xunit.TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = server.BaseAddress };
        var id = Guid.NewGuid().ToString("n");
        using var content = new StringContent(
            $$$"""
            {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"{{{id}}}","spanId":"1111111111111111","name":"agent","startTimeUnixNano":"1795399326000000000",
            "attributes":[{"key":"mlflow.trace.lease_ms","value":{"intValue":"60000"}}]}]}]}]}
            """,
            null,
            "application/json");
        using var stored = await client.PostAsync(new Uri("/v1/traces", UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);
        Assert.True(stored.IsSuccessStatusCode);

        Assert.Equal(("IN_PROGRESS", null), await StateAsync());
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(("IN_PROGRESS", "true"), await StateAsync());

        // What is said about the span is no part of it.
        Assert.DoesNotContain("lease", await client.GetStringAsync(new Uri($"/api/3.0/mlflow/traces/get?trace_id=tr-{id}", UriKind.Relative), Xunit.TestContext.Current.CancellationToken), StringComparison.Ordinal);

        async Task<(string? State, string? Interrupted)> StateAsync()
        {
            var answer = JsonDocument.Parse(await client.GetStringAsync(new Uri("/api/3.0/mlflow/traces/tr-" + id, UriKind.Relative), Xunit.TestContext.Current.CancellationToken)).RootElement;
            var info = answer.GetProperty("trace").GetProperty("trace_info");
            return (info.GetProperty("state").GetString(), info.TryGetProperty("trace_metadata", out var metadata) && metadata.TryGetProperty("mlflow.trace.interrupted", out var interrupted) ? interrupted.GetString() : null);
        }
    }
}
