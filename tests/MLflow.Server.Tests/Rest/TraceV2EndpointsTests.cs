using System.Text;
using System.Text.Json;
using MLflow.Server.Tests.Golden;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public sealed class TraceV2EndpointsTests : IClassFixture<SomeServer>
{
    private readonly SomeServer _server;

    public TraceV2EndpointsTests(SomeServer server) => _server = server;

    [Fact]
    public async Task Trace_OfAnOldClient_IsStartedUploadedEndedAndRead()
    {
        var started = await StartAsync();
        Assert.Equal(200, started.Status);
        var info = started.Body.GetProperty("trace_info");
        var id = info.GetProperty("request_id").GetString()!;
        Assert.Equal(
            $$$"""
            {"request_id":"{{{id}}}","experiment_id":"0","timestamp_ms":1700000000000,"execution_time_ms":0,"status":"IN_PROGRESS","request_metadata":[{"key":"a","value":"b"}],
            "tags":[{"key":"mlflow.artifactLocation","value":"mlflow-artifacts:/0/traces/{{{id}}}/artifacts"},{"key":"t","value":"1"}]}
            """.ReplaceLineEndings(""),
            info.GetRawText());
        Assert.Matches("^[0-9a-f]{32}$", id);

        using var spans = new StringContent("""
            {"request": "{}", "response": "3", "spans": [
              {"name": "add", "context": {"trace_id": "0x1f", "span_id": "0xa"}, "parent_id": null, "start_time": 1700000000000000000, "end_time": 1700000000500000000, "status_code": "OK", "status_message": "",
               "attributes": {"mlflow.traceRequestId": "\"id\"", "mlflow.spanType": "\"CHAIN\"", "mlflow.spanInputs": "{\"x\": 1}"}, "events": [{"name": "e", "timestamp": 1700000000000000001, "attributes": {"k": 1}}]},
              {"name": "inner", "context": {"trace_id": "0x1f", "span_id": "0xb"}, "parent_id": "0xa", "start_time": 1700000000000000001, "end_time": 1700000000000000002, "status_code": "ERROR", "status_message": "boom", "attributes": {}, "events": []}]}
            """, Encoding.UTF8, "text/plain");
        using var uploaded = await _server.Client.PutAsync(new Uri($"/api/2.0/mlflow-artifacts/artifacts/0/traces/{id}/artifacts/traces.json", UriKind.Relative), spans, Xunit.TestContext.Current.CancellationToken);
        Assert.Equal("{}", await uploaded.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken));

        var ended = await _server.SendAsync(
            HttpMethod.Patch, $"/api/2.0/mlflow/traces/{id}", new { request_id = id, timestamp_ms = 1700000000750, status = "OK", request_metadata = new[] { new { key = "c", value = "d" } }, tags = new[] { new { key = "t", value = "2" } } });

        Assert.Equal(200, ended.Status);
        Assert.Empty(WireShape.Check(ended.Body, "old info answer"));
        Assert.Equal((750, "OK"), (ended.Body.GetProperty("trace_info").GetProperty("execution_time_ms").GetInt32(), ended.Body.GetProperty("trace_info").GetProperty("status").GetString()));
        Assert.Equal(ended.Body.GetRawText(), (await _server.GetAsync($"/ajax-api/2.0/mlflow/traces/{id}/info")).Body.GetRawText());
        var found = await _server.GetAsync($"/api/2.0/mlflow/traces?experiment_ids=0&experiment_ids=7&filter={Uri.EscapeDataString($"request_id = '{id}'")}&max_results=5&order_by={Uri.EscapeDataString("timestamp_ms DESC")}");
        Assert.Empty(WireShape.Check(found.Body, "old found"));
        Assert.Equal(ended.Body.GetProperty("trace_info").GetRawText(), found.Body.GetProperty("traces")[0].GetRawText());

        var trace = (await _server.GetAsync($"/api/3.0/mlflow/traces/get?trace_id={id}")).Body.GetProperty("trace");
        Assert.Equal(["b", "d", "true"], trace.GetProperty("trace_info").GetProperty("trace_metadata").EnumerateObject().Select(pair => pair.Value.GetString()).Order());
        Assert.Equal("2", trace.GetProperty("trace_info").GetProperty("tags").GetProperty("t").GetString());
        Assert.Equal("0.750s", trace.GetProperty("trace_info").GetProperty("execution_duration").GetString());
        Assert.Equal(["add", "inner"], trace.GetProperty("spans").EnumerateArray().Select(span => span.GetProperty("name").GetString()));
        Assert.Equal(Convert.ToBase64String([0, 0, 0, 0, 0, 0, 0, 10]), trace.GetProperty("spans")[1].GetProperty("parent_span_id").GetString());
        Assert.Equal("""{"code":"STATUS_CODE_ERROR","message":"boom"}""", trace.GetProperty("spans")[1].GetProperty("status").GetRawText());
    }

    [Theory]
    [InlineData("0", "TRACE_STATUS_UNSPECIFIED")]
    [InlineData("1", "OK")]
    [InlineData("\"ERROR\"", "ERROR")]
    [InlineData("3", "IN_PROGRESS")]
    public async Task End_StatusByNameOrNumber_IsUnderstood(string status, string expected)
    {
        var id = (await StartAsync()).Body.GetProperty("trace_info").GetProperty("request_id").GetString();

        var ended = await _server.SendAsync(HttpMethod.Patch, $"/api/2.0/mlflow/traces/{id}", $$"""{"timestampMs":"1700000000001","status":{{status}}}""");

        Assert.Equal(expected, ended.Body.GetProperty("trace_info").GetProperty("status").GetString());
    }

    [Fact]
    public async Task Calls_OnWhatIsNotThere_AreMlflowsErrors()
    {
        const string Missing = "Trace with request_id 'nope' not found";
        Assert.Equal((404, Missing), Message(await _server.GetAsync("/api/2.0/mlflow/traces/nope/info")));
        Assert.Equal((404, Missing), Message(await _server.SendAsync(HttpMethod.Patch, "/api/2.0/mlflow/traces/nope", new { timestamp_ms = 1, status = "OK" })));
        Assert.Equal(404, (await _server.PostAsync("/api/2.0/mlflow/traces", new { experiment_id = "777", timestamp_ms = 1 })).Status);
        Assert.Equal(
            (400, "Missing value for required parameter 'experiment_ids'. See the API docs for more information about request parameters."),
            Message(await _server.GetAsync("/api/2.0/mlflow/traces")));
    }

    [Fact]
    public async Task LinkPrompts_Repeatedly_AreToldOnceInTheTagOfClients()
    {
        var traceId = "tr-" + Guid.NewGuid().ToString("n");
        await _server.PostAsync("/api/3.0/mlflow/traces", new { trace = new { trace_info = new { trace_id = traceId, trace_location = new { mlflow_experiment = new { experiment_id = "0" } }, tags = new Dictionary<string, string> { ["mlflow.linkedPrompts"] = """[{"name": "own", "version": 1}]""" } } } });

        for (var i = 0; i < 2; i++)
        {
            var linked = await _server.PostAsync("/api/2.0/mlflow/traces/link-prompts", new { trace_id = traceId, prompt_versions = new[] { new { name = "p", version = "1" }, new { name = "p", version = "2" } } });
            Assert.Equal((200, "{}"), (linked.Status, linked.Body.GetRawText()));
        }

        var tags = (await _server.GetAsync("/api/3.0/mlflow/traces/" + traceId)).Body.GetProperty("trace").GetProperty("trace_info").GetProperty("tags");
        Assert.Equal("""[{"name":"own","version":"1"},{"name":"p","version":"1"},{"name":"p","version":"2"}]""", tags.GetProperty("mlflow.linkedPrompts").GetString());
        Assert.Equal(404, (await _server.PostAsync("/api/2.0/mlflow/traces/link-prompts", new { trace_id = "tr-nope", prompt_versions = Array.Empty<object>() })).Status);
        Assert.Equal(400, (await _server.PostAsync("/api/2.0/mlflow/traces/link-prompts", new { trace_id = traceId, prompt_versions = Enumerable.Range(0, 101).Select(i => new { name = "q", version = $"{i}" }) })).Status);
    }

    private Task<(int Status, JsonElement Body)> StartAsync() => _server.PostAsync(
        "/api/2.0/mlflow/traces", """{"experiment_id":"0","timestamp_ms":1700000000000,"request_metadata":[{"key":"a","value":"b"}],"tags":[{"key":"t","value":"1"}]}""");

    private static (int Status, string? Message) Message((int Status, JsonElement Body) answer) => (answer.Status, answer.Body.GetProperty("message").GetString());
}
