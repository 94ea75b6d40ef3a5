using System.Globalization;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Analysis;
using Xunit;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every store says of a time.</summary>
public abstract class OverviewConformance : IAsyncLifetime
{
    private const long Minute = 60_000;

    // Three pieces of a minute from here.
    private static readonly OverviewQuery Query = new(0, SomeTrace.StartMs, Minute, 3);

    private ITraceStore _traces = null!;
    private ITraceAnalysis _analysis = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => (_traces, _analysis) = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<(ITraceStore Traces, ITraceAnalysis Analysis)> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Overview_NoTraces_IsEmpty()
    {
        var overview = await _analysis.OverviewAsync(Query, Token);

        Assert.Equal(OverviewFigures.None, overview.Total);
        Assert.Empty(overview.Buckets);
        Assert.Empty(overview.Models);
        Assert.Empty(overview.Tools);
        Assert.Null(overview.Worst);
    }

    [Fact]
    public async Task Overview_TracesOfThreeMinutes_AreCountedWhereTheyBegan()
    {
        await WriteAsync(-1, 1);
        await WriteAsync(0, 100);
        await WriteAsync(Minute - 1, 300);
        await WriteAsync((2 * Minute) + 5, 1000, SpanStatus.Error);
        await WriteAsync(3 * Minute, 1);

        var overview = await _analysis.OverviewAsync(Query, Token);

        Assert.Equal([0, 2], overview.Buckets.Keys.Order());
        Assert.Equal((2, 0), (overview.Buckets[0].Traces, overview.Buckets[0].Failed));
        Assert.Equal((1, 1), (overview.Buckets[2].Traces, overview.Buckets[2].Failed));
        Assert.Equal((3, 1), (overview.Total.Traces, overview.Total.Failed));
        Assert.Equal((200, 290), (overview.Buckets[0].LatencyP50, overview.Buckets[0].LatencyP95));
        Assert.Equal(300, overview.Total.LatencyP50);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("span.name LIKE '%'")]
    [InlineData("timestamp_ms > 0")]
    public async Task Histogram_WholeTime_CountsTracesWhereTheyBegan(string? filter)
    {
        await WriteAsync(-1, 1);
        await WriteAsync(0, 100);
        await WriteAsync(Minute - 1, 300, SpanStatus.Error);
        await WriteAsync((2 * Minute) + 5, 1000, SpanStatus.Error);
        await WriteAsync((2 * Minute) + 6, 1000, SpanStatus.Error);
        await WriteAsync(3 * Minute, 1);

        var histogram = await _analysis.HistogramAsync(new HistogramQuery(0, filter, SomeTrace.StartMs, Minute, 3), Token);

        Assert.Equal([(0, new HistogramBucket(2, 1)), (2, new HistogramBucket(2, 2))], histogram.Buckets.OrderBy(bucket => bucket.Key).Select(bucket => (bucket.Key, bucket.Value)));
        Assert.Equal((2, 2), (histogram.Worst!.Bucket, histogram.Worst.Failed));
        Assert.Empty((await _analysis.HistogramAsync(new HistogramQuery(1, filter, SomeTrace.StartMs, Minute, 3), Token)).Buckets);
    }

