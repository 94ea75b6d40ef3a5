using System.Text;
using System.Text.Json;
using MLflow.Server.Tests.Golden;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public class TraceAnalysisEndpointsTests : IClassFixture<SomeServer>
{
    private const string Metrics = "/api/3.0/mlflow/traces/metrics";
    private const string Correlation = "/ajax-api/3.0/mlflow/traces/calculate-filter-correlation";
    private const string AllTime = """, "start_time_ms": 0, "end_time_ms": "2000000000000" """;

    private readonly SomeServer _server;

    public TraceAnalysisEndpointsTests(SomeServer server) => _server = server;

    [Theory]
    [InlineData("""{"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}]}""", "COUNT=4")]
    [InlineData("""{"view_type":1,"metric_name":"trace_count","aggregations":[{"aggregation_type":1}],"dimensions":["trace_status"]}""", "ERROR COUNT=1|OK COUNT=3")]
    [InlineData("""{"viewType":"TRACES","metricName":"latency","aggregations":[{"aggregationType":"PERCENTILE","percentileValue":95},{"aggregation_type":"AVG"}],"dimensions":["trace_name"]}""", "add P95.0=290 AVG=200|sub P95.0=50 AVG=50")]
    [InlineData("""{"view_type":"TRACES","metric_name":"latency","aggregations":[{"aggregation_type":"PERCENTILE","percentile_value":0},{"aggregation_type":"PERCENTILE","percentile_value":"99.9"},{"aggregation_type":"PERCENTILE","percentile_value":100}]}""", "P0.0=50 P99.9=299.7 P100.0=300")]
    [InlineData("""{"view_type":"TRACES","metric_name":"input_tokens","aggregations":[{"aggregation_type":"SUM"},{"aggregation_type":"AVG"}]}""", "SUM=30 AVG=15")]
    [InlineData("""{"view_type":"TRACES","metric_name":"output_tokens","aggregations":[{"aggregation_type":"SUM"}]}""", "SUM=15")]
    [InlineData("""{"view_type":"TRACES","metric_name":"total_tokens","aggregations":[{"aggregation_type":"SUM"}]}""", "SUM=45")]
    [InlineData("""{"view_type":"TRACES","metric_name":"cache_read_input_tokens","aggregations":[{"aggregation_type":"SUM"}]}""", "SUM=2")]
    [InlineData("""{"view_type":"TRACES","metric_name":"cache_creation_input_tokens","aggregations":[{"aggregation_type":"SUM"}]}""", "SUM=3")]
    [InlineData("""{"view_type":"TRACES","metric_name":"session_count","aggregations":[{"aggregation_type":"COUNT"}]}""", "COUNT=2")]
    [InlineData("""{"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],"filters":["trace.status = \"OK\"","trace.metadata.mlflow.trace.session = 's1'"]}""", "COUNT=2")]
    [InlineData("""{"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],"filters":["trace.tag.`env of it` = 'prod'"]}""", "COUNT=1")]
    [InlineData("""{"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],"dimensions":["trace_name"],"time_interval_seconds":3600""" + AllTime + "}", "2026-01-01T00:00:00+00:00 add COUNT=2|2026-01-01T01:00:00+00:00 add COUNT=1|2026-01-01T01:00:00+00:00 sub COUNT=1")]
    [InlineData("""{"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],"start_time_ms":1767229800000,"end_time_ms":1767229800000}""", "COUNT=1")]
    [InlineData("""{"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],"end_time_ms":5}""", "")]
    [InlineData("""{"view_type":"SPANS","metric_name":"span_count","aggregations":[{"aggregation_type":"COUNT"}],"dimensions":["span_type","span_status"]}""", "LLM OK COUNT=1|TOOL ERROR COUNT=2")]
    [InlineData("""{"view_type":"SPANS","metric_name":"span_count","aggregations":[{"aggregation_type":"COUNT"}],"dimensions":["span_model_name"]}""", "gpt COUNT=1")]
    [InlineData("""{"view_type":"SPANS","metric_name":"total_cost","aggregations":[{"aggregation_type":"SUM"},{"aggregation_type":"PERCENTILE","percentile_value":50}],"dimensions":["span_model_name"]}""", "gpt SUM=0.75 P50.0=0.75")]
    [InlineData("""{"view_type":"SPANS","metric_name":"input_cost","aggregations":[{"aggregation_type":"AVG"}]}""", "AVG=0.25")]
    [InlineData("""{"view_type":"SPANS","metric_name":"output_cost","aggregations":[{"aggregation_type":"SUM"}]}""", "SUM=0.5")]
    [InlineData("""{"view_type":"SPANS","metric_name":"latency","aggregations":[{"aggregation_type":"AVG"}],"dimensions":["span_name"],"filters":["span.type = 'TOOL'","span.status = 'ERROR'"]}""", "look AVG=15")]
    [InlineData("""{"view_type":"SPANS","metric_name":"span_count","aggregations":[{"aggregation_type":"COUNT"}],"filters":["span.name = 'ask'","trace.status = 'OK'"],"time_interval_seconds":60""" + AllTime + "}", "2025-12-31T23:59:00+00:00 COUNT=1")]
    [InlineData("""{"view_type":"ASSESSMENTS","metric_name":"assessment_count","aggregations":[{"aggregation_type":"COUNT"}],"dimensions":["assessment_name","assessment_value"]}""", "expected \"Paris\" COUNT=1|good \"no\" COUNT=1|good 0.5 COUNT=1|good true COUNT=1")]
    [InlineData("""{"view_type":"ASSESSMENTS","metric_name":"assessment_value","aggregations":[{"aggregation_type":"AVG"},{"aggregation_type":"PERCENTILE","percentile_value":50}],"dimensions":["assessment_name"]}""", "good AVG=0.5 P50.0=0.5")]
    [InlineData("""{"view_type":"ASSESSMENTS","metric_name":"assessment_count","aggregations":[{"aggregation_type":"COUNT"}],"filters":["assessment.name = 'good'","assessment.type = 'feedback'"]}""", "COUNT=3")]
    public async Task Metrics_OfFourTraces_AreWhatTheySay(string query, string expected)
    {
        var experiment = await FourTracesAsync();

        var answer = await _server.PostAsync(Metrics, $"{{\"experiment_ids\":[\"{experiment}\"],{query[1..]}");

        Assert.Equal(200, answer.Status);
        Assert.Empty(WireShape.Check(answer.Body, "points"));
        Assert.Equal(expected, Points(answer.Body));
    }

    [Fact]
    public async Task Metrics_PageByPage_NeitherRepeatNorSkip()
    {
        var experiment = await FourTracesAsync();
        var pages = new List<string>();
        var token = "";
        do
        {
            var page = await _server.PostAsync(Metrics, new { experiment_ids = new[] { experiment }, view_type = "TRACES", metric_name = "trace_count", aggregations = new[] { new { aggregation_type = "COUNT" } }, dimensions = new[] { "trace_name", "trace_status" }, max_results = 2, page_token = token });
            pages.Add(Points(page.Body));
            token = page.Body.TryGetProperty("next_page_token", out var next) ? next.GetString() : null;
        }
        while (token is not null);

        Assert.Equal(["add ERROR COUNT=1|add OK COUNT=2", "sub OK COUNT=1"], pages);

        // Two names there are: a page of one goes on, a page of both does not.
        Assert.Equal("eyJvZmZzZXQiOiAxfQ==", (await ByNameAsync(1)).GetProperty("next_page_token").GetString());
        Assert.False((await ByNameAsync(2)).TryGetProperty("next_page_token", out _));

        async Task<JsonElement> ByNameAsync(int size) => (await _server.PostAsync(
            Metrics, new { experiment_ids = new[] { experiment }, view_type = "TRACES", metric_name = "trace_count", aggregations = new[] { new { aggregation_type = "COUNT" } }, dimensions = new[] { "trace_name" }, max_results = size })).Body;
    }

    [Theory]
    [InlineData("\"view_type\":\"TRACES\"", "\"view_type\":\"RUNS\"", "view_type must be one of ['TRACES', 'SPANS', 'ASSESSMENTS'], got 'RUNS'")]
    [InlineData("trace_count", "bogus", "metric_name must be one of ['trace_count', 'session_count', 'latency', 'input_tokens', 'output_tokens', 'total_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'], got 'bogus'")]
    [InlineData("COUNT", "SUM", "Found invalid aggregation_type(s): ['SUM']. Supported aggregation types: ['COUNT']")]
    [InlineData("COUNT", "MEDIAN", "aggregation_type must be one of ['COUNT', 'SUM', 'AVG', 'PERCENTILE', 'MIN', 'MAX'], got 'MEDIAN'")]
    [InlineData("[\"trace_name\"]", "[\"span_type\",\"x\"]", "Found invalid dimension(s): ['span_type', 'x']. Supported dimensions: ['trace_name', 'trace_status']")]
    [InlineData("\"max_results\":10", "\"max_results\":0", "max_results must be 1 to 10000, got 0")]
    [InlineData("\"max_results\":10", "\"time_interval_seconds\":60", "time_interval_seconds needs start_time_ms and end_time_ms, too.")]
    [InlineData("\"max_results\":10", "\"time_interval_seconds\":0,\"start_time_ms\":1,\"end_time_ms\":2", "time_interval_seconds must be 1 to 2147483647, got 0")]
    [InlineData("\"max_results\":10", "\"filters\":[\"trace.status != 'OK'\"]", "Invalid filter 'trace.status != 'OK'': it must be one of trace.status,")]
    [InlineData("\"max_results\":10", "\"filters\":[\"span.name = 'x'\"]", "Filtering by span is only supported for SPANS view type, got TRACES")]
    [InlineData("\"max_results\":10", "\"filters\":[\"assessment.name = 'x'\"]", "Filtering by assessment is only supported for ASSESSMENTS view type, got TRACES")]
    [InlineData("\"max_results\":10", "\"page_token\":\"%\"", "Invalid page token, could not base64-decode '%'")]
    [InlineData("\"max_results\":10", "\"page_token\":\"eHg=\"", "Invalid page token, decoded value=xx")]
    [InlineData("\"max_results\":10", "\"page_token\":\"e30=\"", "Invalid page token, parsed value={}")]
    [InlineData("{\"aggregation_type\":\"COUNT\"}", "", "Missing value for required parameter 'aggregations'.")]
    [InlineData("[\"0\"]", "[]", "Missing value for required parameter 'experiment_ids'.")]
    public async Task Metrics_WrongQuery_IsToldSo(string part, string wrong, string message)
    {
        var query = """{"experiment_ids":["0"],"view_type":"TRACES","metric_name":"trace_count","aggregations":[{"aggregation_type":"COUNT"}],"dimensions":["trace_name"],"max_results":10}""";
        Assert.Equal(200, (await _server.PostAsync(Metrics, query)).Status);

        var answer = await _server.PostAsync(Metrics, query.Replace(part, wrong, StringComparison.Ordinal));

        Assert.Equal(400, answer.Status);
        Assert.StartsWith(message, answer.Body.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Correlation_OfNineTraces_IsThatOfTheContingencyTable()
    {
        var experiment = await ExperimentAsync();
        for (var i = 0; i < 9; i++)
        {
            await StartAsync(experiment, $"tr-{Guid.NewGuid():n}", "2026-01-01T00:00:00Z", "0.001s", i < 4 ? "OK" : "ERROR", i < 2 ? "add" : "other", "{}");
        }

        var answer = await _server.PostAsync(Correlation, new { experiment_ids = new[] { experiment }, filter_string1 = "status = 'OK'", filter_string2 = "name = 'add'", base_filter = "" });

        Assert.Empty(WireShape.Check(answer.Body, "correlation"));
        Assert.Equal("""0.539 0.409 4 2 2 9""", Figures(answer.Body));
        Assert.Equal("-1.000 -0.549 4 5 0 9", Figures((await _server.PostAsync(Correlation, new { experiment_ids = new[] { experiment }, filter_string1 = "status = 'OK'", filter_string2 = "status = 'ERROR'" })).Body));
        Assert.Equal("1.000", Figures((await _server.PostAsync(Correlation, new { experiment_ids = new[] { experiment }, filter_string1 = "status = 'OK'", filter_string2 = "status != 'ERROR'", base_filter = "status = 'OK'" })).Body)[..5]);
        Assert.Equal("0 2 0 9", Figures((await _server.PostAsync(Correlation, new { experiment_ids = new[] { experiment }, filter_string1 = "name = 'nothing'", filter_string2 = "name = 'add'" })).Body));
        Assert.Equal("0 0 0 0", Figures((await _server.PostAsync(Correlation, new { experiment_ids = new[] { "77" }, filter_string1 = "name = 'a'", filter_string2 = "name = 'b'" })).Body));
    }

    [Fact]
    public async Task Correlation_OfFiltersOnSpans_DoesNotAskForOneSpan()
    {
        var experiment = await FourTracesAsync();

        var answer = await _server.PostAsync(Correlation, new { experiment_ids = new[] { experiment }, filter_string1 = "span.type = 'LLM'", filter_string2 = "span.name = 'look'" });

        Assert.Equal(1, answer.Body.GetProperty("joint_count").GetInt32());
        var either = await _server.PostAsync(Correlation, new { experiment_ids = new[] { experiment }, filter_string1 = "status = 'ERROR' OR name = 'sub'", filter_string2 = "NOT name = 'add'" });
        Assert.Equal("2 1 1 4", string.Join(' ', Figures(either.Body).Split(' ')[2..]));
    }

    [Theory]
    [InlineData("""{"filter_string1":"a = 'x'","filter_string2":"name = 'x'"}""", "Missing value for required parameter 'experiment_ids'.")]
    [InlineData("""{"experiment_ids":["0"],"filter_string2":"name = 'x'"}""", "Missing value for required parameter 'filter_string1'.")]
    [InlineData("""{"experiment_ids":["0"],"filter_string1":"nothing = 'x'","filter_string2":"name = 'x'"}""", "Invalid attribute key 'nothing' specified.")]
    [InlineData("""{"experiment_ids":["0"],"filter_string1":"name = 'x'","filter_string2":"name RLIKE '('"}""", "Invalid regular expression '('")]
    public async Task Correlation_WrongRequest_IsToldSo(string body, string message)
    {
        var answer = await _server.PostAsync(Correlation, body);

        Assert.Equal(400, answer.Status);
        Assert.StartsWith(message, answer.Body.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private async Task<string> FourTracesAsync()
    {
        var experiment = await ExperimentAsync();
        var id = $"tr-{Guid.NewGuid():n}";
        await StartAsync(experiment, id, "2026-01-01T00:10:00Z", "0.100s", "OK", "add", """{"mlflow.trace.tokenUsage":"{\"input_tokens\": 10, \"output_tokens\": 5, \"total_tokens\": 15, \"cache_read_input_tokens\": 2, \"cache_creation_input_tokens\": 3}","mlflow.trace.session":"s1"}""", """, "env of it": "prod" """);
        await StartAsync(experiment, $"tr-{Guid.NewGuid():n}", "2026-01-01T00:20:00Z", "0.200s", "OK", "add", """{"mlflow.trace.tokenUsage":"{\"input_tokens\": 20, \"output_tokens\": 10}","mlflow.trace.session":"s1"}""");
        await StartAsync(experiment, $"tr-{Guid.NewGuid():n}", "2026-01-01T01:10:00Z", "0.300s", "ERROR", "add", """{"mlflow.trace.session":"s2"}""");
        await StartAsync(experiment, $"tr-{Guid.NewGuid():n}", "2026-01-01T01:20:00Z", "0.050s", "OK", "sub", "{}");
        using var spans = new StringContent($$$"""
            {"spans":[
              {"trace_id":"x","span_id":"AAAAAAAAAAE=","parent_span_id":null,"name":"ask","start_time_unix_nano":1767225599000000000,"end_time_unix_nano":1767225599040000000,"events":[],"status":{"code":"STATUS_CODE_OK"},"attributes":{"mlflow.traceRequestId":"\"{{{id}}}\"","mlflow.spanType":"\"LLM\"","mlflow.llm.model":"\"gpt\"","mlflow.llm.cost":"{\"input_cost\": 0.25, \"output_cost\": 0.5}"}},
              {"trace_id":"x","span_id":"AAAAAAAAAAI=","parent_span_id":"AAAAAAAAAAE=","name":"look","start_time_unix_nano":1767225599000000000,"end_time_unix_nano":1767225599010000000,"events":[],"status":{"code":"STATUS_CODE_ERROR"},"attributes":{"mlflow.traceRequestId":"\"{{{id}}}\"","mlflow.spanType":"\"TOOL\""}},
              {"trace_id":"x","span_id":"AAAAAAAAAAM=","parent_span_id":"AAAAAAAAAAE=","name":"look","start_time_unix_nano":1767225599000000000,"end_time_unix_nano":1767225599020000000,"events":[],"status":{"code":"STATUS_CODE_ERROR"},"attributes":{"mlflow.traceRequestId":"\"{{{id}}}\"","mlflow.spanType":"\"TOOL\""}}]}
            """, Encoding.UTF8, "text/plain");
        using var uploaded = await _server.Client.PutAsync(new Uri($"/api/2.0/mlflow-artifacts/artifacts/{experiment}/traces/{id}/artifacts/traces.json", UriKind.Relative), spans, Xunit.TestContext.Current.CancellationToken);
        Assert.True(uploaded.IsSuccessStatusCode);
        foreach (var assessment in (string[])[
            """{"assessment_name":"good","feedback":{"value":true}}""",
            """{"assessment_name":"good","feedback":{"value":"no"}}""",
            """{"assessment_name":"good","feedback":{"value":0.5}}""",
            """{"assessment_name":"good","feedback":{"value":9},"valid":false}""",
            """{"assessment_name":"expected","expectation":{"value":"Paris"}}"""])
        {
            Assert.Equal(200, (await _server.PostAsync($"/api/3.0/mlflow/traces/{id}/assessments", $$"""{"assessment":{{assessment}}}""")).Status);
        }

        return experiment;
    }

    private async Task<string> ExperimentAsync() =>
        (await _server.PostAsync("/api/2.0/mlflow/experiments/create", new { name = $"analysis {Guid.NewGuid()}" })).Body.GetProperty("experiment_id").GetString()!;

    private async Task StartAsync(string experiment, string id, string time, string duration, string state, string name, string metadata, string tags = "") =>
        Assert.Equal(200, (await _server.PostAsync("/api/3.0/mlflow/traces", $$$$"""
            {"trace": {"trace_info": {"trace_id": "{{{{id}}}}", "trace_location": {"mlflow_experiment": {"experiment_id": "{{{{experiment}}}}"}}, "request_time": "{{{{time}}}}",
              "execution_duration": "{{{{duration}}}}", "state": "{{{{state}}}}", "trace_metadata": {{{{metadata}}}}, "tags": {"mlflow.traceName": "{{{{name}}}}"{{{{tags}}}} } } } }
            """)).Status);

    private static string Points(JsonElement answer) => !answer.TryGetProperty("data_points", out var points) ? ""
        : string.Join('|', points.EnumerateArray().Select(point => string.Join(' ',
            (point.TryGetProperty("dimensions", out var dimensions) ? dimensions.EnumerateObject().Select(dimension => dimension.Value.GetString()) : [])
            .Concat(point.GetProperty("values").EnumerateObject().Select(value => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value.Name}={Math.Round(value.Value.GetDouble(), 3)}"))))));

    private static string Figures(JsonElement answer) => string.Join(' ', answer.EnumerateObject().Select(figure =>
        figure.Value.GetDouble().ToString(figure.Name.StartsWith("npmi", StringComparison.Ordinal) ? "0.000" : "0", System.Globalization.CultureInfo.InvariantCulture)));
}
