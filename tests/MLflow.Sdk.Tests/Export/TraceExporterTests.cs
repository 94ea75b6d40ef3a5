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
                "GET /api/3.0/mlflow/server-info",
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
        var port = FreePort.Next();
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

    [Fact]
    public async Task Flush_ManyTracesWait_GoInOneRequest()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server, experiment: "many");
        for (var i = 0; i < 50; i++)
        {
            client.StartSpan("x").Dispose();
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 50);
        Assert.InRange(server.To("/v1/traces").Count(), 1, 3);
        Assert.Equal(50, server.To("/api/3.0/mlflow/traces").Select(r => r.Json.GetRawText()).Distinct().Count());
        Assert.Single(server.To("/version"));
        Assert.Single(server.To("/api/2.0/mlflow/experiments/get-by-name"));
    }

    [Fact]
    public async Task Worker_NobodyFlushes_SendsSoon()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        var came = server.NextAsync("/api/3.0/mlflow/traces");
        client.StartSpan("x").Dispose();
        await came;
    }

    [Fact]
    public async Task Flush_LargeBody_IsCompressedForServersElsewhereThatTakeItOnly()
    {
        Assert.SkipWhen(OperatingSystem.IsMacOS(), "There loopback has one address only.");
        var elsewhere = System.Net.IPAddress.Parse("127.0.0.2");
        await using var modern = await LoopbackServer.StartAsync(address: elsewhere);
        await using var older = await LoopbackServer.StartAsync(address: elsewhere);
        await using var here = await LoopbackServer.StartAsync();
        older.Version = "3.6.1.dev0";
        foreach (var server in (LoopbackServer[])[modern, older, here])
        {
            // Written so, the address does not look like loopback.
            await using var client = Some.Client(server == here ? here.Address : $"http://[::ffff:127.0.0.2]:{server.Port}");
            using (var span = client.StartSpan("x"))
            {
                span.SetInputs(new string('a', 5000));
            }

            FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
            Assert.Equal(5000, server.To("/v1/traces").Single().Spans.Single().Attributes.Single(a => a.Key == "mlflow.spanInputs").Value.StringValue.Length);
        }

        Assert.Equal("gzip", modern.To("/v1/traces").Single().Header("Content-Encoding"));
        Assert.Null(older.To("/v1/traces").Single().Header("Content-Encoding"));
        Assert.Null(here.To("/v1/traces").Single().Header("Content-Encoding"));
    }

    [Fact]
    public async Task Flush_MoreThanOneRequestHolds_GoesInSeveral()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        using (client.StartSpan("root"))
        {
            for (var i = 0; i < 5; i++)
            {
                using var step = client.StartSpan("step");
                step.SetInputs(new string('a', TraceExporter.MaxRequestBytes / 2));
            }
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal([2, 2, 2], server.To("/v1/traces").Select(r => r.Spans.Count()));
    }

    /// <summary>A server may refuse it for its size, and must not refuse others with it.</summary>
    [Fact]
    public async Task Flush_SpanLargerThanARequest_GoesAlone()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        using (client.StartSpan("root"))
        {
            client.StartSpan("before").Dispose();
            using (var large = client.StartSpan("large"))
            {
                large.SetInputs(new string('a', 3 * TraceExporter.MaxRequestBytes));
            }

            client.StartSpan("after").Dispose();
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Equal(["before", "large", "after,root"], server.To("/v1/traces").Select(r => string.Join(',', r.Spans.Select(span => span.Name).Order())));
    }

    [Fact]
    public async Task Flush_BelowAnActivity_CarriesNoTraceContext()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        using var activity = new System.Diagnostics.Activity("the program's own").Start();
        client.StartSpan("x").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.All(server.Requests, r => Assert.Null(r.Header("traceparent")));
        Assert.All(server.Requests, r => Assert.StartsWith("mlflow-dotnet-client/", r.Header("User-Agent"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Enqueue_FlowSuppressed_StartsTheWorkerAllTheSame()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        using (ExecutionContext.SuppressFlow())
        {
            client.StartSpan("x").Dispose();
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
    }

    [Fact]
    public async Task Flush_TraceInPartsAndALateSpan_IsOneTraceInTheCounters()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        LiveSpan root;
        using (root = client.StartSpan("root"))
        {
            for (var i = 0; i < ActiveTrace.MaxHeldSpans + 1; i++)
            {
                client.StartSpan("step").Dispose();
            }

            FlushAssert.Counts(await client.FlushAsync(Token), exported: 0, pending: 1);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        client.Tracer.StartDetached("late", SpanType.Unknown, root).Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        var infos = server.To("/api/3.0/mlflow/traces").Select(r => r.Json.GetProperty("trace").GetProperty("trace_info").GetProperty("trace_metadata").GetProperty("mlflow.trace.sizeStats").GetString()).ToList();
        Assert.Contains("\"num_spans\": 514,", infos[0], StringComparison.Ordinal);
        Assert.Contains("\"num_spans\": 515,", infos[1], StringComparison.Ordinal);
        Assert.Equal(515, server.To("/v1/traces").SelectMany(r => r.Spans).Select(s => s.SpanId).Distinct().Count());
    }

    [Fact]
    public async Task Counters_RandomAnswersOfTheServer_AlwaysAddUpToWhatWasMade()
    {
        await using var server = await LoopbackServer.StartAsync();
        var random = new Random(20261124);
        server.Intercept = async (context, request) =>
        {
            int status;
            lock (random)
            {
                status = random.Next(10) switch { 0 => 429, 1 => 503, 2 => 500, 3 => 400, _ => 0 };
            }

            if (status == 0 || request.Path == "/version")
            {
                return false;
            }

            context.Response.Headers.RetryAfter = "0";
            await LoopbackServer.AnswerAsync(context, status, "no");
            return true;
        };
        await using var client = Some.Client(server);
        long made = 0;
        FlushResult result;
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 10; i++, made++)
            {
                client.StartSpan("x").Dispose();
            }

            result = await client.FlushAsync(Token);
            Assert.Equal(made, result.Exported + result.Pending + result.Dropped);
            Assert.Equal(result.Dropped, result.DroppedBy.Values.Sum());
        }

        server.Intercept = null;
        result = await client.FlushAsync(Token);
        Assert.Equal(0, result.Pending);
        Assert.Equal(made, result.Exported + result.Dropped);
        Assert.NotEqual(0, result.Exported);
        Assert.NotEqual(0, result.Dropped);
    }
}
