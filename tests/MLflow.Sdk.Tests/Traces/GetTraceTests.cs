using MLflow.Tests;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Sdk.Tests.Traces;

public sealed class GetTraceTests
{
    private const string Spans = """[{"span_id":"4dc538ff62b0dad8","name":"f","start_time_unix_nano":1000000,"end_time_unix_nano":3000000,"attributes":[]}]""";
    private const string Missing = """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Trace with ID 'ID' not found."}""";
    private const string Get = "/api/3.0/mlflow/traces/get";
    private const string BatchGet = "/api/3.0/mlflow/traces/batchGet";
    private const string Info = "/api/3.0/mlflow/traces/tr-1";
    private const string File = "/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/traces.json";

    private readonly List<string?> _queries = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetTrace_ServerHasIt_IsReadInOneRequest()
    {
        await using var server = await StartAsync(new() { [Get] = (200, $$$"""{"trace":{"trace_info":{"trace_id":"tr-1","state":"OK"},"spans":{{{Spans}}}}}""") });
        await using var client = Some.Client(server);

        var trace = await client.GetTraceAsync("tr-1", Token);

        Assert.Equal("tr-1", trace.TraceId);
        Assert.Equal("f", Assert.Single(trace.Spans).Name);
        Assert.Equal("?trace_id=tr-1&allow_partial=true", Assert.Single(_queries));
    }

    [Fact]
    public async Task GetTrace_ServerTakesGetForAnId_IsReadByBatch()
    {
        await using var server = await StartAsync(new()
        {
            [Get] = (404, Missing.Replace("ID'", "get'", StringComparison.Ordinal)),
            [BatchGet] = (200, $$$"""{"traces":[{"trace_info":{"trace_id":"tr-1"},"spans":{{{Spans}}}}]}"""),
        });
        await using var client = Some.Client(server);

        Assert.Single((await client.GetTraceAsync("tr-1", Token)).Spans);
    }

    [Theory]
    [InlineData(500, """{"error_code":"INTERNAL_ERROR","message":"Trace data not stored in tracking store"}""")]
    [InlineData(404, "<html>Not Found</html>")]
    public async Task GetTrace_SpansAreAnArtifact_IsReadInParts(int status, string answer)
    {
        await using var server = await StartAsync(new()
        {
            [Get] = (status, answer),
            [Info] = (200, """{"trace":{"trace_info":{"trace_id":"tr-1","state":"OK","tags":{"mlflow.artifactLocation":"mlflow-artifacts:/0/traces/tr-1/artifacts"}}}}"""),
            [File] = (200, """{"spans":[{"span_id":"4dc538ff62b0dad8","name":"f","attributes":{"mlflow.spanInputs":"{\"x\": 1}"}}]}"""),
        });
        await using var client = Some.Client(server);

        var trace = await client.GetTraceAsync("tr-1", Token);

        Assert.Equal("OK", trace.State);
        Assert.Equal(1, Assert.Single(trace.Spans).Inputs!.Value.GetProperty("x").GetInt32());
    }

    [Fact]
    public async Task GetTrace_ArtifactsOutOfReach_SaysHowToServeThem()
    {
        await using var server = await StartAsync(new()
        {
            [Get] = (500, "{}"),
            [Info] = (200, """{"trace":{"trace_info":{"trace_id":"tr-1","tags":{"mlflow.artifactLocation":"s3://bucket/0"}}}}"""),
        });
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetTraceAsync("tr-1", Token));

        Assert.Contains("s3://bucket/0", e.Message, StringComparison.Ordinal);
        Assert.Contains("--serve-artifacts", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetTrace_UnknownId_NamesItAndTheServer()
    {
        await using var server = await StartAsync(new() { [Get] = (404, Missing) });
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<TraceNotFoundException>(() => client.GetTraceAsync("tr-1", Token));

        Assert.Equal(("tr-1", server.Address), (e.TraceId, e.TrackingUri));
        Assert.Contains("tr-1", e.Message, StringComparison.Ordinal);
        Assert.Contains(server.Address, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetTrace_NoServer_NamesItsAddress()
    {
        var address = $"http://127.0.0.1:{FreePort.Next()}";
        await using var client = Some.Client(address);

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.GetTraceAsync("tr-1", Token));

        Assert.Contains(address, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html>")]
    [InlineData("""{"traces":[]}""")]
    [InlineData("""{"trace":{"trace_info":{"trace_id":"tr-1","request_time_ms":9223372036854775807}}}""")]
    [InlineData("""{"trace":{"trace_info":{"trace_id":"tr-1","execution_duration_ms":9223372036854775807}}}""")]
    [InlineData("""{"trace":{"trace_info":{"trace_id":"tr-1","execution_duration":"1e300s"}}}""")]
    public async Task GetTrace_AnswerIsNoTrace_IsAFormatException(string answer)
    {
        await using var server = await StartAsync(new() { [Get] = (200, answer) });
        await using var client = Some.Client(server);

        await Assert.ThrowsAsync<FormatException>(() => client.GetTraceAsync("tr-1", Token));
    }

    private async Task<LoopbackServer> StartAsync(Dictionary<string, (int Status, string Body)> answers)
    {
        var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            var (status, body) = answers.GetValueOrDefault(context.Request.Path.Value!, (404, "<html>Not Found</html>"));
            _queries.Add(context.Request.QueryString.Value);
            await LoopbackServer.AnswerAsync(context, status, body);
            return true;
        };
        return server;
    }
}
