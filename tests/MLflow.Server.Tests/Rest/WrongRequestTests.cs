using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using MLflow.Server.Tests.Golden;
using Xunit;

namespace MLflow.Server.Tests.Rest;

/// <summary>Each call with each of its fields missing, wrong and huge, and with wrong bodies, verbs and content types: told clearly, and nothing is stored.</summary>
public class WrongRequestTests : IClassFixture<SomeServer>
{
    private const string Api = "/api/2.0/mlflow/";
    private const string Api3 = "/api/3.0/mlflow/";
    private const string Mpu = "/api/2.0/mlflow-artifacts/mpu/";
    private const string Gateway = Api3 + "gateway/";

    private static readonly SomeCall[] All =
    [
        new("POST", Api + "experiments/create", """{"name":"new","artifact_location":"mlflow-artifacts:/x","tags":[{"key":"k","value":"v"}]}""", ["name", "tags.0.key"], "experiment id"),
        new("POST", Api + "experiments/search", """{"max_results":10,"filter":"name = 'a'","order_by":["name"],"view_type":"ALL"}""", ["max_results"], "experiments"),
        new("POST", Api + "experiments/update", """{"experiment_id":"1","new_name":"renamed"}""", ["experiment_id", "new_name"], "nothing"),
        new("POST", Api + "experiments/set-experiment-tag", """{"experiment_id":"1","key":"k","value":"v"}""", ["experiment_id", "key"], "nothing"),
        new("POST", Api + "experiments/delete-experiment-tag", """{"experiment_id":"1","key":"own"}""", ["experiment_id", "key"], "nothing"),
        new("POST", Api + "experiments/delete", """{"experiment_id":"1"}""", ["experiment_id"], "nothing"),
        new("POST", Api + "experiments/restore", """{"experiment_id":"2"}""", ["experiment_id"], "nothing"),
        new("POST", Api3 + "traces", """
            {"trace":{"trace_info":{"trace_id":"tr-new","client_request_id":"c","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}},"request_time":"2026-01-01T00:00:00Z",
            "execution_duration":"1s","state":"OK","request_preview":"a","response_preview":"b","trace_metadata":{"m":"1"},"tags":{"t":"1"},"assessments":[{"assessment_name":"x","feedback":{"value":1}}]}}}
            """, ["trace", "trace.trace_info", "trace.trace_info.trace_id", "trace.trace_info.trace_location", "trace.trace_info.assessments.0.assessment_name"], "info answer"),
        new("POST", Api3 + "traces/search", """{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}}],"filter":"status = 'OK'","max_results":10,"order_by":["timestamp_ms DESC"]}""", [], "found"),
        new("POST", Api3 + "traces/batchGetInfos", """{"trace_ids":["{trace}"]}""", [], "infos"),
        new("POST", Api3 + "traces/metrics", """{"experiment_ids":["0"],"view_type":"TRACES","metric_name":"latency","aggregations":[{"aggregation_type":"PERCENTILE","percentile_value":95}],"dimensions":["trace_name"],"filters":["trace.status = 'OK'"],"time_interval_seconds":3600,"start_time_ms":1,"end_time_ms":2000000000000,"max_results":10}""", ["experiment_ids", "view_type", "metric_name", "aggregations", "aggregations.0.aggregation_type", "aggregations.0.percentile_value"], "points"),
        new("POST", Api3 + "traces/calculate-filter-correlation", """{"experiment_ids":["0"],"filter_string1":"status = 'OK'","filter_string2":"name = 'a'","base_filter":"name != 'b'"}""", ["experiment_ids", "filter_string1", "filter_string2"], "correlation"),
        new("POST", Api + "traces", """{"experiment_id":"0","timestamp_ms":1700000000000,"request_metadata":[{"key":"a","value":"b"}],"tags":[{"key":"t","value":"1"}]}""", ["experiment_id", "timestamp_ms", "request_metadata.0.key", "tags.0.key"], "old info answer"),
        new("PATCH", Api + "traces/{trace}", """{"timestamp_ms":1700000000001,"status":"OK","request_metadata":[{"key":"a","value":"b"}],"tags":[{"key":"t","value":"1"}]}""", ["timestamp_ms", "request_metadata.0.key", "tags.0.key"], "old info answer"),
        new("PATCH", Api + "traces/{trace}/tags", """{"key":"k","value":"v"}""", ["key"], "nothing"),
        new("DELETE", Api3 + "traces/{trace}/tags", """{"key":"own"}""", ["key"], "nothing"),
        new("POST", Api + "traces/link-to-run", """{"trace_ids":["{trace}"],"run_id":"{run}"}""", ["run_id"], "nothing"),
        new("POST", Api + "traces/link-prompts", """{"trace_id":"{trace}","prompt_versions":[{"name":"p","version":"1"}]}""", ["trace_id", "prompt_versions.0.name", "prompt_versions.0.version"], "nothing"),
        new("POST", Api3 + "traces/{trace}/assessments", """{"assessment":{"assessment_name":"x","span_id":"a","source":{"source_type":"HUMAN","source_id":"me"},"create_time":"2026-01-01T00:00:00Z","last_update_time":"2026-01-01T00:00:00Z","feedback":{"value":1,"error":{"error_code":"E"}},"rationale":"r","metadata":{"m":"1"},"overrides":"{assessment}","valid":true}}""", ["assessment", "assessment.assessment_name", "assessment.feedback"], "assessment answer"),
        new("PATCH", Api3 + "traces/{trace}/assessments/{assessment}", """{"assessment":{"assessment_name":"y","feedback":{"value":2},"rationale":"r","metadata":{"m":"1"},"valid":false},"update_mask":"assessmentName,feedback,rationale,metadata,valid"}""", ["assessment", "update_mask", "assessment.assessment_name", "assessment.feedback"], "assessment answer"),
        new("POST", Api + "traces/delete-traces", """{"experiment_id":"0","request_ids":["tr-nope"]}""", ["experiment_id", "request_ids"], "deleted"),
        new("POST", Api3 + "traces/delete-traces", """{"experiment_id":"0","max_timestamp_millis":1,"max_traces":5}""", ["experiment_id", "max_timestamp_millis"], "deleted"),
        new("POST", Api3 + "retention/set", """{"experiment_id":"0"}""", ["experiment_id"], "retention"),
        new("POST", Api3 + "retention/run", """{"experiment_ids":["0"],"dry_run":true}""", [], "retention run"),
        new("POST", Api3 + "traces/delete-by-owner", """{"user":"nobody","experiment_ids":["0"],"dry_run":true}""", ["user"], "deleted of owner"),
        new("POST", Api + "runs/create", """{"experiment_id":"0","user_id":"me","start_time":1,"run_name":"r","tags":[{"key":"k","value":"v"}]}""", ["experiment_id", "tags.0.key"], "run answer"),
        new("POST", Api + "runs/update", """{"run_id":"{run}","status":"FINISHED","end_time":5,"run_name":"n"}""", ["run_id"], "run info answer"),
        new("POST", Api + "runs/search", """{"experiment_ids":["0"],"filter":"status = 'RUNNING'","run_view_type":"ALL","max_results":10,"order_by":["start_time"]}""", [], "runs"),
        new("POST", Api + "runs/log-metric", """{"run_id":"{run}","key":"k","value":1.5,"timestamp":1,"step":2}""", ["run_id", "key", "value", "timestamp"], "nothing"),
        new("POST", Api + "runs/log-parameter", """{"run_id":"{run}","key":"k","value":"v"}""", ["run_id", "key", "value"], "nothing"),
        new("POST", Api + "runs/log-batch", """{"run_id":"{run}","metrics":[{"key":"m","value":1,"timestamp":1,"step":0}],"params":[{"key":"p","value":"1"}],"tags":[{"key":"t","value":"1"}]}""", ["run_id", "metrics.0.key", "metrics.0.value", "metrics.0.timestamp", "params.0.key", "params.0.value", "tags.0.key"], "nothing"),
        new("POST", Api + "runs/set-tag", """{"run_id":"{run}","key":"k","value":"v"}""", ["run_id", "key"], "nothing"),
        new("POST", Api + "runs/delete-tag", """{"run_id":"{run}","key":"own"}""", ["run_id", "key"], "nothing"),
        new("POST", Api + "runs/delete", """{"run_id":"{run}"}""", ["run_id"], "nothing"),
        new("POST", Api + "runs/restore", """{"run_id":"{run}"}""", ["run_id"], "nothing"),
        new("POST", Mpu + "create/a", """{"path":"f","num_parts":1}""", ["path", "num_parts"], "upload"),
        new("POST", Mpu + "complete/a", """{"path":"f","upload_id":"{upload}","parts":[{"part_number":1,"etag":"{etag}"}]}""", ["path", "upload_id", "parts", "parts.0.part_number", "parts.0.etag"], "nothing"),
        new("POST", Mpu + "abort/a", """{"path":"f","upload_id":"{upload}"}""", ["path", "upload_id"], "nothing"),
        new("PATCH", Api3 + "traces/{trace}/tags", """{"key":"k","value":"v"}""", ["key"], "nothing"),
        new("DELETE", Api + "traces/{trace}/tags", """{"key":"own"}""", ["key"], "nothing"),
        new("POST", Gateway + "secrets/create", """{"secret_name":"new","secret_value":{"api_key":"sk-0123456789abcdef"},"provider":"openai","auth_config":{"api_base":"https://llm.example/v1","api_version":"1"}}""", ["secret_name", "secret_value"], "secret answer"),
        new("POST", Gateway + "secrets/update", """{"secret_id":"{secret}","secret_value":{"api_key":"sk-0123456789abcdef"},"auth_config":{"api_base":"https://llm.example/v1"}}""", ["secret_id"], "secret answer"),
        new("DELETE", Gateway + "secrets/delete", """{"secret_id":"{secret}"}""", ["secret_id"], "nothing"),
        new("POST", Gateway + "model-definitions/create", """{"name":"new","secret_id":"{secret}","provider":"openai","model_name":"m"}""", ["name", "secret_id", "provider", "model_name"], "model answer"),
        new("POST", Gateway + "model-definitions/update", """{"model_definition_id":"{model}","name":"renamed","secret_id":"{secret}","provider":"openai","model_name":"m"}""", ["model_definition_id"], "model answer"),
        new("DELETE", Gateway + "model-definitions/delete", """{"model_definition_id":"{unused}"}""", ["model_definition_id"], "nothing"),
        new("POST", Gateway + "endpoints/create", """
            {"name":"new","model_configs":[{"model_definition_id":"{model}","linkage_type":"PRIMARY","weight":1,"fallback_order":0}],"routing_strategy":"REQUEST_BASED_TRAFFIC_SPLIT","fallback_config":{"strategy":"SEQUENTIAL","max_attempts":1},
            "experiment_id":"0","usage_tracking":true,"aliases":["renamed"],"retries":1,"record_content":false,"rate_limits":[{"calls":5,"key":"user","renewal_period":"minute"}]}
            """, ["name", "model_configs", "model_configs.0.model_definition_id", "rate_limits.0.calls"], "endpoint answer"),
        new("POST", Gateway + "endpoints/update", """
            {"endpoint_id":"{endpoint}","name":"new","model_configs":[{"model_definition_id":"{model}","linkage_type":"PRIMARY","weight":1,"fallback_order":0}],"fallback_config":{"strategy":"SEQUENTIAL","max_attempts":1},
            "experiment_id":"0","usage_tracking":true,"aliases":["renamed"],"retries":1,"record_content":false,"rate_limits":[{"calls":5,"key":"user","renewal_period":"minute"}]}
            """, ["endpoint_id", "model_configs.0.model_definition_id", "rate_limits.0.calls"], "endpoint answer"),
        new("DELETE", Gateway + "endpoints/delete", """{"endpoint_id":"{endpoint}"}""", ["endpoint_id"], "nothing"),
        new("POST", Gateway + "endpoints/models/attach", """{"endpoint_id":"{endpoint}","model_config":{"model_definition_id":"{unused}","linkage_type":"FALLBACK","weight":1,"fallback_order":1}}""", ["endpoint_id", "model_config", "model_config.model_definition_id"], "mapping answer"),
        new("POST", Gateway + "endpoints/models/detach", """{"endpoint_id":"{endpoint}","model_definition_id":"{second}"}""", ["endpoint_id", "model_definition_id"], "nothing"),
        new("POST", Gateway + "endpoints/bindings/create", """{"endpoint_id":"{endpoint}","resource_type":"scorer","resource_id":"s"}""", ["endpoint_id", "resource_type", "resource_id"], "binding answer"),
        new("DELETE", Gateway + "endpoints/bindings/delete", """{"endpoint_id":"{endpoint}","resource_type":"scorer","resource_id":"own"}""", ["endpoint_id", "resource_type", "resource_id"], "nothing"),
        new("POST", Gateway + "endpoints/set-tag", """{"endpoint_id":"{endpoint}","key":"k","value":"v"}""", ["endpoint_id", "key"], "nothing"),
        new("DELETE", Gateway + "endpoints/delete-tag", """{"endpoint_id":"{endpoint}","key":"own"}""", ["endpoint_id", "key"], "nothing"),
        new("POST", Gateway + "budgets/create", """{"budget_unit":"USD","budget_amount":1.5,"duration":{"unit":"DAYS","value":1},"target_scope":"USER","target_value":"ada","budget_action":"ALERT"}""", ["budget_amount", "duration", "duration.unit"], "budget answer"),
        new("POST", Gateway + "budgets/update", """{"budget_policy_id":"{budget}","budget_unit":"USD","budget_amount":2,"duration":{"unit":"WEEKS","value":1},"target_scope":"USER","target_value":"ada","budget_action":"ALERT"}""", ["budget_policy_id"], "budget answer"),
        new("DELETE", Gateway + "budgets/delete", """{"budget_policy_id":"{budget}"}""", ["budget_policy_id"], "nothing"),
    ];

