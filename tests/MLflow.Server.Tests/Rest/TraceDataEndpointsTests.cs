using System.Text.Json;
using Xunit;

namespace MLflow.Server.Tests.Rest;

public sealed class TraceDataEndpointsTests : IClassFixture<SomeServer>
{
    private readonly SomeServer _server;

    public TraceDataEndpointsTests(SomeServer server) => _server = server;

    [Fact]
    public async Task Upload_AsPythonDoes_BecomesSpans()
    {
        var path = Path("tr-ae3d563ee6c2a5fad75917f58987a2b8");
        const string File = """
            {"spans":[{"trace_id":"rj1WPubCpfrXWRf1iYeiuA==","span_id":"Jl5Sh1+ucl8=","parent_span_id":null,"name":"add",
            "start_time_unix_nano":1795399326331675252,"end_time_unix_nano":1795399326332100000,
            "events":[{"name":"ev","time_unix_nano":1795399326331900000,"attributes":{"a":"b","n":1}}],"status":{"code":"STATUS_CODE_OK","message":""},
            "attributes":{"mlflow.traceRequestId":"\"tr-ae3d563ee6c2a5fad75917f58987a2b8\"","mlflow.spanType":"\"CHAIN\"","mlflow.spanInputs":"{\"x\": 5}","k":"1","raw":"not json"}}]}
            """;

        Assert.Equal(200, (await _server.SendAsync(HttpMethod.Put, path, File)).Status);

        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.UserAgent.ParseAdd("mlflow-python-client/3.11.2");
        using var response = await _server.Client.SendAsync(request, Xunit.TestContext.Current.CancellationToken);
        var downloaded = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Xunit.TestContext.Current.CancellationToken)).RootElement;
        var expected = File.ReplaceLineEndings("").Replace("\"not json\"", "\"\\\"not json\\\"\"", StringComparison.Ordinal);
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(expected).RootElement, downloaded), downloaded.GetRawText());

        var info = (await _server.GetAsync("/api/3.0/mlflow/traces/tr-ae3d563ee6c2a5fad75917f58987a2b8")).Body.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal("TRACKING_STORE", info.GetProperty("tags").GetProperty("mlflow.trace.spansLocation").GetString());
        Assert.Equal("{\"x\": 5}", info.GetProperty("request_preview").GetString());
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[")]
    [InlineData("""{"spans":[{}]}""")]
    [InlineData("""{"spans":[{"trace_id":"x","span_id":"AAAA","start_time_unix_nano":1}]}""")]
    [InlineData("""{"spans":[{"trace_id":null,"span_id":"AAAA","start_time_unix_nano":1}]}""")]
    [InlineData("""{"spans":[{"trace_id":"rj1WPubCpfrXWRf1iYeiuA==","span_id":null,"start_time_unix_nano":1}]}""")]
    [InlineData("""{"spans":[{"context":{"trace_id":null,"span_id":"0x1"},"start_time":1}]}""")]
    public async Task Upload_Nonsense_IsRefused(string body)
    {
        var answer = await _server.SendAsync(HttpMethod.Put, Path("tr-nonsense"), body);

        Assert.Equal((400, "BAD_REQUEST"), (answer.Status, answer.Body.GetProperty("error_code").GetString()));
    }

    [Fact]
    public async Task Upload_DeepAndEndlessValues_CanBeRead()
    {
        const string TraceId = "tr-0000000000000000000000000000deed";
        var deep = new string('[', 250) + "1e999,-1e999" + new string(']', 250);
        Assert.Equal(200, (await _server.SendAsync(HttpMethod.Put, Path(TraceId), $$$"""{"spans":[{"span_id":"Jl5Sh1+ucl8=","start_time_unix_nano":1,"attributes":{"deep":{{{deep}}}} }]}""")).Status);

        var (status, body) = await _server.GetAsync("/api/3.0/mlflow/traces/get?trace_id=" + TraceId);

        Assert.Equal(200, status);
        Assert.Contains("\"double_value\":\"-Infinity\"", body.GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-none/artifacts/traces.json", 404, "RESOURCE_DOES_NOT_EXIST")]
    [InlineData("/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-none", 404, "NOT_FOUND")]
    [InlineData("/ajax-api/2.0/mlflow/get-trace-artifact", 400, "BAD_REQUEST")]
    public async Task Download_WhatIsNotThere_IsToldSo(string path, int status, string code)
    {
        var answer = await _server.GetAsync(path);

        Assert.Equal((status, code), (answer.Status, answer.Body.GetProperty("error_code").GetString()));
    }

    private static string Path(string traceId) => $"/api/2.0/mlflow-artifacts/artifacts/0/traces/{traceId}/artifacts/traces.json";
}
