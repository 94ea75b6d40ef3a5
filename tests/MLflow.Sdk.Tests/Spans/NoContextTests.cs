using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Spans;

/// <summary>Spans that are not current, with what is said of them when they start.</summary>
public sealed class NoContextTests : SpanTestBase
{
    private static readonly SpanOptions Options = new()
    {
        Inputs = new { q = 1 },
        Attributes = { ["k"] = "v" },
        Tags = { ["tag"] = "t" },
        Metadata = { ["meta"] = "m" },
        StartTime = DateTimeOffset.UnixEpoch.AddSeconds(5),
    };

    [Fact]
    public async Task StartSpanNoContext_WithoutACurrentSpan_BeginsATraceThatItsStarterEnds()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);

        var root = client.StartSpanNoContext("root", SpanType.Agent, options: Options);
        Assert.Null(client.GetCurrentActiveSpan());
        Assert.Equal(root.TraceId, client.GetLastActiveTraceId());
        var child = client.StartSpanNoContext("child", parent: root);
        await Task.Run(child.End, Token);
        root.End(DateTimeOffset.UnixEpoch.AddSeconds(7));

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var spans = server.To("/v1/traces").Single().Spans.ToDictionary(span => span.Name);
        Assert.Equal(spans["root"].SpanId, spans["child"].ParentSpanId);
        Assert.Equal((5_000_000_000UL, 7_000_000_000UL), (spans["root"].StartTimeUnixNano, spans["root"].EndTimeUnixNano));
        Assert.Equal("{\"q\":1}", spans["root"].Attributes.Single(a => a.Key == AttributeNames.Inputs).Value.StringValue);
        Assert.Equal("v", spans["root"].Attributes.Single(a => a.Key == "k").Value.StringValue);
        var info = server.To("/api/3.0/mlflow/traces").Single().Json.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal("t", info.GetProperty("tags").GetProperty("tag").GetString());
        Assert.Equal("m", info.GetProperty("trace_metadata").GetProperty("meta").GetString());
        Assert.Equal("2.000s", info.GetProperty("execution_duration").GetString());
    }

    [Fact]
    public async Task StartSpanNoContext_WithACurrentSpan_IsBelowItAndDoesNotReplaceIt()
    {
        await using var collector = TraceCollector.Start();
        await using var client = new MlflowClient();
        using (var current = client.StartSpan("current", options: new SpanOptions { Attributes = { ["k"] = 1 } }))
        {
            var other = client.StartSpanNoContext("other");
            Assert.Same(current, client.GetCurrentActiveSpan());
            Assert.Equal(current.SpanId, other.ParentId);
            client.StartSpan("next").Dispose();
            other.End();
        }

        var trace = await collector.GetTraceAsync(cancellationToken: Token);
        Assert.Equal("current", trace.ParentOf(trace.GetSpan("next"))?.Name);
        Assert.Equal(1, trace.GetSpan("current").Attributes["k"].GetInt32());
    }

    [Fact]
    public async Task StartSpanNoContext_Disabled_LooksAtNothing()
    {
        await using var client = new MlflowClient { IsEnabled = false };

        var span = client.StartSpanNoContext("x", options: Options);
        var child = client.StartSpanNoContext("y", parent: span);

        Assert.Equal((false, false, false), (span.IsRecording, child.IsRecording, span.HasInputs));
        Assert.Empty(span.Trace.Tags());
    }

    [Fact]
    public void End_ByAnotherFlow_LeavesItWhereItWasCurrent()
    {
        var root = Start("root");
        var inner = Start("inner");
        var thread = new Thread(inner.End);
        thread.UnsafeStart();
        thread.Join();

        inner.Dispose();
        Assert.Same(root, Tracer.Current);
        root.Dispose();
        Assert.Null(Tracer.Current);
    }

    [Fact]
    public async Task AddLink_BySpanAndByIds_IsSentAndABadOneIsToldOf()
    {
        await using var server = await LoopbackServer.StartAsync();
        var log = new RecordingLog();
        await using var client = Some.Client(server.Address, log: log);
        var cause = client.StartSpanNoContext("cause");
        using (var span = client.StartSpan("effect", options: new SpanOptions { Attributes = { ["k"] = 1 } }))
        {
            span.AddLink(cause, [new("why", "queued"), new("place", 3)]);
            span.AddLink(cause.TraceId, cause.SpanId);
            span.AddLink(cause.TraceId, cause.SpanId, [new("key", "sk-aB3dE5gH7jK9mN1pQ2sT4vW6"), new("who", new { name = "a" })]);
            span.AddLink("tr-" + new string('A', 32), cause.SpanId);
            span.AddLink(new string('0', 32), cause.SpanId);
        }

        cause.End();
        await client.FlushAsync(Token);

        var links = server.To("/v1/traces").SelectMany(r => r.Spans).Single(s => s.Name == "effect").Links;
        Assert.Equal(3, links.Count);
        Assert.Equal(
            ["why=queued place=3", "", """key=[REDACTED] who={"name":"a"}"""],
            links.Select(Attributes));
        Assert.All(links, link => Assert.Equal(cause.SpanId, Convert.ToHexStringLower(link.SpanId.Span)));
        Assert.All(links, link => Assert.Equal(cause.TraceId, "tr-" + Convert.ToHexStringLower(link.TraceId.Span)));
        Assert.Contains("32 and 16 hexadecimal digits", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddLink_WithAttributes_GoesByPrivacy()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        client.SetPrivacy(privacy => privacy.RedactedKeys.Add("ssn"));
        await LinkAsync("by key");
        client.SetPrivacy(privacy => privacy.Capture = CaptureMode.Metadata);
        await LinkAsync("metadata");

        Assert.Equal(
            ["by key: ssn=[REDACTED] count=2", "metadata: count=2"],
            server.To("/v1/traces").SelectMany(r => r.Spans).Select(span => $"{span.Name}: {Attributes(Assert.Single(span.Links))}").Order());

        // The rules that hold when a span is encoded hold for it.
        async Task LinkAsync(string name)
        {
            using (var span = client.StartSpan(name))
            {
                span.AddLink(span, [new("ssn", "078-05-1120"), new("count", 2)]);
            }

            await client.FlushAsync(Token);
        }
    }

    private static string Attributes(Otlp.Link link) => string.Join(
        ' ', link.Attributes.Select(a => $"{a.Key}={(a.Value.HasIntValue ? a.Value.IntValue.ToString(System.Globalization.CultureInfo.InvariantCulture) : a.Value.StringValue)}"));
}