    /// <summary>Routes that change something and read no JSON: files, and a deletion whose address says all.</summary>
    private static readonly string[] WithoutJson =
    [
        "PUT /api/2.0/mlflow-artifacts/artifacts/{**path}", "DELETE /api/2.0/mlflow-artifacts/artifacts/{**path}", "PUT /api/2.0/mlflow-artifacts/mpu/parts/{uploadId}/{number:int}",
        "PUT /api/2.0/mlflow-artifacts/artifacts/{experimentId}/traces/{traceId}/artifacts/traces.json", "DELETE /api/3.0/mlflow/traces/{traceId}/assessments/{assessmentId}",
    ];

    /// <summary>Every parameter that some route reads from its address.</summary>
    private static readonly string[] Parameters =
    [
        "experiment_id", "experiment_ids", "experiment_name", "run_id", "run_uuid", "request_id", "trace_id", "trace_ids", "path", "max_results", "page_token", "filter", "order_by", "view_type", "allow_partial",
    ];

    /// <summary>Those of the gateway's routes.</summary>
    private static readonly string[] GatewayParameters =
    [
        "secret_id", "secret_name", "provider", "model_definition_id", "endpoint_id", "name", "resource_type", "resource_id", "budget_policy_id", "max_results", "page_token",
    ];

