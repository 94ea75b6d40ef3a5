using System.Text.Json;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Client;

public sealed class SearchTracesTests
{
    private const string Search = "/api/3.0/mlflow/traces/search";
    private const string BatchGet = "/api/3.0/mlflow/traces/batchGet";
    private const string Span = """{"span_id":"4dc538ff62b0dad8","name":"f","start_time_unix_nano":1000000,"end_time_unix_nano":3000000,"attributes":[]}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Search_ManyPages_FetchesThemAsTheyAreRead()
    {
        await using var server = await StartAsync(total: 250);
        await using var client = Some.Client(server);
        var search = client.SearchTracesAsync(options: new TraceSearchOptions { ExperimentIds = { "0" }, IncludeSpans = false }, cancellationToken: Token);

        Assert.Empty(server.Requests);
        Assert.Equal("tr-0", (await search.FirstAsync(Token)).TraceId);
        Assert.Single(server.To(Search));

        Assert.Equal(Enumerable.Range(0, 250).Select(i => $"tr-{i}"), await search.Select(trace => trace.TraceId).ToListAsync(Token));
        Assert.Equal(1 + 3, server.To(Search).Count());
    }

    [Theory]
    [InlineData(7, 5, "5 2")]
    [InlineData(10, 5, "5 5")]
    [InlineData(3, 100, "3")]
    public async Task Search_MaxResults_AsksForNoMore(int max, int page, string sizes)
    {
        await using var server = await StartAsync(total: 250);
        await using var client = Some.Client(server);
        var options = new TraceSearchOptions { ExperimentIds = { "0" }, MaxResults = max, PageSize = page, IncludeSpans = false };

        Assert.Equal(max, (await client.SearchTracesAsync(options: options, cancellationToken: Token).ToListAsync(Token)).Count);

        Assert.Equal(sizes, string.Join(' ', server.To(Search).Select(request => request.Json.GetProperty("max_results").GetInt32())));
    }

    [Fact]
    public async Task Search_WithSpans_AsksForTenTracesAtOnce()
    {
        await using var server = await StartAsync(total: 25);
        await using var client = Some.Client(server);

        var traces = await client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token);

        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"tr-{i}"), traces.Select(trace => trace.TraceId));
        Assert.All(traces, trace => Assert.Equal("f", Assert.Single(trace.Spans).Name));
        Assert.Equal([10, 10, 5], server.To(BatchGet).Select(request => request.Path.Split('&').Length));
    }

    [Fact]
    public async Task Search_ServerHasNoBatches_GetsTracesOneByOne()
    {
        await using var server = await StartAsync(total: 25, hasBatches: false);
        await using var client = Some.Client(server);

        var traces = await client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token);

        Assert.Equal(25, traces.Count);
        Assert.All(traces, trace => Assert.Single(trace.Spans));
        Assert.Single(server.To(BatchGet));
    }

    [Fact]
    public async Task Search_TraceThatIsGoneOrWithoutAFile_DoesNotEndIt()
    {
        await using var server = await StartAsync(total: 4, gone: "tr-1", without: "tr-2");
        await using var client = Some.Client(server);

        var traces = await client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token);

        Assert.Equal(["tr-0", "tr-2", "tr-3"], traces.Select(trace => trace.TraceId));
        Assert.Equal([1, 0, 1], traces.Select(trace => trace.Spans.Count));
    }

    [Fact]
    public async Task Search_ExperimentsByName_AreResolved()
    {
        await using var server = await StartAsync(total: 1);
        server.AddExperiment("weather", "42");
        await using var client = Some.Client(server);

        await client.SearchTracesAsync("name = 'f'", new TraceSearchOptions { Experiments = { "weather" }, ExperimentIds = { "7", "42" }, RunId = "r1" }, Token).ToListAsync(Token);

        var body = Assert.Single(server.To(Search)).Json;
        Assert.Equal(["7", "42"], body.GetProperty("locations").EnumerateArray().Select(location => location.GetProperty("mlflow_experiment").GetProperty("experiment_id").GetString()));
        Assert.Equal("name = 'f' AND attribute.run_id = 'r1'", body.GetProperty("filter").GetString());
    }

    [Fact]
    public async Task Search_ExperimentOfTheClient_IsSearchedAndMayBeMissing()
    {
        await using var server = await StartAsync(total: 1);
        await using var client = Some.Client(server, "mine");

        Assert.Empty(await client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token));
        Assert.Empty(server.To(Search));

        server.AddExperiment("mine", "5");
        Assert.Single(await client.SearchTracesAsync(cancellationToken: Token).ToListAsync(Token));
        Assert.Contains("\"5\"", Assert.Single(server.To(Search)).Json.GetProperty("locations").GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_NamedExperimentIsMissing_SaysSo()
    {
        await using var server = await StartAsync(total: 1);
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<MlflowException>(async () =>
            await client.SearchTracesAsync(options: new TraceSearchOptions { Experiments = { "weathr" } }, cancellationToken: Token).ToListAsync(Token));

        Assert.Equal(MlflowErrorCode.ResourceDoesNotExist, e.ErrorCode);
        Assert.Contains("'weathr'", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1, "PageSize is 0: it must be 1 to 500.")]
    [InlineData(501, 1, "PageSize is 501: it must be 1 to 500.")]
    [InlineData(1, 0, "MaxResults is 0: it must be 1 or more.")]
    public void Search_OptionOutOfItsRange_IsToldAtOnce(int pageSize, int maxResults, string message)
    {
        var client = Some.Client("http://127.0.0.1:1");

        var e = Assert.Throws<ArgumentOutOfRangeException>(() => client.SearchTracesAsync(options: new TraceSearchOptions { PageSize = pageSize, MaxResults = maxResults }, cancellationToken: Token));

        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_WrongFilter_IsTheServersError()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            await LoopbackServer.AnswerAsync(context, 400, """{"error_code":"INVALID_PARAMETER_VALUE","message":"Invalid clause(s) in filter string: 'OR'"}""");
            return true;
        };
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<MlflowException>(async () => await client.SearchTracesAsync("a OR b", cancellationToken: Token).FirstAsync(Token));

        Assert.Equal((MlflowErrorCode.InvalidParameterValue, "Invalid clause(s) in filter string: 'OR'"), (e.ErrorCode, e.ServerMessage));
    }

    [Fact]
    public async Task DeleteTraces_ManyIds_GoInBatchesAndAreSummedUp()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            await LoopbackServer.AnswerAsync(context, 200, $$"""{"traces_deleted":{{request.Json.GetProperty("request_ids").GetArrayLength()}}}""");
            return true;
        };
        await using var client = Some.Client(server);

        Assert.Equal(250, await client.DeleteTracesAsync("0", Enumerable.Range(0, 250).Select(i => $"tr-{i}"), Token));

        Assert.Equal([100, 100, 50], server.Requests.Select(request => request.Json.GetProperty("request_ids").GetArrayLength()));
    }

    [Fact]
    public async Task SetTag_CurrentTrace_GoesAlongWithIt()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);

        using (var span = client.StartSpan("work"))
        {
            await client.SetTraceTagAsync(span.TraceId, "tier", "gold", Token);
            await client.SetTraceTagAsync(span.TraceId, "dropped", "x", Token);
            await client.DeleteTraceTagAsync(span.TraceId, "dropped", Token);
        }

        Assert.Empty(server.Requests);
        await client.FlushAsync(Token);
        var tags = server.To("/api/3.0/mlflow/traces").Single().Json.GetProperty("trace").GetProperty("trace_info").GetProperty("tags");
        Assert.Equal("gold", tags.GetProperty("tier").GetString());
        Assert.False(tags.TryGetProperty("dropped", out _));
    }

    [Theory]
    [InlineData("mlflow.user")]
    [InlineData("mlflow.artifactLocation")]
    public async Task SetTag_OneThatTheServerOwns_IsRefused(string key)
    {
        await using var client = Some.Client("http://127.0.0.1:1");

        Assert.Contains(key, (await Assert.ThrowsAsync<ArgumentException>(() => client.SetTraceTagAsync("tr-1", key, "x", Token))).Message, StringComparison.Ordinal);
        Assert.Contains(key, (await Assert.ThrowsAsync<ArgumentException>(() => client.DeleteTraceTagAsync("tr-1", key, Token))).Message, StringComparison.Ordinal);
    }

    /// <summary>A server with so many traces <c>tr-0</c>, <c>tr-1</c>, …</summary>
    private static async Task<LoopbackServer> StartAsync(int total, bool hasBatches = true, string? gone = null, string? without = null)
    {
        var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            var query = context.Request.Query;
            switch (context.Request.Path.Value)
            {
                case Search:
                    var start = request.Json.TryGetProperty("page_token", out var token) ? int.Parse(token.GetString()!, System.Globalization.CultureInfo.InvariantCulture) : 0;
                    var end = Math.Min(total, start + request.Json.GetProperty("max_results").GetInt32());
                    var infos = Enumerable.Range(start, end - start).Select(i => Info($"tr-{i}", inStore: $"tr-{i}" != without));
                    await LoopbackServer.AnswerAsync(context, 200, $$"""{"traces":[{{string.Join(',', infos)}}]{{(end < total ? $",\"next_page_token\":\"{end}\"" : "")}}}""");
                    return true;
                case BatchGet when hasBatches:
                    await LoopbackServer.AnswerAsync(context, 200, $$"""{"traces":[{{string.Join(',', query["trace_ids"].Where(id => id != gone).Select(id => Trace(id!)))}}]}""");
                    return true;
                case "/api/3.0/mlflow/traces/get" when query["trace_id"] == gone:
                    await LoopbackServer.AnswerAsync(context, 404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Trace with ID x is not found."}""");
                    return true;
                case "/api/3.0/mlflow/traces/get" when query["trace_id"] == without:
                    await LoopbackServer.AnswerAsync(context, 500, """{"error_code":"INTERNAL_ERROR","message":"Trace data not stored in tracking store"}""");
                    return true;
                case "/api/3.0/mlflow/traces/get":
                    await LoopbackServer.AnswerAsync(context, 200, $$"""{"trace":{{Trace(query["trace_id"]!)}}}""");
                    return true;
                case { } path when path == $"/api/3.0/mlflow/traces/{without}":
                    await LoopbackServer.AnswerAsync(context, 200, $$$"""{"trace":{"trace_info":{{{Info(without!, inStore: false)}}}}}""");
                    return true;
                case { } path when path.EndsWith("/traces.json", StringComparison.Ordinal):
                    await LoopbackServer.AnswerAsync(context, 404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no such file"}""");
                    return true;
                default:
                    return false;
            }
        };
        return server;
    }

    private static string Trace(string id) => $$"""{"trace_info":{{Info(id, inStore: true)}},"spans":[{{Span}}]}""";

    private static string Info(string id, bool inStore) => JsonSerializer.Serialize(new
    {
        trace_id = id,
        state = "OK",
        tags = inStore
            ? new Dictionary<string, string> { ["mlflow.trace.spansLocation"] = "TRACKING_STORE" }
            : new() { ["mlflow.artifactLocation"] = $"mlflow-artifacts:/0/traces/{id}/artifacts" },
    });
}
