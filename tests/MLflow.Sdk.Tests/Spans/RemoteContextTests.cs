using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Spans;

/// <summary>Traces that go through several processes, seen from one of them.</summary>
public sealed class RemoteContextTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Parent = "b7ad6b7169203331";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task UseTraceContext_SpansBelow_ArePartsOfThatTraceAndTellNoFacts()
    {
        await using var server = await LoopbackServer.StartAsync();
        var log = new RecordingLog();
        await using var client = Some.Client(server.Address, log: log);
        using (var own = client.StartSpan("own"))
        {
            using (client.UseTraceContext($"00-{Trace}-{Parent}-01"))
            {
                Assert.Null(client.GetCurrentActiveSpan());
                using var part = client.StartSpan("part");
                Assert.Equal(("tr-" + Trace, Parent), (part.TraceId, part.ParentId));
                client.UpdateCurrentTrace(new TraceUpdate { Session = "s" });
                client.UpdateCurrentTrace(new TraceUpdate { Session = "s" });
                client.StartSpan("child").Dispose();
            }

            Assert.Same(own, client.GetCurrentActiveSpan());
        }

        client.StartSpan("after").Dispose();

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 3);
        var spans = server.To("/v1/traces").SelectMany(r => r.Spans).ToDictionary(s => s.Name);
        Assert.Equal(Parent, Convert.ToHexStringLower(spans["part"].ParentSpanId.Span));
        Assert.Equal(spans["part"].SpanId, spans["child"].ParentSpanId);
        Assert.All([spans["part"], spans["child"]], span => Assert.Equal(Trace, Convert.ToHexStringLower(span.TraceId.Span)));
        Assert.Empty(spans["after"].ParentSpanId);
        Assert.Equal(2, server.To("/api/3.0/mlflow/traces").Count());
        Assert.Contains("began in another process", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UseTraceContext_OurServer_GetsPartsWithoutFacts()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = true;
        await using var client = Some.Client(server);
        using (client.UseTraceContext($"00-{Trace}-{Parent}-01"))
        {
            client.StartSpan("part").Dispose();
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        Assert.Empty(server.To("/v1/traces").Single().Facts);
        Assert.Empty(server.To("/api/3.0/mlflow/traces"));
    }

    [Fact]
    public async Task UseTraceContext_NotRecordedThere_IsNotRecordedHere()
    {
        await using var client = new MlflowClient(new MlflowClientOptions { SamplingRatio = 1, KeepErrors = true });
        using (client.UseTraceContext($"00-{Trace}-{Parent}-00"))
        {
            using var span = client.StartSpan("x");
            Assert.False(span.IsRecording);
            Assert.Empty(client.GetTraceContext());
        }
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("00-" + Trace + "-" + Parent, true)]
    [InlineData("ff-" + Trace + "-" + Parent + "-01", true)]
    [InlineData("00-" + Trace + "-" + Parent + "-01-more", true)]
    [InlineData("01-" + Trace + "-" + Parent + "-01more", true)]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-" + Parent + "-01", true)]
    [InlineData("00-00000000000000000000000000000000-" + Parent + "-01", true)]
    [InlineData("00-" + Trace + "-0000000000000000-01", true)]
    [InlineData("00-" + Trace + "-" + Parent + "-zz", true)]
    public async Task UseTraceContext_HeaderThatIsNone_BeginsTracesAsAlways(string? header, bool isTold)
    {
        await using var collector = TraceCollector.Start();
        var log = new RecordingLog();
        await using var client = Some.Client("http://127.0.0.1:1", log: log);
        using (client.StartSpan("outer"))
        using (client.UseTraceContext(header))
        using (var inner = client.StartSpan("inner"))
        {
            Assert.NotEqual("tr-" + Trace, inner.TraceId);
        }

        Assert.Equal(2, (await collector.GetTraceAsync(cancellationToken: Token)).Spans.Count);
        Assert.Equal(isTold ? 1 : 0, log.Lines.Count);
    }

    [Fact]
    public async Task UseTraceContext_LaterVersionWithMoreBehind_IsContinued()
    {
        await using var collector = TraceCollector.Start();
        await using var client = new MlflowClient();
        using (client.UseTraceContext($"01-{Trace}-{Parent}-01-more"))
        {
            client.StartSpan("x").Dispose();
        }

        var trace = await collector.GetTraceAsync(cancellationToken: Token);
        Assert.Equal(("tr-" + Trace, Parent), (trace.TraceId, trace.Spans.Single().ParentId));
    }

    [Fact]
    public async Task GetTraceContext_OfTheCurrentSpan_HasItsIdsAndBaggageWhenAsked()
    {
        await using var collector = TraceCollector.Start();
        await using var client = new MlflowClient();
        Assert.Empty(client.GetTraceContext());
        using var span = client.StartSpan("x");
        client.UpdateCurrentTrace(new TraceUpdate { Session = "a, b=;東", User = "u" });

        var headers = client.GetTraceContext(withBaggage: true);

        Assert.Equal($"00-{span.TraceId[3..]}-{span.SpanId}-01", Assert.Single(client.GetTraceContext()).Value);
        Assert.Equal("mlflow.trace.session=a%2C%20b%3D%3B%E6%9D%B1,mlflow.trace.user=u", headers["baggage"]);
        span.Dispose();
        using (client.UseTraceContext(null, "other=1 , " + headers["baggage"] + ";ttl=1"))
        {
            client.StartSpan("new").Dispose();
        }

        var begun = (await collector.GetTracesAsync(cancellationToken: Token))[1];
        Assert.Equal(("a, b=;東", "u", null), (begun.Metadata["mlflow.trace.session"], begun.Metadata["mlflow.trace.user"], begun.Root?.ParentId));
    }

    [Fact]
    public async Task AddTraceContext_OnARequestOfAProgramWithActivities_IsWhatIsSent()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        using var http = new HttpClient();
        using var activity = new System.Diagnostics.Activity("app").AddBaggage("theirs", "1").Start();
        using var span = client.StartSpan("x");
        client.UpdateCurrentTrace(new TraceUpdate { User = "u" });
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Address + "/anything");
        request.Headers.TryAddWithoutValidation("traceparent", $"00-{Trace}-{Parent}-01");

        client.AddTraceContext(request, withBaggage: true);
        using var response = await http.SendAsync(request, Token);

        var sent = server.To("/anything").Single();
        Assert.Equal(client.GetTraceContext()["traceparent"], sent.Header("traceparent"));
        Assert.Contains("mlflow.trace.user=u", sent.Header("baggage"), StringComparison.Ordinal);
    }
}