    private readonly SomeServer _server;

    public WrongRequestTests(SomeServer server) => _server = server;

    public static TheoryData<int> Calls => [.. Enumerable.Range(0, All.Length)];

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_WithWhatIsWrong_IsToldSoAndStoresNothing(int index)
    {
        var call = await ReadyAsync(All[index]);
        var body = JsonNode.Parse(call.Body)!;
        var before = Stored();

        foreach (var field in call.Required)
        {
            var (status, message) = await SendAsync(call, With(body, field, null));
            Assert.True(status == 400, $"{call} without {field}: {status} {message}");
            Assert.True(message.Contains(field.Split('.')[^1], StringComparison.Ordinal) || message.Contains("assessment type", StringComparison.Ordinal) || message.Contains("trace_ids", StringComparison.Ordinal), $"{call} without {field}: {message}");
        }

        foreach (var field in Fields(body).Where(field => !field.EndsWith("feedback.value", StringComparison.Ordinal)))
        {
            var wrong = At(body, field) is JsonValue ? """{"x":[1]}""" : "\"text\"";
            var (status, message) = await SendAsync(call, With(body, field, JsonNode.Parse(wrong)));
            Assert.True(status == 400, $"{call} with {field}={wrong}: {status} {message}");
            Assert.NotEmpty(message);
        }

        foreach (var wrong in (string[])["{", "[]", "5", "\"x\"", "\"[]\"", "{\"a\":\u0000}", "{'a':1}", new string('[', 10_000), "\u00FF", "{\"a\":1"])
        {
            var (status, message) = await SendAsync(call, wrong);
            Assert.True(status == 400, $"{call} with {wrong[..Math.Min(20, wrong.Length)]}: {status} {message}");
        }

        Assert.Equal(before, Stored());
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_OfAnotherVerbOrContentType_IsRefused(int index)
    {
        var call = await ReadyAsync(All[index]);
        var before = Stored();

        using var verb = new HttpRequestMessage(HttpMethod.Head, call.Path);
        using var refused = await _server.Client.SendAsync(verb, Xunit.TestContext.Current.CancellationToken);
        Assert.Equal(405, (int)refused.StatusCode);
        if (call.Method == "POST")
        {
            Assert.Equal((400, "Bad Request. Content-Type header is missing."), await SendAsync(call, call.Body, contentType: null));
            foreach (var type in (string[])["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data; boundary=x"])
            {
                Assert.Equal((400, "Bad Request. Content-Type must be one of ['application/json']."), await SendAsync(call, call.Body, type));
            }
        }

        Assert.Equal(before, Stored());
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_ThatIsRight_IsAnsweredInItsShape(int index)
    {
        var call = await ReadyAsync(All[index]);

        var answer = await _server.SendAsync(new HttpMethod(call.Method), call.Path, call.Body);

        Assert.True(answer.Status == 200, $"{call}: {answer.Status} {answer.Body}");
        Assert.Empty(WireShape.Check(answer.Body, call.Shape));
        Assert.Empty(OpenApiContract.CheckRequest(call.Method, call.Path, call.Body));
        Assert.Empty(OpenApiContract.CheckAnswer(call.Method, call.Path, answer.Status, answer.Body));
    }

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_WithHugeOrStrangeText_IsNeverAFailureOfTheServer(int index)
    {
        var call = await ReadyAsync(All[index]);
        var body = JsonNode.Parse(call.Body)!;
        foreach (var field in Fields(body).Where(field => At(body, field) is JsonValue))
        {
            foreach (var value in (string[])[$"\"{new string('x', 100_000)}\"", "\"\\ud800\"", "\"\\u0000\"", "\"🎉\"", "1e308", "-1", "99999999999999999999", "9223372036854775807", "-9223372036854775808", "true", "0.5"])
            {
                var (status, message) = await SendAsync(call, With(body, field, "\u0001").Replace("\"\\u0001\"", value, StringComparison.Ordinal));
                Assert.True(status is 200 or 400 or 404, $"{call} with {field}={value[..Math.Min(30, value.Length)]}: {status} {message}");
            }
        }

        // What was stored is also read.
        foreach (var search in (string[])[Api3 + "traces/search", Api + "runs/search", Api + "experiments/search"])
        {
            Assert.Equal(200, (await _server.PostAsync(search, """{"locations":[{"mlflow_experiment":{"experiment_id":"0"}}],"experiment_ids":["0"],"max_results":500,"view_type":"ALL"}""")).Status);
        }

        foreach (var list in (string[])["secrets/list", "model-definitions/list", "endpoints/list", "endpoints/bindings/list", "budgets/list", "budgets/windows"])
        {
            Assert.Equal(200, (await _server.GetAsync(Gateway + list)).Status);
        }
    }

    [Fact]
    public async Task Body_ThatIsTooLong_IsRefused()
    {
        var call = await ReadyAsync(All[0]);

        var (status, message) = await SendAsync(call, $$"""{"name":"{{new string('x', 17 * 1024 * 1024)}}"}""");

        Assert.Equal((400, "The request's body has more than 16777216 bytes, which is the most that is taken at once (--max-json-bytes)."), (status, message));
    }

    [Fact]
    public void Calls_OfEveryRoute_AreHere()
    {
        // With a user, everybody would have to sign in here; calls about users have tests of their own.
        var routes = Routes().Where(route => !route.StartsWith("GET ", StringComparison.Ordinal) && !route.Contains("/users/", StringComparison.Ordinal) && !route.Contains("/permissions/", StringComparison.Ordinal))
            .Except(WithoutJson).Select(Shape);

        Assert.Equal(routes.Order(StringComparer.Ordinal), All.Select(call => Shape(call.ToString()!.Replace("/create/a", "/create/{x}", StringComparison.Ordinal)
            .Replace("/complete/a", "/complete/{x}", StringComparison.Ordinal).Replace("/abort/a", "/abort/{x}", StringComparison.Ordinal))).Distinct().Order(StringComparer.Ordinal));

        // Whatever the parts of the address are called.
        static string Shape(string route) => System.Text.RegularExpressions.Regex.Replace(route, @"\{[^}]*\}", "{}");
    }

    [Fact]
    public async Task Reading_WithWrongHugeOrNoParameters_IsNeverAFailureOfTheServer()
    {
        string[] values = ["", "x", "-1", "0", "99999999999999999999", "1e999", "%00", "%ff", "%ed%a0%80", "..%2f..%2fx", "{\"a\":1}", "eyJvZmZzZXQiOiAxfQ==", Uri.EscapeDataString("name = '" + new string('(', 500)), new string('y', 4000)];
        foreach (var route in Routes().Where(route => route.StartsWith("GET ", StringComparison.Ordinal)))
        {
            foreach (var value in values)
            {
                var path = System.Text.RegularExpressions.Regex.Replace(route["GET ".Length..], @"\{[^}]*\}", value.Length == 0 ? "x" : value);
                var parameters = route.Contains("/gateway/", StringComparison.Ordinal) ? GatewayParameters : Parameters;
                foreach (var query in parameters.Select(name => $"{name}={value}").Append(string.Join('&', parameters.Select(name => $"{name}={value}"))))
                {
                    using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.Server.BaseAddress.GetLeftPart(UriPartial.Authority) + path + "?" + query, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
                    using var answer = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);
                    Assert.True((int)answer.StatusCode < 500, $"{route}?{query}: {(int)answer.StatusCode}");
                }
            }
        }
    }

    private IEnumerable<string> Routes() => _server.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal))
        .SelectMany(endpoint => endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Select(method => $"{method} {endpoint.RoutePattern.RawText}"));

    private async Task<SomeCall> ReadyAsync(SomeCall call)
    {
        // Experiment 1 with a tag, and the deleted experiment 2.
        while ((await _server.GetAsync(Api + "experiments/get?experiment_id=2")).Status != 200)
        {
            await _server.PostAsync(Api + "experiments/create", new { name = $"e {Guid.NewGuid()}" });
        }

        await _server.PostAsync(Api + "experiments/restore", """{"experiment_id":"1"}""");
        await _server.PostAsync(Api + "experiments/delete", """{"experiment_id":"2"}""");
        await _server.PostAsync(Api + "experiments/set-experiment-tag", """{"experiment_id":"1","key":"own","value":"v"}""");
        var trace = $"tr-{Guid.NewGuid():n}";
        await _server.PostAsync(Api3 + "traces", $$$$"""{"trace":{"trace_info":{"trace_id":"{{{{trace}}}}","trace_location":{"mlflow_experiment":{"experiment_id":"0"}},"request_time":"2023-11-14T22:13:20Z","tags":{"own":"v"} } } }""");
        var assessment = (await _server.PostAsync($"{Api3}traces/{trace}/assessments", """{"assessment":{"assessment_name":"x","feedback":{"value":1}}}""")).Body.GetProperty("assessment").GetProperty("assessment_id").GetString()!;
        var run = (await _server.PostAsync(Api + "runs/create", """{"experiment_id":"0","tags":[{"key":"own","value":"v"}]}""")).Body.GetProperty("run").GetProperty("info").GetProperty("run_id").GetString()!;
        var upload = call.Body.Contains("{upload}", StringComparison.Ordinal) ? (await _server.PostAsync(Mpu + "create/a", """{"path":"f","num_parts":1}""")).Body.GetProperty("upload_id").GetString()! : "";
        var etag = call.Body.Contains("{etag}", StringComparison.Ordinal) ? await PutPartAsync(upload) : "";
        var body = call.Path.StartsWith(Gateway, StringComparison.Ordinal) ? await WithGatewayAsync(call.Body) : call.Body;
        return call with { Path = Fill(call.Path), Body = Fill(body).Replace("\"new\"", $"\"{Guid.NewGuid()}\"", StringComparison.Ordinal).Replace("\"renamed\"", $"\"{Guid.NewGuid()}\"", StringComparison.Ordinal) };

        string Fill(string text) => text.Replace("{trace}", trace, StringComparison.Ordinal).Replace("{run}", run, StringComparison.Ordinal).Replace("{assessment}", assessment, StringComparison.Ordinal)
            .Replace("{upload}", upload, StringComparison.Ordinal).Replace("{etag}", etag, StringComparison.Ordinal);
    }

    /// <summary>The body with ids of what the gateway has: an endpoint of two models with a tag and a binding, a model besides, and a budget.</summary>
    private async Task<string> WithGatewayAsync(string body)
    {
        var name = $"{Guid.NewGuid()}";
        var secret = await CreateAsync("secrets/create", $$"""{"secret_name":"{{name}}","auth_config":{"api_base":"https://llm.example/v1"},"secret_value":{"api_key":"sk-0123456789abcdef"} }""", "secret", "secret_id");
        var models = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            models.Add(await CreateAsync("model-definitions/create", $$"""{"name":"{{name}}-{{i}}","secret_id":"{{secret}}","provider":"openai","model_name":"m"}""", "model_definition", "model_definition_id"));
        }

        var endpoint = await CreateAsync(
            "endpoints/create",
            $$"""{"name":"{{name}}","experiment_id":"0","model_configs":[{"model_definition_id":"{{models[0]}}"},{"model_definition_id":"{{models[1]}}","linkage_type":"FALLBACK"}]}""",
            "endpoint",
            "endpoint_id");
        await _server.PostAsync(Gateway + "endpoints/set-tag", $$"""{"endpoint_id":"{{endpoint}}","key":"own","value":"v"}""");
        await _server.PostAsync(Gateway + "endpoints/bindings/create", $$"""{"endpoint_id":"{{endpoint}}","resource_type":"scorer","resource_id":"own"}""");
        var budget = await CreateAsync("budgets/create", """{"budget_amount":1,"duration":{"unit":"DAYS","value":1},"target_scope":"GLOBAL","budget_action":"ALERT"}""", "budget_policy", "budget_policy_id");
        return body.Replace("{secret}", secret, StringComparison.Ordinal).Replace("{model}", models[0], StringComparison.Ordinal).Replace("{second}", models[1], StringComparison.Ordinal)
            .Replace("{unused}", models[2], StringComparison.Ordinal).Replace("{endpoint}", endpoint, StringComparison.Ordinal).Replace("{budget}", budget, StringComparison.Ordinal);

        async Task<string> CreateAsync(string call, string json, string made, string id)
        {
            var (status, answer) = await _server.PostAsync(Gateway + call, json);
            Assert.True(status == 200, $"{call}: {answer}");
            return answer.GetProperty(made).GetProperty(id).GetString()!;
        }
    }

    private async Task<string> PutPartAsync(string upload)
    {
        using var content = new ByteArrayContent("part"u8.ToArray());
        using var answer = await _server.Client.PutAsync(new Uri($"{Mpu}parts/{upload}/1", UriKind.Relative), content, Xunit.TestContext.Current.CancellationToken);
        return answer.Headers.ETag!.Tag.Trim('"');
    }

    private async Task<(int Status, string Message)> SendAsync(SomeCall call, string body, string? contentType = "application/json")
    {
        using var request = new HttpRequestMessage(new HttpMethod(call.Method), call.Path) { Content = new ByteArrayContent(body == "\u00FF" ? [0xFF] : Encoding.UTF8.GetBytes(body)) };
        if (contentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        using var answer = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, answer.IsSuccessStatusCode ? text : JsonDocument.Parse(text).RootElement.GetProperty("message").GetString()!);
    }

    /// <summary>The column that says where a trace is in the text index.</summary>
    protected const string WorkedOutLater = "text_place";

    /// <summary>True for tables that the server fills in the background: the text index, the figures of overviews, and which server does what.</summary>
    protected static bool IsWorkedOutLater(string table) =>
        table == "job_leases" || table.StartsWith("text_", StringComparison.Ordinal) || table.StartsWith("rollup_", StringComparison.Ordinal);

    /// <summary>What the database holds, in one figure.</summary>
    protected virtual string Stored()
    {
        using var connection = new SqliteConnection($"Data Source={_server.DatabasePath};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var table in Rows(connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").Where(table => !IsWorkedOutLater(table)).ToList())
        {
            var columns = Rows(connection, $"SELECT name FROM pragma_table_info('{table}') WHERE name <> '{WorkedOutLater}'").Select(column => $"\"{column}\"");
            foreach (var row in Rows(connection, $"SELECT {string.Join(", ", columns)} FROM \"{table}\""))
            {
                hash.AppendData(Encoding.UTF8.GetBytes($"{table} {row}\n"));
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static IEnumerable<string> Rows(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>The paths of all fields, items of lists by number.</summary>
    private static IEnumerable<string> Fields(JsonNode node, string prefix = "") => node switch
    {
        JsonObject fields => fields.SelectMany(field => Fields(field.Value!, prefix + field.Key + ".").Prepend(prefix + field.Key)),
        JsonArray items => items.SelectMany((item, i) => Fields(item!, $"{prefix}{i}.").Prepend($"{prefix}{i}")),
        _ => [],
    };

    private static JsonNode? At(JsonNode node, string path) =>
        path.Split('.').Aggregate((JsonNode?)node, (at, name) => at is JsonArray list ? list[int.Parse(name, CultureInfo.InvariantCulture)] : at![name]);

    /// <summary>The body with another value at a path, or without the path.</summary>
    private static string With(JsonNode body, string path, JsonNode? value)
    {
        var copy = body.DeepClone();
        var dot = path.LastIndexOf('.');
        var parent = dot < 0 ? copy : At(copy, path[..dot])!;
        var name = path[(dot + 1)..];
        if (parent is JsonArray list)
        {
            list[int.Parse(name, CultureInfo.InvariantCulture)] = value;
        }
        else if (value is null)
        {
            ((JsonObject)parent).Remove(name);
        }
        else
        {
            parent[name] = value;
        }

        return copy.ToJsonString();
    }
}