    [Theory]
    [InlineData("name = 'a'", 1, 0)]
    [InlineData("status = 'ERROR'", 1, 1)]
    [InlineData("name = 'a' OR status = 'ERROR'", 2, 1)]
    [InlineData("trace.text ILIKE '%NEEDLE%'", 1, 1)]
    [InlineData("name RLIKE '^[ab]$'", 2, 1)]
    public async Task Histogram_Filter_CountsWhatItFinds(string filter, int traces, int failed)
    {
        await _traces.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1, name: "a")), Token);
        await _traces.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1, name: "b", status: SpanStatus.Error, attributes: ("note", "\"a needle in it\""))), Token);

        var histogram = await _analysis.HistogramAsync(new HistogramQuery(0, filter, SomeTrace.StartMs, Minute, 3), Token);

        Assert.Equal(new HistogramBucket(traces, failed), histogram.Buckets[0]);
        Assert.Equal(failed == 0, histogram.Worst is null);
    }

    [Fact]
    public Task Histogram_WrongFilter_IsRefused() => Assert.ThrowsAsync<MlflowException>(() => _analysis.HistogramAsync(new HistogramQuery(0, "nonsense = 'a'", 0, Minute, 3), Token));

    [Fact]
    public async Task Overview_ModelCalls_AddUpByModel()
    {
        await WriteCallAsync(0, "gpt-a", durationMs: 1500, firstTokenMs: 500, input: 100, cached: 40, output: 50);
        await WriteCallAsync(1, "gpt-a", durationMs: 2500, firstTokenMs: 500, input: 100, cached: 0, output: 100);
        await WriteCallAsync(2, "gpt-b", durationMs: 800, firstTokenMs: null, input: 7, cached: null, output: 3, SpanStatus.Error);

        var overview = await _analysis.OverviewAsync(Query, Token);

        Assert.Equal(["gpt-a", "gpt-b"], overview.Models.Select(model => model.Model));
        var first = overview.Models[0];
        Assert.Equal((2, 0, 2000, 500, 200, 40), (first.Calls, first.Failed, first.DurationP50, first.FirstTokenP50, first.InputTokens, first.CachedTokens));

        // 150 tokens in one and two seconds behind their first.
        Assert.Equal(50, first.TokensPerSecond!.Value, 6);
        var second = overview.Models[1];
        Assert.Equal((1, 1, 800.0, (double?)null, (double?)null), (second.Calls, second.Failed, second.DurationP50!.Value, second.FirstTokenP50, second.TokensPerSecond));
        Assert.Equal((207, 40, 153), (overview.Total.InputTokens, overview.Total.CachedTokens, overview.Total.OutputTokens));
        Assert.Equal(500, overview.Total.FirstTokenP50);
        Assert.Null(overview.Total.Cost);
        Assert.Equal(3, overview.Total.UnpricedCalls);
    }

    [Fact]
    public async Task Overview_PricedCalls_HaveTheirCost()
    {
        await WriteCallAsync(0, "gpt-4o-mini", 100, null, input: 1_000_000, cached: null, output: 1_000_000, host: "api.openai.com");
        await WriteCallAsync(1, "gpt-4o-mini", 100, null, input: 1_000_000, cached: null, output: 0, host: "api.openai.com");

        var overview = await _analysis.OverviewAsync(Query, Token);

        Assert.Equal(0.9m, overview.Total.Cost!.Value.Usd);
        Assert.Equal(0.9m, overview.Buckets[0].Cost!.Value.Usd);
        Assert.Equal(0.9m, overview.Models[0].Cost!.Value.Usd);
        Assert.Equal(0, overview.Total.UnpricedCalls);
    }

    [Fact]
    public async Task Overview_Tools_AreToldByName()
    {
        var id = SomeTrace.NewOtelId();
        await _traces.WriteAsync(
            SomeTrace.Batch(
                SomeTrace.Span(id, 1, type: "AGENT"),
                SomeTrace.Span(id, 2, 1, "look", "TOOL", durationMs: 10),
                SomeTrace.Span(id, 3, 1, "look", "TOOL", SpanStatus.Error, durationMs: 30),
                SomeTrace.Span(id, 4, 1, "wait", "TOOL", durationMs: null)),
            Token);

        var overview = await _analysis.OverviewAsync(Query, Token);

        Assert.Equal([new ToolFigures("look", 2, 1, 20, 29), new ToolFigures("wait", 1, 0, null, null)], overview.Tools);
    }

    [Fact]
    public async Task Overview_UsersModelsAndTools_AreCountedOverTime()
    {
        foreach (var (minute, user, session) in new[] { (0, "u-1", "s-1"), (0, "u-1", "s-2"), (0, "u-2", "s-2"), (2, "u-1", "") })
        {
            var id = SomeTrace.NewOtelId();
            var start = minute * Minute;
            await _traces.WriteAsync(
                SomeTrace.Batch(
                    SomeTrace.Span(id, 1, type: "AGENT", startMs: start, attributes: [("user.id", $"\"{user}\""), ("session.id", $"\"{session}\"")]),
                    SomeTrace.Span(id, 2, 1, "look", "TOOL", minute == 2 ? SpanStatus.Error : SpanStatus.Ok, start),
                    SomeTrace.Span(id, 3, 1, "ask", "CHAT_MODEL", SpanStatus.Ok, start, attributes: [("mlflow.llm.model", "\"gpt-a\"")])),
                Token);
        }

        var overview = await _analysis.OverviewAsync(Query, Token);

        Assert.Equal((2, 2), (overview.Total.Users, overview.Total.Sessions));
        Assert.Equal((2, 2), (overview.Buckets[0].Users, overview.Buckets[0].Sessions));
        Assert.Equal((1, 0), (overview.Buckets[2].Users, overview.Buckets[2].Sessions));
        Assert.Equal([new PieceCalls("gpt-a", 0, 3, 0), new PieceCalls("gpt-a", 2, 1, 0)], overview.ModelCalls);
        Assert.Equal([new PieceCalls("look", 0, 3, 0), new PieceCalls("look", 2, 1, 1)], overview.ToolCalls);
    }

    [Fact]
    public async Task Overview_Failures_NameTheWorstTimeAndWhatMostOfThemShare()
    {
        await FailAsync(1, "TimeoutException", "gpt-a");
        await FailAsync(Minute, "TimeoutException", "gpt-a");
        await FailAsync(Minute + 1, "TimeoutException", "gpt-b");
        await FailAsync(Minute + 2, "HttpIOException", "gpt-b");
        await FailAsync(Minute + 3, "TimeoutException", "gpt-b");

        var overview = await _analysis.OverviewAsync(Query, Token);

        Assert.Equal(new FailureCluster(1, 4, "TimeoutException", 3, "gpt-b", 3), overview.Worst);
    }

    [Fact]
    public async Task Sessions_PageByPage_AreTheNewestFirstWithTheirSums()
    {
        await WriteTurnAsync("s-1", 0, 100, "first question", "mika");
        await WriteTurnAsync("s-1", 500, 50, "second question", "mika", SpanStatus.Error);
        await WriteTurnAsync("s-2", 200, 10, "another", null);
        await WriteTurnAsync("s-3", 200, 10, "one more", null);
        await WriteAsync(900, 1);

        var sessions = await _analysis.SessionsAsync(new SessionQuery(0, 10), Token);

        Assert.Equal(["s-1", "s-3", "s-2"], sessions.Select(session => session.SessionId));
        var first = sessions[0];
        Assert.Equal((2, 1, SomeTrace.StartMs, SomeTrace.StartMs + 500, 150), (first.Turns, first.Failed, first.FirstMs, first.LastMs, first.WaitMs));
        Assert.Equal((14, 6, "mika"), (first.InputTokens, first.OutputTokens, first.User));
        Assert.Contains("first question", first.FirstRequest, StringComparison.Ordinal);
        Assert.Null(sessions[1].User);
        Assert.Null(first.Cost);
        Assert.Equal(2, first.UnpricedCalls);

        var page = await _analysis.SessionsAsync(new SessionQuery(0, 1, new SessionPlace(sessions[0].LastMs, "s-1")), Token);
        Assert.Equal("s-3", Assert.Single(page).SessionId);
        Assert.Equal("s-2", Assert.Single(await _analysis.SessionsAsync(new SessionQuery(0, 1, SessionPlace.Parse(new SessionPlace(page[0].LastMs, "s-3").ToString())), Token)).SessionId);
        Assert.Empty(await _analysis.SessionsAsync(new SessionQuery(1, 10), Token));
    }

    private Task WriteTurnAsync(string session, long startMs, long durationMs, string question, string? user, SpanStatus status = SpanStatus.Ok)
    {
        List<(string, string)> attributes =
        [
            ("mlflow.spanInputs", $$"""{"messages": [{"role": "user", "content": "{{question}}"}]}"""), ("session.id", $"\"{session}\""), ("mlflow.llm.model", "\"gpt-a\""),
            ("mlflow.chat.tokenUsage", """{"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}"""),
        ];
        if (user is not null)
        {
            attributes.Add(("user.id", $"\"{user}\""));
        }

        return _traces.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1, type: "CHAT_MODEL", status: status, startMs: startMs, durationMs: durationMs, attributes: [.. attributes])), Token);
    }

    private Task WriteAsync(long startMs, long durationMs, SpanStatus status = SpanStatus.Ok) =>
        _traces.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1, status: status, startMs: startMs, durationMs: durationMs)), Token);

    private Task WriteCallAsync(
        long startMs, string model, long durationMs, long? firstTokenMs, long input, long? cached, long output, SpanStatus status = SpanStatus.Ok, string host = "models.example")
    {
        var usage = $$"""{"input_tokens": {{Text(input)}}, "output_tokens": {{Text(output)}}{{(cached is { } c ? $", \"cache_read_input_tokens\": {Text(c)}" : "")}}}""";
        List<(string, string)> attributes = [("mlflow.llm.model", $"\"{model}\""), ("mlflow.chat.tokenUsage", usage), ("server.address", $"\"{host}\"")];
        if (firstTokenMs is { } first)
        {
            attributes.Add(("mlflow.stream.time_to_first_token_ms", Text(first)));
        }

        return _traces.WriteAsync(SomeTrace.Batch(SomeTrace.Span(SomeTrace.NewOtelId(), 1, name: "Completions", type: "CHAT_MODEL", status: status, startMs: startMs, durationMs: durationMs, attributes: [.. attributes])), Token);
    }

    private Task FailAsync(long startMs, string type, string model)
    {
        var span = SomeTrace.Span(SomeTrace.NewOtelId(), 1, type: "CHAT_MODEL", status: SpanStatus.Error, startMs: startMs, attributes: ("mlflow.llm.model", $"\"{model}\""));
        return _traces.WriteAsync(SomeTrace.Batch(span with { Events = [new SpanEventRecord("exception", span.EndNs!.Value, [KeyValuePair.Create("exception.type", $"\"{type}\"")])] }), Token);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
