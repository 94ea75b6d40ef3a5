using System.Text.Json;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public class AssessmentEndpointsTests : IClassFixture<SomeServer>
{
    private const string Source = """{"source_type": "HUMAN", "source_id": "bob"}""";

    private readonly SomeServer _server;

    public AssessmentEndpointsTests(SomeServer server) => _server = server;

    [Theory]
    [InlineData("""{"feedback": {"value": true}}""")]
    [InlineData("""{"feedback": {"value": "good 東京"}}""")]
    [InlineData("""{"feedback": {"value": 0.5}}""")]
    [InlineData("""{"feedback": {"value": [1, "a", null]}}""")]
    [InlineData("""{"feedback": {"value": {"a": {"b": 1}}}}""")]
    [InlineData("""{"feedback": {"value": null, "error": {"error_code": "ValueError", "error_message": "x", "stack_trace": "ValueError: x"}}}""")]
    [InlineData("""{"expectation": {"value": "a"}}""")]
    [InlineData("""{"expectation": {"value": [1]}}""")]
    [InlineData("""{"expectation": {"serialized_value": {"serialization_format": "JSON_FORMAT", "value": "{\"a\": 1}"}}}""")]
    [InlineData("""{"issue": {"issue_name": "slow"}}""")]
    public async Task Create_AnyValue_ComesBackInItsForm(string value)
    {
        var traceId = await TraceAsync();
        var sent = $$"""{"assessment": {"assessment_name": "x", "trace_id": "{{traceId}}", "source": {{Source}}, {{value[1..^1]}} } }""";

        var created = await _server.PostAsync($"/api/3.0/mlflow/traces/{traceId}/assessments", sent);

        Assert.Equal(200, created.Status);
        var assessment = created.Body.GetProperty("assessment");
        var property = JsonDocument.Parse(value).RootElement.EnumerateObject().Single();
        Assert.True(JsonElement.DeepEquals(property.Value, assessment.GetProperty(property.Name)), assessment.GetRawText());
        var id = assessment.GetProperty("assessment_id").GetString()!;
        Assert.Matches("^a-[0-9a-f]{32}$", id);
        Assert.True(assessment.GetProperty("valid").GetBoolean());
        Assert.Equal(assessment.GetProperty("create_time").GetString(), assessment.GetProperty("last_update_time").GetString());

        var got = await _server.GetAsync($"/ajax-api/3.0/mlflow/traces/{traceId}/assessments/{id}?trace_id={traceId}&assessment_id={id}");
        Assert.Equal(assessment.GetRawText(), got.Body.GetProperty("assessment").GetRawText());
        var trace = await _server.GetAsync($"/api/3.0/mlflow/traces/{traceId}");
        Assert.Equal(assessment.GetRawText(), Assert.Single(trace.Body.GetProperty("trace").GetProperty("trace_info").GetProperty("assessments").EnumerateArray()).GetRawText());
    }

    [Fact]
    public async Task StartTrace_WithIds_KeepsThemAndTheirHistory()
    {
        var (old, later) = ("a-" + Guid.NewGuid().ToString("n"), "a-" + Guid.NewGuid().ToString("n"));
        var traceId = "tr-" + Guid.NewGuid().ToString("n");
        string Feedback(string id, string of, string more) => $$"""{"assessment_id":"{{id}}","trace_id":"{{of}}","assessment_name":"good","feedback":{"value":true},"source":{{Source}},"create_time":"2026-01-01T00:00:00Z"{{more}}}""";
        string Info(string trace, string assessments) => $$"""{"trace":{"trace_info":{"trace_id":"{{trace}}","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"} },"request_time":"2026-01-01T00:00:00Z","state":"OK","assessments":[{{assessments}}]} } }""";

        for (var i = 0; i < 2; i++)
        {
            var assessments = Feedback(later, traceId, $$""","overrides":"{{old}}" """) + "," + Feedback(old, traceId, ""","valid":false""") + "," + Feedback("../x", traceId, ""","rationale":"no id of MLflow's" """);
            Assert.Equal(200, (await _server.PostAsync("/api/3.0/mlflow/traces", Info(traceId, assessments))).Status);
        }

        var stored = await StoredAsync(traceId);
        Assert.Equal(3, stored.Count);
        Assert.False(stored[old].GetProperty("valid").GetBoolean());
        Assert.Equal((old, true), (stored[later].GetProperty("overrides").GetString(), stored[later].GetProperty("valid").GetBoolean()));
        Assert.All(stored.Keys, id => Assert.Matches("^a-[0-9a-f]{32}$", id));

        // A copy of the trace under another id loses none of its feedback, which is there by that id already.
        var copy = "tr-" + Guid.NewGuid().ToString("n");
        Assert.Equal(200, (await _server.PostAsync("/api/3.0/mlflow/traces", Info(copy, Feedback(old, traceId, "")))).Status);
        Assert.NotEqual(old, Assert.Single(await StoredAsync(copy)).Key);

        async Task<Dictionary<string, JsonElement>> StoredAsync(string trace) =>
            (await _server.GetAsync($"/api/3.0/mlflow/traces/{trace}")).Body.GetProperty("trace").GetProperty("trace_info").GetProperty("assessments").EnumerateArray()
            .ToDictionary(assessment => assessment.GetProperty("assessment_id").GetString()!);
    }

    [Fact]
    public async Task StartTrace_FeedbackThatDiffersInItsReasonOnly_IsNotOneAndTheSame()
    {
        var traceId = "tr-" + Guid.NewGuid().ToString("n");
        string Feedback(string more) => $$"""{"assessment_name":"good","feedback":{"value":true,"error":null},"source":{{Source}},"create_time":"2026-01-01T00:00:00Z","last_update_time":"2026-01-01T00:00:00Z"{{more}}}""";
        var info = $$"""{"trace":{"trace_info":{"trace_id":"{{traceId}}","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"} },"request_time":"2026-01-01T00:00:00Z","state":"OK","assessments":[{{Feedback(""","rationale":"short" """)}},{{Feedback(""","rationale":"polite" """)}},{{Feedback(""","metadata":{"judge":"2"} """)}}]} } }""";

        Assert.Equal(200, (await _server.PostAsync("/api/3.0/mlflow/traces", info)).Status);
        Assert.Equal(200, (await _server.PostAsync("/api/3.0/mlflow/traces", info)).Status);

        var stored = (await _server.GetAsync($"/api/3.0/mlflow/traces/{traceId}")).Body.GetProperty("trace").GetProperty("trace_info").GetProperty("assessments");
        Assert.Equal(3, stored.GetArrayLength());
        Assert.All(stored.EnumerateArray(), assessment => Assert.False(assessment.GetProperty("feedback").TryGetProperty("error", out _)));
    }

    [Theory]
    [InlineData("{}", "Missing value for required parameter 'assessment'.")]
    [InlineData("""{"assessment":{"assessment_name":"x"}}""", "Unknown assessment type: None")]
    [InlineData("""{"assessment":{"assessment_name":"x","issue":null}}""", "Unknown assessment type: None")]
    [InlineData("""{"assessment":{"feedback":{"value":1}}}""", "Missing value for required parameter 'assessment_name'.")]
    [InlineData("""{"assessment":{"assessment_name":"x","expectation":{}}}""", "Missing value for required parameter 'value'.")]
    [InlineData("""{"assessment":{"assessment_name":"x","expectation":{"serialized_value":{"value":"{"}}}}""", "Invalid value { for parameter 'serialized_value' supplied")]
    [InlineData("""{"assessment":{"assessment_name":"x","feedback":{"value":1},"create_time":"soon"}}""", "Invalid value soon for parameter 'create_time' supplied")]
    public async Task Create_WrongParameters_AreToldSo(string body, string message)
    {
        var answer = await _server.PostAsync($"/api/3.0/mlflow/traces/{await TraceAsync()}/assessments", body);

        Assert.Equal((400, "INVALID_PARAMETER_VALUE"), (answer.Status, answer.Body.GetProperty("error_code").GetString()));
        Assert.StartsWith(message, answer.Body.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_NameTooLong_IsRefused()
    {
        var answer = await _server.PostAsync(
            $"/api/3.0/mlflow/traces/{await TraceAsync()}/assessments", new { assessment = new { assessment_name = new string('x', 251), feedback = new { value = 1 } } });

        Assert.Equal((400, "'assessment_name' exceeds the maximum length of 250 characters"), (answer.Status, answer.Body.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Update_ByMask_ChangesWhatItNames()
    {
        var (path, created) = await CreateAsync("""{"assessment_name":"x","feedback":{"value":true},"rationale":"r","metadata":{"a":"1"}}""");

        var updated = await _server.SendAsync(
            HttpMethod.Patch, path, """{"assessment":{"assessment_name":"y","feedback":{"value":false},"rationale":"ignored","metadata":{"b":"2"}},"update_mask":"assessmentName,feedback,metadata"}""");

        var assessment = updated.Body.GetProperty("assessment");
        Assert.Equal(("y", "False", "r"), (assessment.GetProperty("assessment_name").GetString(), assessment.GetProperty("feedback").GetProperty("value").ToString(), assessment.GetProperty("rationale").GetString()));
        Assert.Equal("""{"a":"1","b":"2"}""", assessment.GetProperty("metadata").GetRawText());
        Assert.Equal(created.GetProperty("create_time").GetString(), assessment.GetProperty("create_time").GetString());

        var invalid = await _server.SendAsync(HttpMethod.Patch, path, """{"assessment":{"valid":false},"update_mask":"valid"}""");
        Assert.False(invalid.Body.GetProperty("assessment").GetProperty("valid").GetBoolean());
        var other = await _server.SendAsync(HttpMethod.Patch, path, """{"assessment":{"expectation":{"value":1}},"update_mask":"expectation"}""");
        Assert.Equal((400, "INVALID_PARAMETER_VALUE"), (other.Status, other.Body.GetProperty("error_code").GetString()));
        var without = await _server.SendAsync(HttpMethod.Patch, path, """{"assessment":{"rationale":"x"}}""");
        Assert.Equal((400, "Missing value for required parameter 'update_mask'. See the API docs for more information about request parameters."), (without.Status, without.Body.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task Delete_Twice_IsFineBothTimes()
    {
        var (path, _) = await CreateAsync("""{"assessment_name":"x","feedback":{"value":true}}""");

        for (var i = 0; i < 2; i++)
        {
            var deleted = await _server.SendAsync(HttpMethod.Delete, path, "{}");
            Assert.Equal((200, "{}"), (deleted.Status, deleted.Body.GetRawText()));
        }

        Assert.Equal(404, (await _server.GetAsync(path)).Status);
    }

    [Fact]
    public async Task StartTrace_WithAssessments_StoresThemOnceHoweverOftenItComes()
    {
        var traceId = "tr-" + Guid.NewGuid().ToString("n");
        var body = $$$$"""
            {"trace": {"trace_info": {"trace_id": "{{{{traceId}}}}", "trace_location": {"mlflow_experiment": {"experiment_id": "0"}}, "request_time": "2026-01-01T00:00:00.123Z",
              "assessments": [
                {"assessment_name": "good", "source": {{{{Source}}}}, "create_time": "2026-01-01T00:00:01Z", "feedback": {"value": true}},
                {"assessment_name": "bad", "source": {"source_type": "CODE"}, "feedback": {"value": 3}}] } } }
            """;

        await _server.PostAsync("/api/3.0/mlflow/traces", body);
        var started = await _server.PostAsync("/api/3.0/mlflow/traces", body);

        var assessments = started.Body.GetProperty("trace").GetProperty("trace_info").GetProperty("assessments");
        Assert.Equal(["bad 2026-01-01T00:00:00.123Z", "good 2026-01-01T00:00:01Z"], assessments.EnumerateArray().Select(a => $"{a.GetProperty("assessment_name")} {a.GetProperty("create_time")}"));
    }

    private async Task<(string Path, JsonElement Assessment)> CreateAsync(string assessment)
    {
        var path = $"/api/3.0/mlflow/traces/{await TraceAsync()}/assessments";
        var created = (await _server.PostAsync(path, $$"""{"assessment":{{assessment}}}""")).Body.GetProperty("assessment");
        return ($"{path}/{created.GetProperty("assessment_id")}", created);
    }

    private async Task<string> TraceAsync()
    {
        var traceId = "tr-" + Guid.NewGuid().ToString("n");
        await _server.PostAsync("/api/3.0/mlflow/traces", new { trace = new { trace_info = new { trace_id = traceId, trace_location = new { mlflow_experiment = new { experiment_id = "0" } } } } });
        return traceId;
    }
}
