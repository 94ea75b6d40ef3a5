using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace MLflow.Tests.Export;

/// <summary>Servers that take a trace's facts with its spans, and those that only seem to.</summary>
public sealed class TraceFactsTests
{
    private const string StartTrace = "/api/3.0/mlflow/traces";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Flush_ServerTakesFacts_SendsManyTracesInOneRequest()
    {
        await using var server = await OurServerAsync();
        await using var client = Some.Client(server, experiment: "ours");
        for (var i = 0; i < 50; i++)
        {
            using var root = client.StartSpan("root " + i);
            client.StartSpan("child").Dispose();
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 50);

        Assert.Empty(server.To(StartTrace));
        var request = server.To("/v1/traces").Single();
        Assert.Equal(100, request.Spans.Count());
        Assert.Equal(50, request.Facts.Select(f => f.GetProperty("trace_id").GetString()).Distinct().Count());
        Assert.All(request.Facts, f => Assert.Equal("1", f.GetProperty("trace_location").GetProperty("mlflow_experiment").GetProperty("experiment_id").GetString()));
        Assert.All(request.Facts, f => Assert.Equal(2, SpansIn(f)));
    }

    [Fact]
    public async Task Facts_WithSpansOrAfterThem_AreTheSameButForThePreviews()
    {
        var facts = new List<string>();
        await using var ours = await OurServerAsync();
        await using var other = await LoopbackServer.StartAsync();
        foreach (var server in (LoopbackServer[])[ours, other])
        {
            var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
            await using var client = Some.Client(server.Address, time: time);

            // Before the server is known, facts are made for any.
            client.StartSpan("first").Dispose();
            await client.FlushAsync(Token);
            string traceId;
            using (var root = client.StartSpan("root"))
            {
                traceId = root.TraceId;
                root.SetInputs(new { messages = new[] { new { role = "user", content = "東京?" } } });
                root.SetOutputs("yes");
                client.StartSpan("child").Dispose();
            }

            FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
            var info = server == ours ? server.To("/v1/traces").Last().Facts.Single() : server.To(StartTrace).Last(r => r.Method == "POST").Json.GetProperty("trace").GetProperty("trace_info");
            facts.Add(info.GetRawText().Replace(traceId, "id", StringComparison.Ordinal));
        }

        // Those our server makes of the spans that it gets at the same time.
        Assert.Equal(facts[1].Replace("\"request_preview\":\"東京?\",\"response_preview\":\"\\\"yes\\\"\",", "", StringComparison.Ordinal), facts[0]);
        Assert.Contains("_preview", facts[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flush_TraceInPartsAndALateSpan_TellsFactsOnceForEachCompletion()
    {
        await using var server = await OurServerAsync();
        await using var client = Some.Client(server);
        LiveSpan root;
        using (root = client.StartSpan("root"))
        {
            for (var i = 0; i < ActiveTrace.MaxHeldSpans; i++)
            {
                client.StartSpan("step").Dispose();
            }

            await client.FlushAsync(Token);
            Assert.Empty(server.To("/v1/traces").Single().Facts);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        client.Tracer.StartDetached("late", SpanType.Unknown, root).Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);

        Assert.Equal([513, 514], server.To("/v1/traces").SelectMany(r => r.Facts).Select(SpansIn));
        Assert.Empty(server.To(StartTrace));
    }

    [Fact]
    public async Task Flush_BatchIsRefused_DropsOnlyTheTraceWhoseFactsAreWrong()
    {
        await using var server = await OurServerAsync();
        server.Intercept = async (context, request) =>
        {
            var isPoison = request.Path == "/v1/traces" ? request.Facts.Any(IsPoison) : request.Path == StartTrace && IsPoison(request.Json.GetProperty("trace").GetProperty("trace_info"));
            if (isPoison)
            {
                await LoopbackServer.AnswerAsync(context, StatusCodes.Status400BadRequest, """{"error_code":"INVALID_PARAMETER_VALUE","message":"no such thing"}""");
            }

            return isPoison;
        };
        await using var client = Some.Client(server);
        foreach (var name in (string[])["a", "poison", "b"])
        {
            client.StartSpan(name).Dispose();
        }

        var result = await client.FlushAsync(Token);

        FlushAssert.Counts(result, exported: 2, dropped: 1);
        Assert.Contains("no such thing", result.LastError, StringComparison.Ordinal);

        static bool IsPoison(JsonElement info) => info.GetRawText().Contains("poison", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flush_AnswerDoesNotConfirm_TellsFactsAfterwardsAndAsksAgainWhoIsThere()
    {
        await using var server = await OurServerAsync();
        await using var client = Some.Client(server, experiment: "moved");
        client.StartSpan("ours").Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        server.TakesFacts = false;
        client.StartSpan("to another server").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 2);
        Assert.Single(server.To(StartTrace));

        client.StartSpan("known by now").Dispose();
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 3);
        Assert.Equal(2, server.To("/version").Count());
        Assert.Equal(2, server.To(StartTrace).Count());
        Assert.Empty(server.To("/v1/traces").Last().Facts);
    }

    [Theory]
    [InlineData(404, "<h1>Not Found</h1>")]
    [InlineData(403, "no")]
    [InlineData(500, "oops")]
    [InlineData(200, "<h1>Welcome</h1>")]
    [InlineData(200, "[]")]
    [InlineData(200, """{"store_type":"SqlStore"}""")]
    [InlineData(200, """{"takes_trace_facts":"true"}""")]
    public async Task Flush_ServerSaysNothingOfFacts_SendsThemAsMlflowDoes(int status, string body)
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            var isAsked = request.Path == "/api/3.0/mlflow/server-info";
            if (isAsked)
            {
                await LoopbackServer.AnswerAsync(context, status, body);
            }

            return isAsked;
        };
        await using var client = Some.Client(server);
        client.StartSpan("x").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Empty(server.To("/v1/traces").Single().Facts);
        Assert.Single(server.To(StartTrace));
    }

    [Fact]
    public async Task Flush_RetriedRequest_CountsSizesOnce()
    {
        await using var server = await OurServerAsync();
        var refusals = 1;
        server.Intercept = async (context, request) =>
        {
            if (request.Path != "/v1/traces" || Interlocked.Decrement(ref refusals) < 0)
            {
                return false;
            }

            context.Response.Headers.RetryAfter = "0";
            await LoopbackServer.AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, "later");
            return true;
        };
        await using var client = Some.Client(server);
        client.StartSpan("x").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var requests = server.To("/v1/traces").ToList();
        Assert.Equal(2, requests.Count);
        Assert.Equal(requests[0].Facts.Single().GetRawText(), requests[1].Facts.Single().GetRawText());
    }

    [Fact]
    public async Task Flush_ApplicationsAttributeOfThatName_IsNotTakenForFacts()
    {
        await using var server = await OurServerAsync();
        await using var client = Some.Client(server);
        using (var span = client.StartSpan("x"))
        {
            span.SetAttribute("mlflow.traceFacts", "mine");
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Single(server.To("/v1/traces").Single().Facts);
    }

    private static async Task<LoopbackServer> OurServerAsync()
    {
        var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        return server;
    }

    private static int SpansIn(JsonElement info)
    {
        var stats = info.GetProperty("trace_metadata").GetProperty("mlflow.trace.sizeStats").GetString()!;
        return JsonDocument.Parse(stats).RootElement.GetProperty("num_spans").GetInt32();
    }
}
