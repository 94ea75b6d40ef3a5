using Microsoft.AspNetCore.Http;
using Xunit;

namespace MLflow.Tests.Export;

public sealed class TraceExporterTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Flush_OneTrace_SendsVersionExperimentSpansAndFactsInThatOrder()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server, experiment: "first");
        string traceId;
        using (var root = client.StartSpan("root", SpanType.Chain))
        {
            traceId = root.TraceId;
            root.SetInputs(new { question = "東京?" });
            using var child = client.StartSpan("child", SpanType.Tool);
            child.SetOutputs(3);
        }

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 1, pending: 0, dropped: 0);
        Assert.Equal(
            [
                "GET /version",
                "GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=first",
                "POST /api/2.0/mlflow/experiments/create",
                "POST /v1/traces",
                "POST /api/3.0/mlflow/traces",
            ],
            server.Requests.Select(r => r.Method + " " + r.Path));
        var spans = server.To("/v1/traces").Single().Spans.ToList();
        Assert.Equal(["child", "root"], spans.Select(s => s.Name));
        Assert.Equal(spans[1].SpanId, spans[0].ParentSpanId);
        Assert.Equal("1", server.To("/v1/traces").Single().Header("x-mlflow-experiment-id"));
        var info = server.To("/api/3.0/mlflow/traces").Single().Json.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal(traceId, info.GetProperty("trace_id").GetString());
    }

    [Fact]
    public async Task Flush_ServerAway_ReturnsPendingAndSendsWhenItStarts()
    {
        var port = Some.FreePort();
        await using var client = Some.Client($"http://127.0.0.1:{port}");
        client.StartSpan("early").Dispose();

        var before = await client.FlushAsync(Token);
        FlushAssert.Counts(before, exported: 0, pending: 1, dropped: 0);
        Assert.Contains($"127.0.0.1:{port}", before.LastError, StringComparison.Ordinal);

        await using var server = await LoopbackServer.StartAsync(port);
        var after = await client.FlushAsync(Token);
        FlushAssert.Counts(after, exported: 1, pending: 0, dropped: 0);
    }

    [Fact]
    public async Task Flush_TooManyRequests_WaitsAsToldAndSendsOnce()
    {
        await using var server = await LoopbackServer.StartAsync();
        var refusals = 1;
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces" || Interlocked.Decrement(ref refusals) < 0)
            {
                return false;
            }

            context.Response.Headers.RetryAfter = "0";
            await LoopbackServer.AnswerAsync(context, StatusCodes.Status429TooManyRequests, """{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow down"}""");
            return true;
        };
        await using var client = Some.Client(server);
        client.StartSpan("busy").Dispose();

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 1, pending: 0, dropped: 0);
        Assert.Equal(2, server.To("/v1/traces").Count());
    }
}
